//! Why the store says no, for programs and in one line: by the names of the D-Bus contract, so that the agent and the
//! `selfsame` command say the same.

use selfsame::{ChallengeRefusal, ForkRefusal, LineageId, Refusal, VerifyRefusal};

use crate::error::StoreError;
use crate::span::{ms_of_ticks_at_least, span};

/// What a refusal is for a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The contract's error, without `org.selfsame.Error.`.
    pub name: &'static str,
    /// The number of the check in protocol section 7 that a proof failed.
    pub check: Option<u8>,
    /// Whether a person has to look: another may have answered in the peer's name, or did.
    pub alarm: bool,
    /// Which of the reasons for this name it is, where another would lead to other advice.
    pub why: &'static str,
    /// The peer whose the lineage is, or was, of `PeerExists`.
    pub peer: Option<String>,
    /// The lineage that was found, as text.
    pub lineage: Option<String>,
    /// The peer's lineage, as text, where another was found.
    pub expected: Option<String>,
    /// Milliseconds by which a host's clock is ahead of the time that passed, of `Clock`.
    pub ahead_ms: Option<u64>,
    /// Milliseconds by which a host lags, of `Stalled`.
    pub lag_ms: Option<u64>,
    /// Milliseconds by which it may.
    pub max_ms: Option<u64>,
}

impl StoreError {
    /// What it is for a program.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Refused(refusal) => of_refusal(refusal),
            Self::InvalidName { .. } => Cause::new("InvalidArgument", "name"),
            Self::Challenge(ChallengeRefusal::Busy { .. }) | Self::Busy { .. } => {
                Cause::new("Busy", "challenges")
            }
            Self::Challenge(_) => Cause::new("InvalidArgument", "challenge"),
            Self::UnknownPeer { .. } => Cause::new("UnknownPeer", "name"),
            Self::UnknownLineage { lineage } => Cause::new("UnknownPeer", "lineage").found(lineage),
            Self::PeerExists { peer, lineage } => Cause::new("PeerExists", "known").of(peer).found(lineage),
            Self::PastLineage { peer, lineage } => {
                Cause::new("PeerExists", "past-lineage").of(peer).found(lineage)
            }
            Self::NotNewer { .. } => Cause::new("PeerExists", "not-newer"),
            Self::OtherLineage { expected, found } => {
                Cause::new("OtherLineage", "peer").found(found).expected(expected)
            }
            Self::OtherAnswer { expected, found } => {
                Cause::new("OtherLineage", "answer").found(found).expected(expected)
            }
            Self::Succession { own, found, .. } => {
                Cause::new("Succession", "unasked").found(found).expected(own)
            }
            Self::Forked { lineage } => Cause::new("Forked", "lineage").alarm().found(lineage),
            Self::NoFork(ForkRefusal::NoStart) => Cause::new("Malformed", "no-start"),
            Self::NoFork(_) => Cause::new("Malformed", "no-fork"),
            // who asked gave a nonce that is not fresh
            Self::NonceReused => Cause::new("Failed", "nonce-reused"),
            Self::Unavailable { .. } => Cause::new("StoreUnavailable", "unavailable"),
            Self::NotAStore { .. } => Cause::new("StoreUnavailable", "not-a-store"),
            Self::Version { .. } => Cause::new("StoreUnavailable", "version"),
            Self::Damaged { .. } => Cause::new("StoreUnavailable", "damaged"),
        }
    }

    /// What it is for people, with its causes, in one line.
    pub fn text(&self) -> String {
        match self {
            Self::Refused(Refusal::Clock { ahead, alarm }) => {
                let after = if *alarm { ", after a lag or by a head that it does not know" } else { "" };
                let ahead = span(ms_of_ticks_at_least(*ahead));
                format!(
                    "proof refused: check 6: its clock is ahead of the time that passed, by {ahead}{after}"
                )
            }
            Self::Refused(Refusal::Stalled { lag, max }) => {
                let [lag, max] = [lag, max].map(|ticks| span(ms_of_ticks_at_least(*ticks)));
                format!("proof refused: check 6: stalled: it lags by {lag}, {max} are allowed")
            }
            Self::Refused(refusal) => format!("proof refused: {refusal}"),
            Self::InvalidName { .. } => format!("peer: {self}"),
            other => with_causes(other),
        }
    }
}

