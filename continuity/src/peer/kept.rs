//! The hops that a relying party keeps, to find forks (check 7) and contradictions (check 8).

use std::collections::BTreeMap;

use crate::anchor::{Anchor, Head};
use crate::fork::Fork;
use crate::hash::{Digest, Pledge};
use crate::hop::Hop;
use crate::odometer::TIERS;
use crate::proof::Proof;

/// Hops that are kept of each tier: the eight that lead furthest (section 7, check 9).
const KEPT_OF_A_TIER: usize = 8;

/// A hop that was accepted, and the moment that it starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptHop {
    pub(super) start: Anchor,
    pub(super) hop: Hop,
}

impl KeptHop {
    pub(super) fn start(&self) -> &Anchor {
        &self.start
    }

    pub(super) fn hop(&self) -> &Hop {
        &self.hop
    }

    /// The pledge that it opens.
    pub(super) fn pledge(&self) -> Option<&Pledge> {
        self.start.pledge(self.hop.tier)
    }

    /// What tells it from every other: its tier, and where it leads from and to.
    pub(super) fn key(&self) -> (u8, Head, Head) {
        (self.hop.tier, self.hop.moment.head(), self.start.head())
    }
}

/// The hops of a proof, each with the moment that it starts from.
pub(super) fn from_proof(start: &Anchor, passed: &[Anchor], proof: &Proof) -> Vec<KeptHop> {
    let starts = core::iter::once(start).chain(passed);
    starts.zip(&proof.hops).map(|(start, hop)| KeptHop { start: start.clone(), hop: hop.clone() }).collect()
}

/// All kept hops, ordered by tier, then by where they lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeptHops(BTreeMap<(u8, Head, Head), KeptHop>);

impl KeptHops {
    pub(super) fn iter(&self) -> impl Iterator<Item = &KeptHop> {
        self.0.values()
    }

    /// The moments that kept hops start from.
    pub(super) fn starts(&self) -> impl Iterator<Item = &Anchor> {
        self.iter().map(KeptHop::start)
    }

    /// Keeps these too, each hop once, and of each tier the eight that lead furthest.
    pub(super) fn keep(&mut self, hops: Vec<KeptHop>) {
        self.0.extend(hops.into_iter().map(|hop| (hop.key(), hop)));
        let mut of_tier = [0; TIERS];
        for (tier, ..) in self.0.keys() {
            if let Some(count) = of_tier.get_mut(usize::from(*tier)) {
                *count += 1;
            }
        }
        // ascending by where they lead: the first of a tier lead least far
        self.0.retain(|(tier, ..), _| match of_tier.get_mut(usize::from(*tier)) {
            Some(count) if *count > KEPT_OF_A_TIER => {
                *count -= 1;
                false
            }
            _ => true,
        });
    }

    /// The hops of these that open a pledge that a kept hop opened over another moment: the two as a fork from the
    /// earlier of their starts, and where the new one leads.
    pub(super) fn clashes(&self, hops: &[KeptHop]) -> impl Iterator<Item = (Fork, u64)> {
        let pairs = hops.iter().flat_map(|new| self.iter().map(move |kept| (kept, new)));
        let clashes = pairs.filter(|(kept, new)| {
            kept.hop.tier == new.hop.tier
                && kept.pledge() == new.pledge()
                && kept.hop.moment != new.hop.moment
        });
        clashes.map(|(kept, new)| {
            let hops = [kept.hop.clone(), new.hop.clone()];
            let fork = Fork { lineage: kept.start.lineage, genesis: None, way: Vec::new(), hops };
            (fork, new.hop.moment.index())
        })
    }

    pub(super) fn questions(&self) -> Vec<(u64, u8)> {
        let mut questions: Vec<_> = self.iter().map(|kept| (kept.start.index(), kept.hop.tier)).collect();
        questions.sort_unstable_by(|a, b| b.cmp(a));
        questions.dedup();
        questions
    }
}

/// Every moment that a verifier knows, by index; of some only the digest.
#[derive(Debug, Default)]
pub(super) struct Known<'a>(BTreeMap<u64, (Digest, Option<&'a [Pledge; TIERS]>)>);

impl<'a> Known<'a> {
    /// Adds a moment. In an error, the index at which another is known.
    pub(super) fn add(&mut self, head: Head, pledges: Option<&'a [Pledge; TIERS]>) -> Result<(), u64> {
        let (digest, list) = self.0.entry(head.index).or_insert((head.digest, pledges));
        if *digest != head.digest {
            return Err(head.index);
        }
        *list = list.or(pledges);
        Ok(())
    }

    /// Adds both ends of a hop.
    pub(super) fn add_ends(&mut self, kept: &'a KeptHop) -> Result<(), u64> {
        self.add(kept.start.head(), Some(kept.start.pledges()))?;
        self.add(kept.hop.moment.head(), Some(kept.hop.moment.pledges()))
    }

    /// Holds every moment that is known against a hop. In an error, the index of the one that contradicts it.
    pub(super) fn hold_against(&self, kept: &KeptHop) -> Result<(), u64> {
        let KeptHop { start, hop } = kept;
        let (x, y, k) = (start.index(), hop.moment.index(), usize::from(hop.tier));
        let previous = hop.moment.previous();
        for (z, (digest, pledges)) in self.0.range(x.saturating_add(1)..y) {
            let differs =
                pledges.is_some_and(|pledges| pledges.iter().skip(k).ne(start.pledges().iter().skip(k)));
            let is_other_previous = previous.index == *z && previous.digest != *digest;
            if differs || previous.index < *z || is_other_previous {
                return Err(*z);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::evidence::{Evidence, EvidenceFields};
    use crate::hash::{LineageId, Salt};
    use crate::moment::Moment;
    use crate::pledge::{OPENING_BYTES, Opening};

    /// A hop without any secret, from the index before.
    fn hop(tier: u8, to: u64) -> KeptHop {
        let (lineage, pledges) = (LineageId::new([0; 32]), [Pledge::new([0; 32]); TIERS]);
        let previous = Head { index: to - 1, digest: Digest::new([0; 32]) };
        let evidence = Evidence::new(EvidenceFields::default()).expect("short");
        let moment = Arc::new(Moment::compose(lineage, to, previous, pledges, None, 0, evidence));
        let opening = Arc::new(Opening::from_bytes(&[0; OPENING_BYTES]).expect("of that size"));
        let start = Anchor::new(lineage, Salt::new([0; 32]), previous, pledges);
        KeptHop { start, hop: Hop { tier, opening, moment } }
    }

    #[test]
    fn of_each_tier_the_eight_that_lead_furthest_are_kept() {
        let mut kept = KeptHops::default();
        kept.keep((1..=8).rev().map(|to| hop(0, to)).collect());
        kept.keep(vec![hop(1, 1), hop(0, 9), hop(0, 10), hop(0, 10)]);
        let of_tier_0: Vec<_> = (2..=9).rev().map(|from| (from, 0)).collect();
        assert_eq!(kept.questions(), [of_tier_0, vec![(0, 1)]].concat());
    }
}
