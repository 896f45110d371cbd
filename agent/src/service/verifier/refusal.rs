//! What the bus says of what the verifier refuses.

use std::path::PathBuf;

use selfsame::ParseError;
use selfsame_dbus::{Details, ERROR_PREFIX, Error, Refusal};
use selfsame_store::{Cause, StoreError};

use crate::verifier::{VerifierError, remedy};

/// Says what is refused, and of the store's file where it is.
pub(super) struct Refusing {
    file: PathBuf,
}

impl Refusing {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// The refusal that this is.
    pub(super) fn of(&self, error: &VerifierError) -> Refusal {
        match error {
            VerifierError::Busy => Error::Busy(error.to_string()).into(),
            VerifierError::Ended => Error::Failed(error.to_string()).into(),
            VerifierError::Replaced => {
                let text = format!(
                    "{}: nothing of this call is in it, try again",
                    self.unusable(&error.to_string())
                );
                Refusal {
                    error: Error::StoreUnavailable(text),
                    details: Box::new(Details { why: Some("replaced".into()), ..Details::default() }),
                }
            }
            VerifierError::Store(error) => self.of_store(error),
        }
    }

    fn of_store(&self, error: &StoreError) -> Refusal {
        let text = match remedy(error) {
            Some(remedy) => format!(
                "{}; {remedy}; no restart is needed, the next call finds it mended",
                self.unusable(&error.text())
            ),
            None => error.text(),
        };
        let Cause { name, check, alarm, why, peer, lineage, expected, ahead_ms, lag_ms, max_ms } =
            error.cause();
        let error = Error::from_name(&format!("{ERROR_PREFIX}.{name}"), &text);
        let details = Details {
            check: check.map(u32::from),
            alarm,
            why: Some(why.to_owned()),
            peer,
            lineage,
            expected,
            ahead_ms,
            lag_ms,
            max_ms,
        };
        Refusal { error: error.unwrap_or(Error::Failed(text)), details: Box::new(details) }
    }

    fn unusable(&self, why: &str) -> String {
        format!("the peers' store {} can't be used: {why}", self.file.display())
    }
}

/// What is not of its form.
pub(super) fn malformed(what: &str, error: &ParseError) -> Refusal {
    let details = Details { why: Some("form".into()), ..Details::default() };
    Refusal { error: Error::Malformed(format!("{what}: {error}")), details: Box::new(details) }
}

#[cfg(test)]
mod tests {
    use selfsame::LineageId;
    use zbus::DBusError;

    use super::*;

    fn refused(error: StoreError) -> Refusal {
        Refusing::new("/var/lib/selfsame/peers.db".into()).of(&VerifierError::Store(error))
    }

    #[test]
    fn a_refusal_has_its_name_and_what_programs_need() {
        let lineage = LineageId::new([1; 32]);
        let exists = refused(StoreError::PeerExists { peer: "web".into(), lineage });
        assert_eq!(exists.name().as_str(), "org.selfsame.Error.PeerExists");
        let details = &exists.details;
        assert_eq!((details.peer.as_deref(), details.alarm), (Some("web"), false), "{details:?}");
        assert_eq!(details.lineage, Some(lineage.to_string()));

        let stalled = refused(selfsame::Refusal::Stalled { lag: 4096, max: 4096 }.into());
        assert_eq!(stalled.name().as_str(), "org.selfsame.Error.Stalled");
        assert_eq!((stalled.details.lag_ms, stalled.details.check), (Some(1000), Some(6)));
    }

    #[test]
    fn what_is_wrong_with_the_file_is_told_with_what_mends_it() {
        for (error, why) in [
            (StoreError::NotAStore { path: "x".into() }, "not-a-store"),
            (StoreError::Version { found: 9, known: 2 }, "version"),
            (StoreError::Damaged { what: "a page".into() }, "damaged"),
            (std::io::Error::other("no room").into(), "unavailable"),
        ] {
            let refusal = refused(error);
            assert_eq!(refusal.name().as_str(), "org.selfsame.Error.StoreUnavailable");
            assert_eq!(refusal.details.why.as_deref(), Some(why));
            let text = refusal.description().unwrap();
            assert!(
                text.starts_with("the peers' store /var/lib/selfsame/peers.db can't be used: "),
                "{text}"
            );
            assert!(text.contains("no restart is needed"), "{text}");
        }
    }
}
