//! Table peer: those that are met or enrolled.

use rusqlite::{OptionalExtension, params};
use selfsame::{LineageId, Peer, PeerRecord};

use super::challenge::KeptChallenge;
use super::hop::KeptHop;
use super::{Rows, integer, unsigned};
use crate::error::StoreError;
use crate::name::Name;
use crate::peers::PeerSummary;
use crate::tpm::Tpm;

/// A peer as it is kept.
pub(crate) struct KeptPeer {
    id: i64,
    pub(crate) peer: Peer,
    pub(crate) lineage: LineageId,
    pub(crate) met: Meeting,
    state: Vec<u8>,
    hops: Vec<KeptHop>,
    challenges: Vec<KeptChallenge>,
}

/// What is kept of the last meeting, beside what the protocol needs.
#[derive(Clone, Copy)]
pub(crate) struct Meeting {
    /// Unix time in milliseconds, by the verifier's clock.
    pub(crate) wall_ms: u64,
    /// What the host had said of its TPM by then.
    pub(crate) tpm: Tpm,
}

/// The columns of a peer's row, and how far the clock of its TPM was.
type Columns = (i64, [u8; 32], i64, Vec<u8>, i64, Option<i64>, Option<i64>);

impl Rows<'_> {
    /// The peer of this name, whole; `None` where none is met or enrolled.
    pub(crate) fn peer(&self, name: &Name<'_>) -> Result<Option<KeptPeer>, StoreError> {
        let Some(columns) = self.columns(name)? else { return Ok(None) };
        let hops = self.hops(columns.0)?;
        let challenges = self.challenges_of_known(name)?;
        restore(columns, hops, challenges).map(Some)
    }

    /// The peer of this name, without its hops and challenges: enough to issue a challenge.
    pub(crate) fn bare_peer(&self, name: &Name<'_>) -> Result<Option<KeptPeer>, StoreError> {
        let columns = self.columns(name)?;
        columns.map(|columns| restore(columns, Vec::new(), Vec::new())).transpose()
    }

    /// The peer of this name, whole.
    pub(crate) fn known(&self, name: &Name<'_>) -> Result<KeptPeer, StoreError> {
        self.peer(name)?.ok_or_else(|| StoreError::UnknownPeer { peer: name.as_str().to_owned() })
    }

    fn columns(&self, name: &Name<'_>) -> Result<Option<Columns>, StoreError> {
        let sql = "SELECT id, lineage, head, state, met_wall_ms, tpm_resets, clock_ms
                   FROM peer LEFT JOIN tpm_clock ON tpm_clock.peer = peer.id WHERE name = ?1";
        let columns = self.0.query_row(sql, [name.as_str()], |row| row.try_into());
        Ok(columns.optional()?)
    }

    /// Adds a peer that was met or enrolled. The challenges of its name are gone.
    pub(crate) fn add_peer(&self, name: &Name<'_>, peer: &Peer, met: Meeting) -> Result<(), StoreError> {
        let (lineage, head) = lineage_and_head(peer)?;
        let PeerRecord { state, hops, .. } = peer.record();
        let sql = "INSERT INTO peer (name, lineage, head, state, met_wall_ms, tpm_resets)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (met_wall_ms, tpm_resets) = (integer(met.wall_ms), met.tpm.resets.map(integer));
        let columns = params![name.as_str(), lineage.as_bytes(), head, state, met_wall_ms, tpm_resets];
        self.0.execute(sql, columns)?;
        let id = self.0.last_insert_rowid();
        self.keep_tpm_clock(id, met.tpm.clock_ms)?;
        self.keep_hops(id, &[], &hops)?;
        self.drop_challenges(name).map(drop)
    }

    /// Lets another anchor replace a peer's, and all that was kept beside it. The challenges of its name are gone.
    pub(crate) fn replace_peer(
        &self,
        name: &Name<'_>,
        kept: &KeptPeer,
        peer: &Peer,
        met: Meeting,
    ) -> Result<(), StoreError> {
        let record = peer.record();
        self.keep_row(kept.id, peer, &record.state, met)?;
        self.keep_hops(kept.id, &kept.hops, &record.hops)?;
        self.drop_challenges(name).map(drop)
    }

    /// Keeps what has changed of a peer.
    pub(crate) fn keep_peer(
        &self,
        kept: &KeptPeer,
        peer: &Peer,
        met: Option<Meeting>,
    ) -> Result<(), StoreError> {
        let record = peer.record();
        if met.is_some() || record.state != kept.state {
            self.keep_row(kept.id, peer, &record.state, met.unwrap_or(kept.met))?;
        }
        self.keep_hops(kept.id, &kept.hops, &record.hops)?;
        self.keep_challenges(&kept.challenges, &record.challenges)
    }

    fn keep_row(&self, id: i64, peer: &Peer, state: &[u8], met: Meeting) -> Result<(), StoreError> {
        let (lineage, head) = lineage_and_head(peer)?;
        let sql = "UPDATE peer SET lineage = ?2, head = ?3, state = ?4, met_wall_ms = ?5, tpm_resets = ?6
                   WHERE id = ?1";
        let (met_wall_ms, tpm_resets) = (integer(met.wall_ms), met.tpm.resets.map(integer));
        self.0.execute(sql, params![id, lineage.as_bytes(), head, state, met_wall_ms, tpm_resets])?;
        self.keep_tpm_clock(id, met.tpm.clock_ms)
    }

    fn keep_tpm_clock(&self, id: i64, clock_ms: Option<u64>) -> Result<(), StoreError> {
        match clock_ms {
            Some(clock_ms) => {
                let sql = "INSERT INTO tpm_clock (peer, clock_ms) VALUES (?1, ?2)
                           ON CONFLICT (peer) DO UPDATE SET clock_ms = excluded.clock_ms";
                self.0.execute(sql, params![id, integer(clock_ms)])?
            }
            None => self.0.execute("DELETE FROM tpm_clock WHERE peer = ?1", [id])?,
        };
        Ok(())
    }

    /// Remembers the peer's lineage as one that was succeeded.
    pub(crate) fn add_past(&self, kept: &KeptPeer) -> Result<(), StoreError> {
        let sql = "INSERT INTO past (lineage, peer) VALUES (?1, ?2)";
        self.0.execute(sql, params![kept.lineage.as_bytes(), kept.id])?;
        Ok(())
    }

    /// Drops a peer, its hops, and its past; whether there was one.
    pub(crate) fn drop_peer(&self, name: &Name<'_>) -> Result<bool, StoreError> {
        Ok(self.0.execute("DELETE FROM peer WHERE name = ?1", [name.as_str()])? > 0)
    }

    /// How many there are.
    pub(crate) fn count_peers(&self) -> Result<u64, StoreError> {
        unsigned(self.0.query_row("SELECT count(*) FROM peer", [], |row| row.get(0))?)
    }

    /// All peers, by name.
    pub(crate) fn summaries(&self) -> Result<Vec<PeerSummary>, StoreError> {
        let mut statement =
            self.0.prepare("SELECT name, lineage, head, met_wall_ms FROM peer ORDER BY name")?;
        let rows = statement.query_map([], |row| row.try_into())?;
        let summaries = rows.map(|row| {
            let (name, lineage, index, met_wall_ms): (String, [u8; 32], i64, i64) = row?;
            let (index, met_wall_ms) = (unsigned(index)?, unsigned(met_wall_ms)?);
            Ok(PeerSummary { name, lineage: LineageId::new(lineage), index, met_wall_ms })
        });
        summaries.collect()
    }
}

