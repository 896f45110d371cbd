//! Looking at a file without making, changing or bringing up anything.

use std::path::{Path, absolute};

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;
use crate::open::{self, Kind};
use crate::rows::Rows;
use crate::schema::VERSION;

/// What is in a store's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The version of the file: one that is older than this program's is brought up when it is opened.
    pub version: i64,
    /// Its bytes.
    pub bytes: u64,
    /// Peers that are met or enrolled.
    pub peers: u64,
    /// Forks that are known.
    pub forks: u64,
}

impl Look {
    /// Looks at the file at `path`, which is there. One of up to `whole_bytes` is read whole, to find whether it is damaged.
    ///
    /// # Errors
    ///
    /// Why it can't be used: what [`Store::open`](crate::Store::open) would say.
    pub fn at(path: impl AsRef<Path>, whole_bytes: u64) -> Result<Self, StoreError> {
        let path = absolute(path)?;
        let metadata = path.metadata()?;
        if !metadata.is_file() || metadata.len() == 1 {
            return Err(StoreError::NotAStore { path });
        }
        let bytes = metadata.len();
        // to be written, as what a crash has left half done is taken back by whoever reads next
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(open::PATIENCE)?;
        open::defend(&connection)?;
        let transaction = connection.transaction()?;
        let version = match open::kind(&transaction)? {
            // nothing yet
            Kind::Empty => return Ok(Self { version: VERSION, bytes, peers: 0, forks: 0 }),
            Kind::Older(version) => version,
            Kind::Ours => VERSION,
            Kind::Other => return Err(StoreError::NotAStore { path }),
        };
        let rows = Rows(&transaction);
        if bytes <= whole_bytes {
            rows.check_integrity()?;
        }
        let (peers, forks) = (rows.count_peers()?, rows.count_forks()?);
        transaction.rollback()?;
        Ok(Self { version, bytes, peers, forks })
    }
}
