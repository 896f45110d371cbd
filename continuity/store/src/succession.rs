//! Whom a new lineage says that it follows, held against what is known of the peer that it would succeed.

use selfsame::{Head, LineageId, Peer, Predecessor};

use crate::error::StoreError;
use crate::name::Name;
use crate::rows::{Holder, KeptPeer, Rows};

/// What a new lineage's word on its predecessor is worth.
///
/// Anyone may name any lineage, and whoever has seen a proof of it a moment of it, too. A host keeps its last head once
/// a minute and at an orderly end: so what it names may be older than the anchor by that, and it is newer where the host
/// went on after it was last met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It names no predecessor.
    Nobody,
    /// It names a lineage that was the peer's before its present one: an old state may have come back.
    Past,
    /// It names a lineage that neither is nor was the peer's.
    Other,
    /// It names a moment of the peer's that was accepted.
    Known {
        /// Ticks by which that is older than the anchor: none where it is the anchor.
        behind: u64,
    },
    /// It names a moment of the peer's lineage that is newer than the anchor.
    Ahead {
        /// Ticks.
        by: u64,
    },
    /// It names one that is older than the anchor, and of which nothing is kept.
    Behind {
        /// Ticks.
        by: u64,
    },
    /// It names one at an index at which another was accepted: it is none of the history that is known.
    False {
        /// The index.
        index: u64,
    },
}

impl Rows<'_> {
    /// What the word is worth of a lineage that would succeed this peer's.
    pub(crate) fn claim(
        &self,
        name: &Name<'_>,
        known: &KeptPeer,
        predecessor: Option<&Predecessor>,
    ) -> Result<Claim, StoreError> {
        let Some(Predecessor { lineage, head }) = predecessor else { return Ok(Claim::Nobody) };
        if *lineage == known.lineage {
            return Ok(of_own(&known.peer, head));
        }
        Ok(match self.holder(lineage)? {
            Some(Holder::Past(peer)) if peer == name.as_str() => Claim::Past,
            _ => Claim::Other,
        })
    }

    /// The first of these lineages of which a fork is known.
    pub(crate) fn forked(
        &self,
        lineages: impl IntoIterator<Item = LineageId>,
    ) -> Result<Option<LineageId>, StoreError> {
        for lineage in lineages {
            if self.is_forked(&lineage)? {
                return Ok(Some(lineage));
            }
        }
        Ok(None)
    }
}

/// How a moment stands that is said to be of the peer's lineage.
fn of_own(peer: &Peer, head: &Head) -> Claim {
    let anchor = peer.anchor().map(selfsame::Anchor::head);
    let genesis = peer.genesis().map(|genesis| Head { index: 0, digest: genesis.lineage().genesis_digest() });
    let mut accepted = peer.unconfirmed().iter().copied().chain(anchor).chain(genesis);
    let newest = anchor.map_or(0, |anchor| anchor.index);
    match accepted.find(|known| known.index == head.index) {
        Some(known) if known.digest == head.digest => Claim::Known { behind: newest.abs_diff(head.index) },
        Some(_) => Claim::False { index: head.index },
        None if head.index > newest => Claim::Ahead { by: head.index - newest },
        None => Claim::Behind { by: newest.abs_diff(head.index) },
    }
}