fn restore(
    columns: Columns,
    hops: Vec<KeptHop>,
    challenges: Vec<KeptChallenge>,
) -> Result<KeptPeer, StoreError> {
    let (id, lineage, head, state, met_wall_ms, resets, clock_ms) = columns;
    let record = PeerRecord {
        state,
        hops: hops.iter().map(|kept| kept.hop.clone()).collect(),
        challenges: challenges.iter().map(|kept| (kept.digest, kept.issued.clone())).collect(),
    };
    let peer = Peer::restore(&record).map_err(|error| StoreError::damaged(error.to_string()))?;
    let lineage = LineageId::new(lineage);
    if lineage_and_head(&peer)? != (lineage, head) {
        return Err(StoreError::damaged("a peer's state is not of the lineage and index beside it"));
    }
    let tpm =
        Tpm { resets: resets.map(unsigned).transpose()?, clock_ms: clock_ms.map(unsigned).transpose()? };
    let met = Meeting { wall_ms: unsigned(met_wall_ms)?, tpm };
    Ok(KeptPeer { id, peer, lineage, met, state: record.state, hops, challenges })
}

fn lineage_and_head(peer: &Peer) -> Result<(LineageId, i64), StoreError> {
    let anchor = peer.anchor().ok_or_else(|| StoreError::damaged("a peer without an anchor"))?;
    Ok((*anchor.lineage(), integer(anchor.index())))
}
