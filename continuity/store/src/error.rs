//! Why the store says no.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use selfsame::{ChallengeRefusal, ForkRefusal, LineageId, Reason, Refusal};

/// Why the store does not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is no peer's name.
    #[error("a name of {bytes} bytes{}: 1 to 255 without control characters", if *control { ", with a control character" } else { "" })]
    InvalidName {
        /// Bytes that it has.
        bytes: usize,
        /// Whether there is a control character in it.
        control: bool,
    },
    /// There is no peer of this name.
    #[error("no peer {peer:?} is known")]
    UnknownPeer {
        /// The name.
        peer: String,
    },
    /// This peer is known, and can be neither met nor enrolled again.
    #[error("peer {peer:?} is known, as lineage {lineage}")]
    PeerExists {
        /// The peer: the one that was asked for, or another that has the lineage.
        peer: String,
        /// Its lineage.
        lineage: LineageId,
    },
    /// The lineage was a peer's and has been succeeded: it is never taken again, as long as the peer is known.
    #[error("lineage {lineage} was peer {peer:?} until another succeeded it")]
    PastLineage {
        /// The lineage.
        lineage: LineageId,
        /// The peer whose it was.
        peer: String,
    },
    /// The peer is of another lineage.
    #[error("lineage {found}, the peer is {expected}")]
    OtherLineage {
        /// The peer's.
        expected: LineageId,
        /// The one that was given.
        found: LineageId,
    },
    /// The answer to a question is of another lineage than the peer's.
    #[error("the answer is of lineage {found}, the peer is {expected}: it can show nothing")]
    OtherAnswer {
        /// The peer's.
        expected: LineageId,
        /// The answer's.
        found: LineageId,
    },
    /// The introduction that should replace the anchor is not newer.
    #[error("the introduction is of index {found}, the anchor of {anchor}: only a newer one replaces it")]
    NotNewer {
        /// The anchor's index.
        anchor: u64,
        /// The introduction's.
        found: u64,
    },
    /// The proof is right, but of a new lineage: whether that succeeds the peer's is for a person or policy to say.
    #[error(
        "lineage {found}, begun by `{reason}`{}, where the peer is {own}: it is not taken as its successor unasked",
        follows(*.predecessor, own),
        reason = .reason.as_str(),
    )]
    Succession {
        /// The peer's lineage.
        own: LineageId,
        /// The new one.
        found: LineageId,
        /// The one that the new one says it follows.
        predecessor: Option<LineageId>,
        /// Why it says that it began.
        reason: Reason,
    },
    /// A fork of the lineage is known: it is never accepted again.
    #[error("a fork of lineage {lineage} is known")]
    Forked {
        /// The lineage.
        lineage: LineageId,
    },
    /// The evidence is of a lineage that no peer has or had.
    #[error("no peer is or was of lineage {lineage}")]
    UnknownLineage {
        /// The lineage.
        lineage: LineageId,
    },
    /// So many challenges are out already.
    #[error("{limit} challenges are out {whose}, that is the limit")]
    Busy {
        /// How many may be out.
        limit: u32,
        /// For the peer, or in all.
        whose: &'static str,
    },
    /// The very same challenge is out: the nonce is not fresh.
    #[error("a challenge with this nonce is out: a nonce is fresh and random")]
    NonceReused,
    /// The challenge can't be made.
    #[error(transparent)]
    Challenge(#[from] ChallengeRefusal),
    /// The proof is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The evidence shows no fork.
    #[error("no fork: {0}")]
    NoFork(#[from] ForkRefusal),
    /// The file can't be read or written, or others hold it too long. Nothing has changed.
    #[error("the store can't be used")]
    Unavailable {
        /// What the system says.
        source: Box<dyn core::error::Error + Send + Sync + 'static>,
    },
    /// The file is something else; it was not written to.
    #[error("{}: no store of peers", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// The file is of a version that this program does not know; it was not written to.
    #[error("the store is of version {found}, this program knows {known}")]
    Version {
        /// The file's.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// What is in the file can't be: it is damaged. It is kept.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What is wrong with it.
        what: String,
    },
}

fn follows(predecessor: Option<LineageId>, own: &LineageId) -> String {
    match predecessor {
        Some(lineage) if lineage == *own => ", which says that it follows the peer's".to_owned(),
        Some(lineage) => format!(", which says that it follows {lineage}"),
        None => String::new(),
    }
}

impl StoreError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// What SQLite says, by what it means for who keeps the file.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error;
        let is_damage = match &error {
            Error::SqliteFailure(failure, _) => {
                matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            }
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => true,
            _ => false,
        };
        if is_damage {
            Self::damaged(error.to_string())
        } else {
            Self::Unavailable { source: Box::new(error) }
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable { source: Box::new(error) }
    }
}
