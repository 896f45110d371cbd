//! Section 7, finding a fork: after a refusal the relying party asks, confronts, and learns of forks from others.

use super::Peer;
use super::kept::KeptHop;
use crate::anchor::Anchor;
use crate::fork::{self, Fork, ForkRefusal, ForkStart};
use crate::hop::{Hop, HopAnswer};
use crate::verify;

impl Peer {
    /// The hops to ask the host for after a refusal, as index and tier: by index, highest first, then by tier,
    /// highest first.
    pub fn questions(&self) -> Vec<(u64, u8)> {
        self.hops.questions()
    }

    /// Takes the host's answer to one of the questions. If it opens a pledge that was opened before, over another
    /// moment, the two are a fork, which is kept: for anyone where the answer has the way from the genesis, else
    /// for who holds the moment that it starts from.
    pub fn confront(&mut self, answer: &HopAnswer) -> Option<Fork> {
        let genesis = self.genesis.clone()?;
        let lineage = genesis.lineage();
        let (tier, salt) = (answer.hop.tier, genesis.salt());
        let opened = answer.hop.opening.pledge(salt, answer.hop.moment.digest());
        let kept = self.hops.iter().filter(|kept| kept.pledge() == Some(&opened)).map(KeptHop::hop);
        let known = self.fork.iter().flat_map(|fork| &fork.hops);
        let known = known.filter(|hop| hop.opening.pledge(salt, hop.moment.digest()) == opened);
        let others: Vec<_> = kept.chain(known).filter(|hop| hop.tier == tier).cloned().collect();
        let others: Vec<_> = others.into_iter().filter(|hop| hop.moment != answer.hop.moment).collect();
        if others.is_empty() {
            return None;
        }
        // the way is the same for all of them, and may be long: it is followed once
        let made = fork::walk(Anchor::of_genesis(&genesis), &answer.way).ok();
        let leads_on = |hop: &Hop| made.as_ref().is_some_and(|made| verify::hop(made, hop).is_ok());
        for other in others {
            let hops = [other, answer.hop.clone()];
            if hops.iter().all(leads_on) {
                let (genesis, way) = (Some(genesis.clone()), answer.way.clone());
                let for_anyone = Fork { lineage, genesis, way, hops: hops.clone() };
                if for_anyone.is_within_limit() {
                    self.adopt(&for_anyone);
                    return Some(for_anyone);
                }
            }
            let for_us = Fork { lineage, genesis: None, way: Vec::new(), hops };
            if self.learn(&for_us).is_ok() {
                return Some(for_us);
            }
        }
        None
    }

    /// Takes evidence of a fork from anyone, and keeps it where it shows one: one for anyone rather than one for
    /// who holds the moment that it starts from.
    ///
    /// # Errors
    ///
    /// Why it shows none.
    pub fn learn(&mut self, fork: &Fork) -> Result<ForkStart, ForkRefusal> {
        let own = self.lineage().ok_or(ForkRefusal::NoStart)?;
        if *own != fork.lineage {
            return Err(ForkRefusal::OtherLineage { expected: fork.lineage, found: *own });
        }
        // an anchor counts once a proof was accepted of it: what was introduced is somebody's word
        let anchor = self.anchor.as_ref().filter(|_| self.is_proven);
        let start = fork.check(self.hops.starts().chain(anchor))?;
        self.adopt(fork);
        Ok(start)
    }

    fn adopt(&mut self, fork: &Fork) {
        let is_better = |known: &Fork| fork.is_for_anyone() && !known.is_for_anyone();
        if self.fork.as_ref().is_none_or(is_better) {
            self.fork = Some(fork.clone());
        }
    }
}
