//! Whose a lineage is, or was: tables peer and past.

use rusqlite::OptionalExtension;
use selfsame::LineageId;

use super::Rows;
use crate::error::StoreError;

/// Whose a lineage is.
pub(crate) enum Holder {
    /// This peer's.
    Present(String),
    /// It was this peer's, and has been succeeded.
    Past(String),
}

impl Rows<'_> {
    /// Whose this lineage is, or was.
    pub(crate) fn holder(&self, lineage: &LineageId) -> Result<Option<Holder>, StoreError> {
        let name = |sql| self.0.query_row(sql, [lineage.as_bytes()], |row| row.get(0)).optional();
        if let Some(present) = name("SELECT name FROM peer WHERE lineage = ?1")? {
            return Ok(Some(Holder::Present(present)));
        }
        let past = name("SELECT name FROM peer JOIN past ON past.peer = peer.id WHERE past.lineage = ?1")?;
        Ok(past.map(Holder::Past))
    }

    /// Refuses a lineage that is, or was, a peer's.
    pub(crate) fn refuse_held(&self, lineage: &LineageId) -> Result<(), StoreError> {
        match self.holder(lineage)? {
            Some(Holder::Present(peer)) => Err(StoreError::PeerExists { peer, lineage: *lineage }),
            Some(Holder::Past(peer)) => Err(StoreError::PastLineage { lineage: *lineage, peer }),
            None => Ok(()),
        }
    }
}
