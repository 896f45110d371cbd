//! Why a lineage can't be born, a moment not be made, a request not be answered.

use core::fmt;

use crate::anchor::Head;
use crate::cbor::ParseError;
use crate::hash::LineageId;
use crate::merkle::MAX_STATEMENTS;
use crate::proof;

/// Why a lineage can't be born.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BirthError<E: core::error::Error + 'static> {
    /// No source gave anything.
    #[error("no source of entropy gave anything")]
    NoContribution,
    /// The wall time is over the limit.
    #[error("wall time of {wall_ms} ms: below 2^63")]
    Wall {
        /// The wall time.
        wall_ms: u64,
    },
    /// The memory refused the secrets.
    #[error("the secret memory refused a change")]
    Memory(#[source] E),
}

/// Why secrets can't be stirred, or made ahead.
#[derive(Debug, thiserror::Error)]
#[error("the secret memory refused a change")]
pub struct StirError<E: core::error::Error + 'static>(#[source] pub E);

/// Why a moment can't be made. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MomentError<E: core::error::Error + 'static> {
    /// The index is not above the head's: wait for the next tick.
    #[error("index {index} is not after the head's, {head}")]
    NotAfter {
        /// The index.
        index: u64,
        /// The head's.
        head: u64,
    },
    /// Index or wall time are over the limit.
    #[error("index {index}, wall time {wall_ms} ms: both below 2^63")]
    Range {
        /// The index.
        index: u64,
        /// The wall time.
        wall_ms: u64,
    },
    /// More statements than a moment may carry.
    #[error("{count} statements: at most {MAX_STATEMENTS}")]
    TooManyStatements {
        /// How many there are.
        count: usize,
    },
    /// The memory refused the change.
    #[error("the secret memory refused a change")]
    Memory(#[source] E),
}

/// What an agent answers instead of a proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProveRefusal {
    /// The challenge is of another relying party than the one that the caller talks to.
    #[error("the challenge is of {found:?}, the caller talks to {asked:?}")]
    WrongAudience {
        /// Whom the caller means to talk to.
        asked: String,
        /// Whose the challenge is.
        found: String,
    },
    /// The challenge is for another lineage.
    #[error("the challenge is for lineage {asked}, this is {own}{}", Follows(.predecessor))]
    OtherLineage {
        /// The lineage that the challenge is for.
        asked: LineageId,
        /// The agent's own.
        own: LineageId,
        /// The one that this says it follows.
        predecessor: Option<LineageId>,
    },
    /// A head in the challenge is not this lineage's: somebody else answered in its name.
    #[error("this host never handed out the head at index {}: somebody else answered in its name", .head.index)]
    ForeignAnchor {
        /// The head.
        head: Head,
    },
    /// The proof would be over its limit.
    #[error("the anchor is too old: the proof would have {bytes} bytes, at most {max}", max = proof::MAX_BYTES)]
    TooOld {
        /// Bytes that the proof would have at least.
        bytes: usize,
    },
    /// A hop that the proof needs is not kept.
    #[error("a hop from index {since} is not kept any more")]
    NotKept {
        /// The index that the proof would start from.
        since: u64,
    },
    /// What the caller said, or who it is, does not fit a statement.
    #[error(transparent)]
    Statement(#[from] ParseError),
}

struct Follows<'a>(&'a Option<LineageId>);

impl fmt::Display for Follows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(lineage) => write!(f, ", which says that it follows {lineage}"),
            None => Ok(()),
        }
    }
}

/// Why there is no answer to the question for a hop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HopError {
    /// There is no such tier, or no such index.
    #[error("index {index}, tier {tier}: below 2^63, and 0 to 15")]
    Range {
        /// The index.
        index: u64,
        /// The tier.
        tier: u8,
    },
    /// There is no such moment yet, or its opening is gone.
    #[error("no moment after index {index} of tier {tier} or more is kept")]
    NotKept {
        /// The index.
        index: u64,
        /// The tier.
        tier: u8,
    },
}
