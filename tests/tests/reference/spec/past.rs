//! Section 7, the hops that a relying party keeps, and what they are held against: checks 7 and 8.

use super::hash::Hash;
use super::messages::Proof;
use super::moment::Anchor;

/// A hop that has passed, with both its ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    start: Anchor,
    tier: u64,
    end: Anchor,
    /// Index and digest of the moment before its end.
    previous: (u64, Hash),
}

/// The hops of a proof, in their order.
#[derive(Clone, Debug)]
pub struct Taken(Vec<Kept>);

impl Taken {
    pub fn of(start: &Anchor, moments: &[Anchor], proof: &Proof) -> Self {
        let mut taken = vec![];
        let mut from = start.clone();
        for (hop, end) in proof.hops.iter().zip(moments) {
            let (tier, previous) = (hop.tier, hop.moment.previous);
            taken.push(Kept { start: from, tier, end: end.clone(), previous });
            from = end.clone();
        }
        Self(taken)
    }

    pub fn head(&self) -> Option<&Anchor> {
        self.0.last().map(|hop| &hop.end)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Past(Vec<Kept>);

impl Past {
    /// Check 7: a hop opens a pledge that a kept hop opened over another moment.
    pub fn clash(&self, taken: &Taken) -> bool {
        let opens = |hop: &Kept| hop.start.pledges[hop.tier as usize];
        taken.0.iter().any(|hop| {
            self.0.iter().any(|kept| {
                kept.tier == hop.tier && opens(kept) == opens(hop) && kept.end.digest != hop.end.digest
            })
        })
    }

    /// Check 8: a moment that is known contradicts another, or a hop.
    pub fn contradict(&self, anchors: &[Anchor], unconfirmed: &[(u64, Hash)], taken: &Taken) -> bool {
        let mut known: Vec<(u64, Hash, Option<[Hash; 16]>)> = vec![];
        let ends = self.0.iter().flat_map(|hop| [&hop.start, &hop.end]);
        for moment in anchors.iter().chain(ends) {
            known.push((moment.index, moment.digest, Some(moment.pledges)));
        }
        for (index, digest) in unconfirmed {
            known.push((*index, *digest, None));
        }
        for one in &known {
            for two in &known {
                if one.0 == two.0 && one.1 != two.1 {
                    return true;
                }
            }
        }
        for hop in self.0.iter().chain(&taken.0) {
            for (index, digest, pledges) in &known {
                let is_between = hop.start.index < *index && *index < hop.end.index;
                if is_between && !goes_over(hop, *index, digest, pledges.as_ref()) {
                    return true;
                }
            }
        }
        false
    }

    /// Step 9: each hop once; of each tier the eight that lead furthest.
    pub fn keep(&mut self, taken: Taken) {
        for hop in taken.0 {
            if !self.0.contains(&hop) {
                self.0.push(hop);
            }
        }
        for tier in 0..16 {
            while self.0.iter().filter(|hop| hop.tier == tier).count() > 8 {
                let of_tier = self.0.iter().filter(|hop| hop.tier == tier);
                // of two that lead equally far the one that begins earlier goes
                let nearest = of_tier.min_by_key(|hop| (hop.end.index, hop.start.index)).unwrap().clone();
                self.0.retain(|hop| *hop != nearest);
            }
        }
    }

    /// Index and tier of the kept hops, by index and then by tier, highest first.
    pub fn questions(&self) -> Vec<(u64, u64)> {
        let mut questions: Vec<_> = self.0.iter().map(|hop| (hop.start.index, hop.tier)).collect();
        questions.sort();
        questions.dedup();
        questions.reverse();
        questions
    }
}

/// Whether a hop may go over a known moment z.
fn goes_over(hop: &Kept, z: u64, digest: &Hash, pledges: Option<&[Hash; 16]>) -> bool {
    let k = hop.tier as usize;
    let (p, previous_digest) = hop.previous;
    pledges.is_none_or(|pledges| pledges[k..] == hop.start.pledges[k..])
        && p >= z
        && (p != z || previous_digest == *digest)
}
