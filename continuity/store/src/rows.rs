//! The rows of the tables, as one transaction sees and changes them.

use rusqlite::Transaction;

use crate::error::StoreError;

mod challenge;
mod fork;
mod hop;
mod lineage;
mod peer;

pub(crate) use challenge::{KeptChallenge, NewChallenge};
pub(crate) use lineage::Holder;
pub(crate) use peer::{KeptPeer, Meeting};

/// All rows, in a transaction. What is in the files of this folder is each a table's.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'t>(pub(crate) &'t Transaction<'t>);

impl Rows<'_> {
    /// Whether SQLite finds the file in order.
    pub(crate) fn check_integrity(&self) -> Result<(), StoreError> {
        let found: String = self.0.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(StoreError::damaged(found));
        }
        let mut statement = self.0.prepare("PRAGMA foreign_key_check")?;
        if statement.exists([])? {
            return Err(StoreError::damaged("a row is of a peer that is not there"));
        }
        Ok(())
    }
}

/// A number as SQLite has it. Times and indices are below 2^63; what is not is as good as the largest.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of a column that `integer` made.
fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::damaged("a negative number"))
}
