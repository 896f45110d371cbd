//! What a program may read of a refusal, beside its name.
//!
//! It stands at the end of the error's text, ` [why=lags check=6 lag_ms=90000 max_ms=60000]`: names and values, a blank
//! between them, values percent-encoded (RFC 3986, section 2.1) but for letters, digits and `-._~`. In a second argument of
//! the error no binding but C's would find it, and GLib, which takes a text only from an error of one argument, would lose
//! the text as well (measured, GLib 2.74: "Error return with body of type ...").

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use zbus::{DBusError, Message, message::Header, names::ErrorName};

use crate::Error;

/// What else the agent says of a refusal. Empty where its text has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The number of the check in protocol section 7 that a proof failed, 1 to 9.
    pub check: Option<u32>,
    /// Whether a person has to look: another may have answered in the peer's name, or did. Told where it is so.
    pub alarm: bool,
    /// Which of the reasons for this name it is.
    pub why: Option<String>,
    /// The peer whose the lineage is.
    pub peer: Option<String>,
    /// The lineage that was found, as bech32m text.
    pub lineage: Option<String>,
    /// The peer's lineage, as bech32m text.
    pub expected: Option<String>,
    /// Milliseconds by which a host's clock is ahead of the time that passed.
    pub ahead_ms: Option<u64>,
    /// Milliseconds by which a host lags.
    pub lag_ms: Option<u64>,
    /// Milliseconds by which it may lag.
    pub max_ms: Option<u64>,
}

impl Details {
    /// Parts an error's text into what is for people, and what is for programs. What is unknown, or not of its type, is left
    /// out: a later version may say more.
    pub fn part(text: &str) -> (&str, Self) {
        let parted = text.strip_suffix(']').and_then(|text| text.rsplit_once(BEGIN));
        let Some((people, programs)) = parted else { return (text, Self::default()) };
        let mut details = Self::default();
        for (name, value) in programs.split(' ').filter_map(|item| item.split_once('=')) {
            let number = || value.parse().ok();
            let text = || percent_decode_str(value).decode_utf8().ok().map(|text| text.into_owned());
            match name {
                "check" => details.check = value.parse().ok(),
                "alarm" => details.alarm = value == YES,
                "why" => details.why = text(),
                "peer" => details.peer = text(),
                "lineage" => details.lineage = text(),
                "expected" => details.expected = text(),
                "ahead_ms" => details.ahead_ms = number(),
                "lag_ms" => details.lag_ms = number(),
                "max_ms" => details.max_ms = number(),
                _ => {}
            }
        }
        (people, details)
    }

    /// The text for people, with these at its end.
    fn join(&self, text: &str) -> String {
        let Self { check, alarm, why, peer, lineage, expected, ahead_ms, lag_ms, max_ms } = self;
        let item = |name: &str, value: Option<&str>| {
            value.map(|value| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
        };
        let number = |value: &Option<u64>| value.map(|value| value.to_string());
        let items = [
            item("why", why.as_deref()),
            item("alarm", alarm.then_some(YES)),
            item("check", check.map(|check| check.to_string()).as_deref()),
            item("peer", peer.as_deref()),
            item("lineage", lineage.as_deref()),
            item("expected", expected.as_deref()),
            item("ahead_ms", number(ahead_ms).as_deref()),
            item("lag_ms", number(lag_ms).as_deref()),
            item("max_ms", number(max_ms).as_deref()),
        ];
        let items: Vec<String> = items.into_iter().flatten().collect();
        if items.is_empty() { text.to_owned() } else { format!("{text}{BEGIN}{}]", items.join(" ")) }
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
        let text = self.details.join(self.error.description().unwrap_or_default());
        Message::error(call, self.name()).build(&text)
    }

    fn name(&self) -> ErrorName<'_> {
        self.error.name()
    }

    fn description(&self) -> Option<&str> {
        self.error.description()
    }
}

/// What stands between the two; nothing that is encoded has a blank or a bracket.
const BEGIN: &str = " [";

const YES: &str = "yes";

/// All but what RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_programs_stands_at_the_end_and_comes_apart() {
        let peer = Some("web [01] = \"ä%\"]".to_owned());
        let details =
            Details { check: Some(6), alarm: true, why: Some("lags".into()), peer, ..Details::default() };
        let text = "no peer \"x [why=a]\" is known";
        let joined = details.join(text);
        assert_eq!(
            joined,
            format!("{text} [why=lags alarm=yes check=6 peer=web%20%5B01%5D%20%3D%20%22%C3%A4%25%22%5D]")
        );
        assert_eq!(Details::part(&joined), (text, details));
    }

    #[test]
    fn a_text_without_is_whole_and_what_is_not_known_is_left_out() {
        assert_eq!(Details::default().join("too many [of them"), "too many [of them");
        assert_eq!(Details::part("too many [of them"), ("too many [of them", Details::default()));
        let (text, details) = Details::part("no [why=new later=1 check=x lag_ms=-1 alone peer=%ff]");
        assert_eq!((text, details), ("no", Details { why: Some("new".into()), ..Details::default() }));
    }
}