fn of_refusal(refusal: &Refusal) -> Cause {
    match refusal {
        Refusal::UnknownChallenge => Cause::new("UnknownChallenge", "unknown"),
        Refusal::Expired => Cause::new("UnknownChallenge", "expired"),
        Refusal::KnownFork => Cause::new("Forked", "peer").alarm(),
        Refusal::Busy => Cause::new("Busy", "unconfirmed").check(9),
        Refusal::Clock { ahead, alarm } => {
            let cause = if *alarm {
                Cause::new("Clock", "ahead-in-doubt").alarm()
            } else {
                Cause::new("Clock", "ahead")
            };
            Cause { ahead_ms: Some(ms_of_ticks_at_least(*ahead)), ..cause.check(6) }
        }
        Refusal::Stalled { lag, max } => {
            let [lag_ms, max_ms] = [lag, max].map(|ticks| Some(ms_of_ticks_at_least(*ticks)));
            Cause { lag_ms, max_ms, ..Cause::new("Stalled", "lags").check(6) }
        }
        Refusal::Forked { fork } => Cause::new("Forked", "shown").alarm().check(7).found(fork.lineage()),
        Refusal::Contradiction { .. } => Cause::new("Contradiction", "history").alarm().check(8),
        Refusal::Verify(refusal) => of_check(refusal),
        _ => Cause::new("Failed", "unforeseen"),
    }
}

fn of_check(refusal: &VerifyRefusal) -> Cause {
    match refusal {
        VerifyRefusal::Malformed(_) | VerifyRefusal::TooManyHops { .. } => {
            Cause::new("Malformed", "form").check(1)
        }
        VerifyRefusal::OtherLineage { expected, found } => {
            Cause::new("OtherLineage", "proof").check(2).found(found).expected(expected)
        }
        // not as the protocol has it: an honest agent starts where the challenge says, and goes on from there
        VerifyRefusal::OtherStart { .. } | VerifyRefusal::NotYounger { .. } => {
            Cause::new("Malformed", "start").check(2)
        }
        VerifyRefusal::Hop { .. } => Cause::new("NotContinuous", "hop").alarm().check(3),
        VerifyRefusal::GenesisMisplaced | VerifyRefusal::OtherGenesis { .. } => {
            Cause::new("NotContinuous", "genesis").alarm().check(4)
        }
        VerifyRefusal::OtherChallenge => Cause::new("UnknownChallenge", "other").check(5),
        VerifyRefusal::OtherAudience { .. } => Cause::new("WrongAudience", "statement").check(5),
        VerifyRefusal::KnownMisplaced | VerifyRefusal::NotInHead => {
            Cause::new("Malformed", "statement").check(5)
        }
        VerifyRefusal::WrongSubject { field, .. } => Cause::new("WrongSubject", field).check(5),
        _ => Cause::new("Failed", "unforeseen"),
    }
}

impl Cause {
    fn new(name: &'static str, why: &'static str) -> Self {
        Self { name, why, ..Self::default() }
    }

    fn check(self, number: u8) -> Self {
        Self { check: Some(number), ..self }
    }

    fn alarm(self) -> Self {
        Self { alarm: true, ..self }
    }

    fn of(self, peer: &str) -> Self {
        Self { peer: Some(peer.to_owned()), ..self }
    }

    fn found(self, lineage: &LineageId) -> Self {
        Self { lineage: Some(lineage.to_string()), ..self }
    }

    fn expected(self, lineage: &LineageId) -> Self {
        Self { expected: Some(lineage.to_string()), ..self }
    }
}

