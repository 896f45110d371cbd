//! What a program may read of a refusal, beside its name.

use serde::{Deserialize, Serialize};
use zbus::{DBusError, Message, Type, as_variant::optional, message::Header, names::ErrorName};

use crate::Error;

/// What else the agent says of a refusal: an error's second argument, `a{sv}`. Empty where it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[zbus(signature = "a{sv}")]
#[serde(default)]
pub struct Details {
    /// The number of the check in protocol section 7 that a proof failed, 1 to 9.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub check: Option<u32>,
    /// Whether a person has to look: another may have answered in the peer's name, or did.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub alarm: Option<bool>,
    /// Which of the reasons for this name it is.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The peer whose the lineage is.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The lineage that was found, as bech32m text.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub lineage: Option<String>,
    /// The peer's lineage, as bech32m text.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Milliseconds by which a host's clock is ahead of the time that passed.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub ahead_ms: Option<u64>,
    /// Milliseconds by which a host lags.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<u64>,
    /// Milliseconds by which it may lag.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u64>,
}

impl Details {
    /// Those of an error message; none where it has none.
    pub(crate) fn of(message: &Message) -> Self {
        message.body().deserialize::<(String, Self)>().map(|(_, details)| details).unwrap_or_default()
    }
}

/// A refusal with its details, as the agent's methods return it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The refusal.
    pub error: Error,
    /// What else is said of it.
    pub details: Box<Details>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, details: Box::default() }
    }
}

impl DBusError for Refusal {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        if *self.details == Details::default() {
            return self.error.create_reply(call);
        }
        let text = self.error.description().unwrap_or_default();
        Message::error(call, self.name()).build(&(text, &*self.details))
    }

    fn name(&self) -> ErrorName<'_> {
        self.error.name()
    }

    fn description(&self) -> Option<&str> {
        self.error.description()
    }
}
