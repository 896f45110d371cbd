//! Table challenge: those that are out.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params};
use selfsame::{Digest, Now};

use super::{Rows, integer};
use crate::error::StoreError;
use crate::name::Name;

/// How long a challenge lives (protocol section 7), in ticks and in milliseconds of wall time.
const LIFE_TICKS: i64 = 60 * selfsame::TICKS_PER_SECOND as i64;
const LIFE_MS: i64 = 60_000;

/// A challenge's row.
pub(crate) struct KeptChallenge {
    id: i64,
    pub(crate) digest: Digest,
    /// From the genesis, and whoever comes.
    pub(crate) anew: bool,
    /// As `selfsame::Peer::record` gives it.
    pub(crate) issued: Vec<u8>,
}

/// A challenge on its way to be kept.
pub(crate) struct NewChallenge<'c> {
    pub(crate) digest: &'c Digest,
    pub(crate) anew: bool,
    pub(crate) at: &'c Now,
    pub(crate) issued: &'c [u8],
}

impl Rows<'_> {
    /// Keeps a challenge; `false` where the very same one is out.
    pub(crate) fn add_challenge(&self, name: &Name<'_>, new: &NewChallenge<'_>) -> Result<bool, StoreError> {
        if self.challenge(name, new.digest)?.is_some() {
            return Ok(false);
        }
        let NewChallenge { digest, anew, at: Now { boot, ticks, wall_ms }, issued } = new;
        let sql = "INSERT INTO challenge (name, digest, anew, boot, ticks, wall_ms, issued)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (ticks, wall_ms) = (integer(*ticks), integer(*wall_ms));
        self.0
            .execute(sql, params![name.as_str(), digest.as_bytes(), anew, boot.0, ticks, wall_ms, issued])?;
        Ok(true)
    }

    /// The challenge of this name with this digest.
    pub(crate) fn challenge(
        &self,
        name: &Name<'_>,
        digest: &Digest,
    ) -> Result<Option<KeptChallenge>, StoreError> {
        let sql = "SELECT id, digest, anew, issued FROM challenge WHERE name = ?1 AND digest = ?2";
        Ok(self.0.query_row(sql, params![name.as_str(), digest.as_bytes()], kept).optional()?)
    }

    /// The challenges that were issued against what is kept of the peer of this name.
    pub(super) fn challenges_of_known(&self, name: &Name<'_>) -> Result<Vec<KeptChallenge>, StoreError> {
        let sql = "SELECT id, digest, anew, issued FROM challenge WHERE name = ?1 AND anew = 0 ORDER BY id";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map([name.as_str()], kept)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes `before` into `after`, which has no new ones.
    pub(crate) fn keep_challenges(
        &self,
        before: &[KeptChallenge],
        after: &[(Digest, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let after: HashMap<&Digest, &Vec<u8>> =
            after.iter().map(|(digest, issued)| (digest, issued)).collect();
        for KeptChallenge { id, digest, issued, .. } in before {
            match after.get(digest) {
                None => self.0.execute("DELETE FROM challenge WHERE id = ?1", [id])?,
                Some(now) if *now != issued => {
                    self.0.execute("UPDATE challenge SET issued = ?2 WHERE id = ?1", params![id, now])?
                }
                Some(_) => 0,
            };
        }
        Ok(())
    }

    /// Drops all challenges of this name; whether there were any.
    pub(crate) fn drop_challenges(&self, name: &Name<'_>) -> Result<bool, StoreError> {
        Ok(self.0.execute("DELETE FROM challenge WHERE name = ?1", [name.as_str()])? > 0)
    }

    /// Drops those of this name that were issued for whoever comes.
    pub(crate) fn drop_challenges_anew(&self, name: &Name<'_>) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM challenge WHERE name = ?1 AND anew = 1", [name.as_str()])?;
        Ok(())
    }

    /// Drops the challenges of all names that are past their life. Those of this boot that are younger than `now`
    /// stay: another process, which read the clock later, was served before.
    pub(crate) fn drop_dead_challenges(&self, now: &Now) -> Result<(), StoreError> {
        let Now { boot, ticks, wall_ms } = now;
        let sql = "DELETE FROM challenge WHERE boot = ?1 AND ticks < ?2";
        self.0.execute(sql, params![boot.0, integer(*ticks).saturating_sub(LIFE_TICKS)])?;
        let sql = "DELETE FROM challenge WHERE boot <> ?1 AND wall_ms NOT BETWEEN ?2 AND ?3";
        let wall_ms = integer(*wall_ms);
        self.0.execute(sql, params![boot.0, wall_ms.saturating_sub(LIFE_MS), wall_ms])?;
        Ok(())
    }

    /// How many are out for this name, and in all.
    pub(crate) fn count_challenges(&self, name: &Name<'_>) -> Result<(u32, u32), StoreError> {
        let of_name = "SELECT count(*) FROM challenge WHERE name = ?1";
        let of_name = self.0.query_row(of_name, [name.as_str()], |row| row.get(0))?;
        Ok((of_name, self.0.query_row("SELECT count(*) FROM challenge", [], |row| row.get(0))?))
    }
}

fn kept(row: &Row<'_>) -> rusqlite::Result<KeptChallenge> {
    Ok(KeptChallenge {
        id: row.get(0)?,
        digest: Digest::new(row.get(1)?),
        anew: row.get(2)?,
        issued: row.get(3)?,
    })
}
