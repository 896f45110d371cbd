//! Why a proof is not accepted, no challenge issued, an introduction not taken.

use crate::cbor::ParseError;
use crate::challenge::{ChallengeError, MAX_SINCE};
use crate::fork::Fork;
use crate::hash::LineageId;
use crate::verify::VerifyRefusal;

/// Why a proof is not accepted. What is kept of the peer stays as it was, but for the count of the challenge's
/// refusals, and a fork that is found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The challenge that it answers was not issued, or was used up, or died when the anchor changed.
    #[error("it answers no challenge that is out")]
    UnknownChallenge,
    /// The challenge that it answers is older than 60 s.
    #[error("it answers a challenge that was issued more than 60 s ago")]
    Expired,
    /// The lineage is known to be forked: it is never accepted again.
    #[error("a fork of this lineage is known")]
    KnownFork,
    /// One of the checks 1 to 5.
    #[error(transparent)]
    Verify(#[from] VerifyRefusal),
    /// It is ahead of time (check 6).
    #[error("check 6: ahead of time by {ahead} ticks of 1/4096 s{}", if *alarm { ", after a lag or by a head it does not know: an alarm" } else { "" })]
    Clock {
        /// Ticks, beyond the slack.
        ahead: u64,
        /// Whether it is an alarm: a head that was accepted since then lagged, or this host does not know one.
        alarm: bool,
    },
    /// It lags more than policy allows (check 6).
    #[error("check 6: stalled: it lags by {lag} ticks of 1/4096 s, allowed are {max}")]
    Stalled {
        /// Ticks, beyond the slack.
        lag: u64,
        /// What policy allows.
        max: u64,
    },
    /// It opens a pledge that was opened before, over another moment (check 7): the lineage was copied.
    #[error("check 7: a pledge was opened over two moments: this lineage was copied")]
    Forked {
        /// The evidence; for who holds the moment that it starts from.
        fork: Box<Fork>,
    },
    /// It contradicts what is known (check 8): the lineage was copied.
    #[error("check 8: it contradicts what is known at index {index}: this lineage was copied")]
    Contradiction {
        /// Where.
        index: u64,
    },
    /// Too many heads are unconfirmed; the challenge is not used up.
    #[error("{MAX_SINCE} heads are unconfirmed: answer the challenges that name them first")]
    Busy,
}

/// Why no challenge is issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeRefusal {
    /// Too many are out.
    #[error("{out} challenges are out, that is the limit")]
    Busy {
        /// How many are out.
        out: usize,
    },
    /// Its parts are out of range.
    #[error(transparent)]
    Challenge(#[from] ChallengeError),
}

/// Why an introduction is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntroduceRefusal {
    /// It is of another lineage than the peer's.
    #[error("it introduces lineage {found}, the peer is {expected}")]
    OtherLineage {
        /// The peer's.
        expected: LineageId,
        /// The one that is introduced.
        found: LineageId,
    },
    /// The lineage is known to be forked.
    #[error("a fork of this lineage is known")]
    KnownFork,
}

impl From<ParseError> for Refusal {
    fn from(error: ParseError) -> Self {
        Self::Verify(error.into())
    }
}
