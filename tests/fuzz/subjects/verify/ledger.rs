//! Checks 7 and 8 of section 7, written slowly: what was accepted, and whether a proof is a fork of it or contradicts
//! it. And 6, as far as it bounds what may be accepted.

use std::collections::BTreeMap;

use selfsame::{Anchor, Peer};

use super::rule::{Hop, Moment, Shown, of_anchor};

/// What a relying party has accepted.
#[derive(Clone, Default)]
pub struct Ledger {
    hops: Vec<Hop>,
    /// Heads, each with the tick at which its challenge was issued.
    heads: Vec<(u64, u64)>,
}

impl Ledger {
    /// Adds what was accepted, in answer to a challenge issued at that tick.
    pub fn add(&mut self, shown: Shown, issued: u64) {
        self.heads.extend(shown.hops.last().map(|hop| (hop.to.index, issued)));
        self.hops.extend(shown.hops);
    }

    /// A person let a proof pass in spite of its time: what was before bounds nothing any more.
    pub fn begin_anew(&mut self) {
        self.heads.clear();
    }

    /// Whether all these hops may stand beside what the peer keeps.
    pub fn allows(&self, peer: &Peer, asked_from: Option<&Anchor>, shown: &Shown) -> bool {
        let questions = peer.questions();
        let is_kept = |hop: &&Hop| questions.contains(&(hop.from.index, hop.tier as u8));
        let kept: Vec<&Hop> = self.hops.iter().filter(is_kept).collect();
        let forks = |new: &Hop, old: &Hop| {
            new.tier == old.tier
                && new.from.pledges[new.tier] == old.from.pledges[old.tier]
                && new.to.digest != old.to.digest
        };
        if shown.hops.iter().any(|new| kept.iter().any(|old| forks(new, old))) {
            return false;
        }
        let anchors = [peer.anchor(), asked_from].into_iter().flatten().map(of_anchor);
        let ends = kept.iter().copied().chain(&shown.hops).flat_map(|hop| [hop.from.clone(), hop.to.clone()]);
        let listed: Vec<Moment> = anchors.chain([shown.start.clone()]).chain(ends).collect();
        let unconfirmed = peer.unconfirmed().iter().map(|head| (head.index, *head.digest.as_bytes()));
        let mut named = BTreeMap::new();
        for (index, digest) in listed.iter().map(|moment| (moment.index, moment.digest)).chain(unconfirmed) {
            if *named.entry(index).or_insert(digest) != digest {
                return false;
            }
        }
        let stands = |hop: &Hop| {
            let between = |index: u64| hop.from.index < index && index < hop.to.index;
            let lists = listed.iter().filter(|z| between(z.index));
            let mut names = named.iter().filter(|(index, _)| between(**index));
            lists.into_iter().all(|z| z.pledges[hop.tier..] == hop.from.pledges[hop.tier..])
                && names.all(|(z, digest)| hop.previous.0 > *z || hop.previous == (*z, *digest))
        };
        kept.into_iter().chain(&shown.hops).all(stands)
    }

    /// Whether a head is not ahead of the time that has passed, by the clock of one boot.
    pub fn is_in_time(&self, head: u64, now: u64) -> bool {
        self.heads.iter().all(|(index, issued)| {
            let elapsed = i128::from(now) - i128::from(*issued);
            i128::from(head) - i128::from(*index) <= elapsed + elapsed.div_euclid(1000) + 4096
        })
    }
}
