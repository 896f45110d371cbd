//! The store, and its transactions.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;
use crate::name::Name;
use crate::rows::Rows;

/// A relying party's peers in one file.
///
/// Every method is one transaction. One that can't have the file within five seconds is
/// [`StoreError::Unavailable`], and has changed nothing.
///
/// A process must not open and close the file by other means while it has a `Store` on it: that would drop SQLite's
/// locks, as POSIX has it.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
}

/// What a change ends with.
pub(crate) enum Done<T> {
    /// What was changed is kept.
    Keep(T),
    /// All is left as it was.
    Leave(T),
}

impl Store {
    /// Makes a change, alone on the file from its first read on. An error leaves all as it was.
    pub(crate) fn change<T>(
        &mut self,
        change: impl FnOnce(Rows<'_>) -> Result<Done<T>, StoreError>,
    ) -> Result<T, StoreError> {
        // not deferred: of two that read first and write later, both would decide on the same state
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match change(Rows(&transaction))? {
            Done::Keep(value) => {
                transaction.commit()?;
                Ok(value)
            }
            Done::Leave(value) => {
                transaction.rollback()?;
                Ok(value)
            }
        }
    }

    /// Reads one state of the file.
    pub(crate) fn read<T>(
        &mut self,
        read: impl FnOnce(Rows<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let value = read(Rows(&transaction))?;
        transaction.rollback()?;
        Ok(value)
    }

    /// Whether the file was opened to be read only, as it could not be written to then: it is to be opened anew when it can.
    pub fn is_read_only(&self) -> bool {
        self.connection.is_readonly("main").unwrap_or(false)
    }

    /// Reads the whole file, and tells whether all in it can be.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`]: what can't be.
    pub fn check(&mut self) -> Result<(), StoreError> {
        self.read(|rows| {
            rows.check_integrity()?;
            for summary in rows.summaries()? {
                rows.known(&Name::parse(&summary.name)?)?;
            }
            rows.all_forks().map(drop)
        })
    }
}
