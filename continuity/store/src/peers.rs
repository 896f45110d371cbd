//! Who is known, and forgetting them.

use selfsame::{LineageId, Peer};

use crate::drill::is_drill;
use crate::error::StoreError;
use crate::name::Name;
use crate::rows::Holder;
use crate::store::{Done, Store};

/// A peer that is met or enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSummary {
    /// What it is called.
    pub name: String,
    /// Its lineage.
    pub lineage: LineageId,
    /// Its anchor's index.
    pub index: u64,
    /// When it was last met, by an introduction or a proof: Unix time in milliseconds, by the verifier's clock.
    pub met_wall_ms: u64,
}

impl Store {
    /// The peers that are met or enrolled, by name.
    ///
    /// # Errors
    ///
    /// Where the file can't be read.
    pub fn peers(&mut self) -> Result<Vec<PeerSummary>, StoreError> {
        self.read(|rows| rows.summaries())
    }

    /// A peer as it is kept: to look at, not to keep.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownPeer`] where it is neither met nor enrolled.
    pub fn peer(&mut self, peer: &str) -> Result<Peer, StoreError> {
        let name = Name::parse(peer)?;
        self.read(|rows| Ok(rows.known(&name)?.peer))
    }

    /// The peer whose lineage this is, or was until another succeeded it; `None` where nobody's is, or who had it is
    /// forgotten.
    ///
    /// # Errors
    ///
    /// Where the file can't be read.
    pub fn whose(&mut self, lineage: &LineageId) -> Result<Option<String>, StoreError> {
        let holder = self.read(|rows| rows.holder(lineage))?;
        Ok(holder.map(|(Holder::Present(peer) | Holder::Past(peer))| peer))
    }

    /// Forgets a peer: its anchor, hops, challenges, and past lineages; or the challenges of a name that is no
    /// peer's yet. Forks are never forgotten; but of a drill, whose name begins with
    /// [`DRILL_PREFIX`](crate::DRILL_PREFIX) and whose genesis names [`DRILL_SOURCE`](crate::DRILL_SOURCE) as its one
    /// source, the fork goes with the peer.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownPeer`] where nothing is kept under this name.
    pub fn forget(&mut self, peer: &str) -> Result<(), StoreError> {
        let name = Name::parse(peer)?;
        self.change(|rows| {
            if let Some(known) = rows.peer(&name)?
                && is_drill(&name, &known.peer)
            {
                rows.drop_fork(&known.lineage)?;
            }
            let (was_known, had_challenges) = (rows.drop_peer(&name)?, rows.drop_challenges(&name)?);
            if !was_known && !had_challenges {
                return Err(StoreError::UnknownPeer { peer: peer.to_owned() });
            }
            Ok(Done::Keep(()))
        })
    }
}
