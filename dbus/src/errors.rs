//! The agent's refusals, each with a name of its own, and what can become of a call.

use zbus::fdo;

use crate::Details;

/// Declares [`Error`] once, so that its variants, their names and [`Error::from_name`] can't differ.
macro_rules! errors {
    ($($(#[$doc:meta])+ $variant:ident,)+) => {
        /// A refusal by the agent. The text in it is for people, and never holds a secret.
        ///
        /// The agent's methods return it, and zbus sends it under its name, [`ERROR_PREFIX`](crate::ERROR_PREFIX)
        /// and the variant's. A caller finds it in [`CallError::Refused`].
        #[derive(Clone, Debug, PartialEq, Eq, zbus::DBusError)]
        #[zbus(prefix = "org.selfsame.Error")]
        #[non_exhaustive]
        pub enum Error {
            $($(#[$doc])+ $variant(String),)+
        }

        impl Error {
            /// The names of all errors.
            pub const NAMES: &[&str] = &[$(concat!("org.selfsame.Error.", stringify!($variant)),)+];

            /// The error that has the D-Bus error name `name`, with `text`; `None` if none has.
            pub fn from_name(name: &str, text: &str) -> Option<Self> {
                match name {
                    $(concat!("org.selfsame.Error.", stringify!($variant)) => Some(Self::$variant(text.to_owned())),)+
                    _ => None,
                }
            }
        }
    };
}

errors! {
    /// The caller has not the right.
    NotAuthorized,
    /// An argument is out of bounds, or an option unknown.
    InvalidArgument,
    /// Too much of the caller's is waiting, or too much is out: try again later.
    Busy,
    /// No such peer.
    UnknownPeer,
    /// The peer, or its lineage, is known already.
    PeerExists,
    /// No such challenge is out: it was used, it is over, or it never was.
    UnknownChallenge,
    /// The proof does not lead on from the anchor (protocol §7, step 3). An alarm.
    NotContinuous,
    /// The proof is of another lineage than the peer's, which it may succeed if a person says so.
    Succession,
    /// The challenge is for a lineage that is not this host's.
    OtherLineage,
    /// The challenge names a head that is not this host's own. An alarm.
    ForeignAnchor,
    /// The challenge is for another audience than the caller named.
    WrongAudience,
    /// The statement is of another subject than the relying party asked for.
    WrongSubject,
    /// Not of the form that the protocol gives it.
    Malformed,
    /// The proof would be over its limit.
    TooOld,
    /// No such moment yet, or its opening is gone.
    NotKept,
    /// The head is ahead of the time that has passed (protocol §7, step 6). No alarm by itself.
    Clock,
    /// The head lags further behind than policy allows (protocol §7, step 6). No alarm.
    Stalled,
    /// The proof contradicts what is known of the lineage (protocol §7, step 8). An alarm.
    Contradiction,
    /// A fork of the lineage is known. An alarm.
    Forked,
    /// The peers' store can't be read or written.
    StoreUnavailable,
    /// This host or this version cannot do it.
    Unsupported,
    /// A bug in the agent.
    Failed,
}

/// Why a call to the agent has no result.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The agent refused, and says so much of it to programs.
    #[error("{0}")]
    Refused(Error, Box<Details>),
    /// The bus did not let the call through: its policy gives the caller no right to it.
    #[error("the bus refused the call: {text}")]
    Denied {
        /// The bus's own words.
        text: String,
    },
    /// No agent answered: no bus, nobody has the name, the connection went, or time ran out.
    #[error("agent not reachable")]
    Unreachable(#[source] zbus::Error),
    /// The answer is none that the contract knows.
    #[error("unexpected answer")]
    Unexpected(#[source] zbus::Error),
}

impl From<zbus::Error> for CallError {
    fn from(error: zbus::Error) -> Self {
        use zbus::Error as Bus;
        match &error {
            Bus::MethodError(name, text, _) => {
                let (text, details) = Details::part(text.as_deref().unwrap_or_default());
                match Error::from_name(name.as_str(), text) {
                    Some(refusal) => Self::Refused(refusal, Box::new(details)),
                    None if name.starts_with(ACTIVATION_ERRORS) => Self::Unreachable(error),
                    None => Self::Unexpected(error),
                }
            }
            Bus::FDO(answer) => match answer.as_ref() {
                fdo::Error::AccessDenied(text) => Self::Denied { text: text.clone() },
                answer if nobody_answered(answer) => Self::Unreachable(error),
                _ => Self::Unexpected(error),
            },
            Bus::InputOutput(_) | Bus::Connection(..) | Bus::Handshake(_) | Bus::Address(_) => {
                Self::Unreachable(error)
            }
            _ => Self::Unexpected(error),
        }
    }
}

/// Whether the bus itself says that the call got to nobody, or that nobody answered.
fn nobody_answered(answer: &fdo::Error) -> bool {
    use fdo::Error as Answer;
    matches!(
        answer,
        Answer::ServiceUnknown(_)
            | Answer::NameHasNoOwner(_)
            | Answer::NoReply(_)
            | Answer::NoServer(_)
            | Answer::Disconnected(_)
            | Answer::Timeout(_)
            | Answer::TimedOut(_)
            | Answer::SpawnExecFailed(_)
            | Answer::SpawnForkFailed(_)
            | Answer::SpawnChildExited(_)
            | Answer::SpawnChildSignaled(_)
            | Answer::SpawnFailed(_)
            | Answer::SpawnFailedToSetup(_)
            | Answer::SpawnConfigInvalid(_)
            | Answer::SpawnServiceNotValid(_)
            | Answer::SpawnServiceNotFound(_)
            | Answer::SpawnPermissionsInvalid(_)
            | Answer::SpawnFileInvalid(_)
            | Answer::SpawnNoMemory(_)
    )
}

/// What the names of systemd's answers begin with, which the bus passes on where it could not start the
/// agent's unit: `NoSuchUnit` for a disabled one, `UnitMasked` …
const ACTIVATION_ERRORS: &str = "org.freedesktop.systemd1.";

#[cfg(test)]
mod tests {
    use zbus::DBusError;

    use super::*;
    use crate::ERROR_PREFIX;

    #[test]
    fn each_name_is_its_variant() {
        assert_eq!(Error::NAMES.len(), 22);
        for name in Error::NAMES {
            let error = Error::from_name(name, "why").unwrap();
            assert_eq!(error.name().as_str(), *name);
            assert_eq!(error.description(), Some("why"));
            let variant = format!("{error:?}").replace("(\"why\")", "");
            assert_eq!(*name, format!("{ERROR_PREFIX}.{variant}"));
        }
        assert_eq!(Error::from_name("org.selfsame.Error.Other", ""), None);
        assert_eq!(Error::from_name("Busy", ""), None);
    }

    #[test]
    fn the_buses_own_answers_are_told_apart() {
        let of = |answer| CallError::from(zbus::Error::FDO(Box::new(answer)));
        assert!(
            matches!(of(fdo::Error::AccessDenied("no".into())), CallError::Denied { text } if text == "no")
        );
        assert!(matches!(of(fdo::Error::ServiceUnknown(String::new())), CallError::Unreachable(_)));
        assert!(matches!(of(fdo::Error::NoReply(String::new())), CallError::Unreachable(_)));
        assert!(matches!(of(fdo::Error::UnknownMethod(String::new())), CallError::Unexpected(_)));
        assert!(matches!(CallError::from(zbus::Error::InvalidReply), CallError::Unexpected(_)));
    }
}
