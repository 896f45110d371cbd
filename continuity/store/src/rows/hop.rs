//! Table hop: the kept hops, one a row, so that a proof writes only those that it adds.

use std::collections::HashSet;

use rusqlite::params;

use super::Rows;
use crate::error::StoreError;

/// A hop's row.
pub(crate) struct KeptHop {
    id: i64,
    pub(crate) hop: Vec<u8>,
}

impl Rows<'_> {
    /// The hops that are kept of a peer.
    pub(super) fn hops(&self, peer: i64) -> Result<Vec<KeptHop>, StoreError> {
        let mut statement = self.0.prepare("SELECT id, hop FROM hop WHERE peer = ?1 ORDER BY id")?;
        let hops = statement.query_map([peer], |row| Ok(KeptHop { id: row.get(0)?, hop: row.get(1)? }))?;
        Ok(hops.collect::<Result<_, _>>()?)
    }

    /// Makes `before` into `after`: what is in both stays untouched.
    pub(super) fn keep_hops(
        &self,
        peer: i64,
        before: &[KeptHop],
        after: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        let kept: HashSet<&[u8]> = after.iter().map(Vec::as_slice).collect();
        for gone in before.iter().filter(|row| !kept.contains(row.hop.as_slice())) {
            self.0.execute("DELETE FROM hop WHERE id = ?1", [gone.id])?;
        }
        let there: HashSet<&[u8]> = before.iter().map(|row| row.hop.as_slice()).collect();
        for new in after.iter().filter(|hop| !there.contains(hop.as_slice())) {
            self.0.execute("INSERT INTO hop (peer, hop) VALUES (?1, ?2)", params![peer, new])?;
        }
        Ok(())
    }
}