/// An error with its causes. Some have their cause's text in their own: it is not said twice.
fn with_causes(error: &dyn core::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use selfsame::{ChallengeError, HopRefusal, Proof, Reason};

    use super::*;

    fn ids() -> (LineageId, LineageId) {
        (LineageId::new([1; 32]), LineageId::new([2; 32]))
    }

    #[test]
    fn each_refused_proof_has_its_name_reason_and_check() {
        let (expected, found) = ids();
        let text = String::new;
        let malformed = Proof::parse(&[]).expect_err("it is empty");
        for (refusal, name, why, check, alarm) in [
            (Refusal::UnknownChallenge, "UnknownChallenge", "unknown", None, false),
            (Refusal::Expired, "UnknownChallenge", "expired", None, false),
            (Refusal::KnownFork, "Forked", "peer", None, true),
            (malformed.into(), "Malformed", "form", Some(1), false),
            (VerifyRefusal::TooManyHops { hops: 46, max: 45 }.into(), "Malformed", "form", Some(1), false),
            (VerifyRefusal::OtherLineage { expected, found }.into(), "OtherLineage", "proof", Some(2), false),
            (
                VerifyRefusal::OtherStart { expected: 1, found: 2 }.into(),
                "Malformed",
                "start",
                Some(2),
                false,
            ),
            (VerifyRefusal::NotYounger { head: 1, anchor: 1 }.into(), "Malformed", "start", Some(2), false),
            (
                VerifyRefusal::Hop { number: 1, why: HopRefusal::Opening { tier: 1 } }.into(),
                "NotContinuous",
                "hop",
                Some(3),
                true,
            ),
            (VerifyRefusal::GenesisMisplaced.into(), "NotContinuous", "genesis", Some(4), true),
            (
                VerifyRefusal::OtherGenesis { expected, found }.into(),
                "NotContinuous",
                "genesis",
                Some(4),
                true,
            ),
            (VerifyRefusal::OtherChallenge.into(), "UnknownChallenge", "other", Some(5), false),
            (
                VerifyRefusal::OtherAudience { expected: text(), found: text() }.into(),
                "WrongAudience",
                "statement",
                Some(5),
                false,
            ),
            (VerifyRefusal::KnownMisplaced.into(), "Malformed", "statement", Some(5), false),
            (VerifyRefusal::NotInHead.into(), "Malformed", "statement", Some(5), false),
            (
                VerifyRefusal::WrongSubject { field: "uid", wanted: text(), found: text() }.into(),
                "WrongSubject",
                "uid",
                Some(5),
                false,
            ),
            (Refusal::Clock { ahead: 1, alarm: false }, "Clock", "ahead", Some(6), false),
            (Refusal::Clock { ahead: 1, alarm: true }, "Clock", "ahead-in-doubt", Some(6), true),
            (Refusal::Stalled { lag: 1, max: 1 }, "Stalled", "lags", Some(6), false),
            (Refusal::Contradiction { index: 1 }, "Contradiction", "history", Some(8), true),
            (Refusal::Busy, "Busy", "unconfirmed", Some(9), false),
        ] {
            let error = StoreError::from(refusal);
            let cause = error.cause();
            assert_eq!(
                (cause.name, cause.why, cause.check, cause.alarm),
                (name, why, check, alarm),
                "{error:?}"
            );
            assert!(error.text().starts_with("proof refused: "), "{}", error.text());
        }
    }

    #[test]
    fn what_is_not_of_a_proof_has_its_name_and_reason_too() {
        let (expected, found) = ids();
        let peer = || "web".to_owned();
        let challenge = |refusal| StoreError::Challenge(refusal);
        let long = ChallengeRefusal::Challenge(ChallengeError::Audience { have: 256 });
        let succession =
            |predecessor| StoreError::Succession { own: expected, found, predecessor, reason: Reason::Boot };
        for (error, name, why) in [
            (StoreError::InvalidName { bytes: 0, control: false }, "InvalidArgument", "name"),
            (challenge(long), "InvalidArgument", "challenge"),
            (challenge(ChallengeRefusal::Busy { out: 256 }), "Busy", "challenges"),
            (StoreError::Busy { limit: 256, whose: "in all" }, "Busy", "challenges"),
            (StoreError::UnknownPeer { peer: peer() }, "UnknownPeer", "name"),
            (StoreError::UnknownLineage { lineage: found }, "UnknownPeer", "lineage"),
            (StoreError::PeerExists { peer: peer(), lineage: found }, "PeerExists", "known"),
            (StoreError::PastLineage { peer: peer(), lineage: found }, "PeerExists", "past-lineage"),
            (StoreError::NotNewer { anchor: 2, found: 1 }, "PeerExists", "not-newer"),
            (StoreError::OtherLineage { expected, found }, "OtherLineage", "peer"),
            (StoreError::OtherAnswer { expected, found }, "OtherLineage", "answer"),
            (succession(None), "Succession", "unasked"),
            (StoreError::Forked { lineage: found }, "Forked", "lineage"),
            (StoreError::NoFork(ForkRefusal::NoStart), "Malformed", "no-start"),
            (StoreError::NoFork(ForkRefusal::OneMoment), "Malformed", "no-fork"),
            (StoreError::NonceReused, "Failed", "nonce-reused"),
            (io::Error::other("why").into(), "StoreUnavailable", "unavailable"),
            (StoreError::NotAStore { path: "x".into() }, "StoreUnavailable", "not-a-store"),
            (StoreError::Version { found: 9, known: 2 }, "StoreUnavailable", "version"),
            (StoreError::damaged("x"), "StoreUnavailable", "damaged"),
        ] {
            let cause = error.cause();
            assert_eq!((cause.name, cause.why, cause.check), (name, why, None), "{error:?}");
            assert_eq!(cause.alarm, name == "Forked", "{error:?}");
        }
    }

    #[test]
    fn whom_and_which_lineage_it_is_about_is_told() {
        let (expected, found) = ids();
        let [expected_text, found_text] = [expected, found].map(|lineage| Some(lineage.to_string()));
        let cause = StoreError::PeerExists { peer: "web".into(), lineage: found }.cause();
        assert_eq!((cause.peer.as_deref(), &cause.lineage), (Some("web"), &found_text));
        for error in [
            StoreError::OtherLineage { expected, found },
            StoreError::OtherAnswer { expected, found },
            Refusal::from(VerifyRefusal::OtherLineage { expected, found }).into(),
            StoreError::Succession { own: expected, found, predecessor: None, reason: Reason::Boot },
        ] {
            let cause = error.cause();
            assert_eq!((&cause.expected, &cause.lineage), (&expected_text, &found_text), "{error:?}");
        }
    }

    #[test]
    fn times_are_told_in_milliseconds_and_in_words() {
        let stalled = StoreError::from(Refusal::Stalled { lag: 90 * 4096, max: 60 * 4096 });
        let cause = stalled.cause();
        assert_eq!((cause.lag_ms, cause.max_ms, cause.ahead_ms), (Some(90_000), Some(60_000), None));
        assert_eq!(
            stalled.text(),
            "proof refused: check 6: stalled: it lags by 1 min 30 s, 1 min 0 s are allowed"
        );
        let ahead = StoreError::from(Refusal::Clock { ahead: 1, alarm: true });
        // rounded up: what is there is never shown as nothing
        assert_eq!(ahead.cause().ahead_ms, Some(1));
        assert_eq!(
            ahead.text(),
            "proof refused: check 6: its clock is ahead of the time that passed, by 1 ms, after a lag or by a head \
             that it does not know"
        );
    }

    #[test]
    fn a_cause_is_told_once() {
        let unavailable = StoreError::from(io::Error::other("no space"));
        assert_eq!(unavailable.text(), "the store can't be used: no space");
        assert_eq!(
            StoreError::NoFork(ForkRefusal::OneMoment).text(),
            "no fork: both lead to one and the same moment"
        );
        let name = StoreError::InvalidName { bytes: 0, control: false };
        assert_eq!(name.text(), "peer: a name of 0 bytes: 1 to 255 without control characters");
    }
}
