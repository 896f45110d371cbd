//! Table fork: the forks that are known, one a lineage, whether a peer has it or not.

use rusqlite::{OptionalExtension, params};
use selfsame::{Fork, LineageId};

use super::{Rows, unsigned};
use crate::error::StoreError;
use crate::name::Name;

impl Rows<'_> {
    /// Keeps a fork that was checked: one for anyone rather than one for who holds the moment that it starts from.
    /// Whether none of its lineage was known.
    pub(crate) fn keep_fork(&self, fork: &Fork) -> Result<bool, StoreError> {
        let known = self.fork(fork.lineage())?;
        if known.as_ref().is_none_or(|known| fork.is_for_anyone() && !known.is_for_anyone()) {
            let sql = "INSERT INTO fork (lineage, fork) VALUES (?1, ?2)
                       ON CONFLICT (lineage) DO UPDATE SET fork = excluded.fork";
            self.0.execute(sql, params![fork.lineage().as_bytes(), fork.encode()])?;
        }
        Ok(known.is_none())
    }

    /// Drops the fork of a lineage that was made for a drill: no other is ever dropped.
    pub(crate) fn drop_fork(&self, lineage: &LineageId) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM fork WHERE lineage = ?1", [lineage.as_bytes()])?;
        Ok(())
    }

    fn fork(&self, lineage: &LineageId) -> Result<Option<Fork>, StoreError> {
        let sql = "SELECT fork FROM fork WHERE lineage = ?1";
        let bytes: Option<Vec<u8>> =
            self.0.query_row(sql, [lineage.as_bytes()], |row| row.get(0)).optional()?;
        bytes.map(|bytes| parse(&bytes)).transpose()
    }

    /// Whether a fork of this lineage is known.
    pub(crate) fn is_forked(&self, lineage: &LineageId) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare("SELECT 1 FROM fork WHERE lineage = ?1")?;
        Ok(statement.exists([lineage.as_bytes()])?)
    }

    /// Refuses a lineage of which a fork is known.
    pub(crate) fn refuse_forked(&self, lineage: &LineageId) -> Result<(), StoreError> {
        match self.is_forked(lineage)? {
            true => Err(StoreError::Forked { lineage: *lineage }),
            false => Ok(()),
        }
    }

    /// The forks of a peer's present and past lineages.
    pub(crate) fn forks_of(&self, name: &Name<'_>) -> Result<Vec<Fork>, StoreError> {
        let mut statement = self.0.prepare(&format!("SELECT fork {OF_PEER} ORDER BY lineage"))?;
        let rows = statement.query_map([name.as_str()], |row| row.get::<_, Vec<u8>>(0))?;
        rows.map(|bytes| parse(&bytes?)).collect()
    }

    /// Bytes of these.
    pub(crate) fn fork_bytes_of(&self, name: &Name<'_>) -> Result<u64, StoreError> {
        let sql = format!("SELECT coalesce(sum(length(fork)), 0) {OF_PEER}");
        unsigned(self.0.query_row(&sql, [name.as_str()], |row| row.get(0))?)
    }

    /// Bytes of all forks.
    pub(crate) fn all_fork_bytes(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(sum(length(fork)), 0) FROM fork";
        unsigned(self.0.query_row(sql, [], |row| row.get(0))?)
    }

    /// How many there are.
    pub(crate) fn count_forks(&self) -> Result<u64, StoreError> {
        unsigned(self.0.query_row("SELECT count(*) FROM fork", [], |row| row.get(0))?)
    }

    /// All forks.
    pub(crate) fn all_forks(&self) -> Result<Vec<Fork>, StoreError> {
        let mut statement = self.0.prepare("SELECT fork FROM fork ORDER BY lineage")?;
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        rows.map(|bytes| parse(&bytes?)).collect()
    }
}

/// The forks of the present and past lineages of the peer with name `?1`.
const OF_PEER: &str = "FROM fork WHERE lineage IN (
        SELECT lineage FROM peer WHERE name = ?1
        UNION SELECT past.lineage FROM past JOIN peer ON peer.id = past.peer WHERE name = ?1
    )";

fn parse(bytes: &[u8]) -> Result<Fork, StoreError> {
    Fork::parse(bytes).map_err(|error| StoreError::damaged(error.to_string()))
}
