//! Section 4, what the agent keeps, all of it public: openings and bodies, as long as someone may need them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::hop::Hop;
use crate::moment::Moment;
use crate::odometer::{self, TIERS, TOP};
use crate::pledge::Opening;
use crate::record::Entry;

/// The openings of so many of the latest moments are all kept.
const LATEST: usize = 64;

/// An opening of tier k is kept for so many spans of 4^k ticks.
const SPANS: u64 = 64;

/// The moments and openings that are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retained {
    moments: BTreeMap<u64, Arc<Moment>>,
    /// Of each tier, what is kept, oldest first.
    openings: [VecDeque<Kept>; TIERS],
    /// Indices of the latest moments.
    latest: VecDeque<u64>,
}

#[derive(Clone, Debug)]
struct Kept {
    index: u64,
    opening: Arc<Opening>,
    moment: Arc<Moment>,
}

impl Retained {
    /// Takes the newest moment, with the openings of its tiers from 0, and lets go what is no longer kept.
    pub(crate) fn push(&mut self, moment: &Arc<Moment>, openings: Vec<Opening>) {
        self.recall(moment, 0, openings);
        self.let_go();
    }

    /// Takes the next moment of a record, with those of its openings that are there, from tier `first` on.
    pub(crate) fn recall(&mut self, moment: &Arc<Moment>, first: u8, openings: Vec<Opening>) {
        let index = moment.index();
        self.moments.insert(index, moment.clone());
        for (kept, opening) in self.openings.iter_mut().skip(usize::from(first)).zip(openings) {
            kept.push_back(Kept { index, opening: Arc::new(opening), moment: moment.clone() });
        }
        self.latest.push_back(index);
        if self.latest.len() > LATEST {
            self.latest.pop_front();
        }
    }

    /// Lets go what is no longer kept.
    pub(crate) fn let_go(&mut self) {
        let Some(head) = self.latest.back().copied() else { return };
        let latest = self.latest.front().copied().unwrap_or(head);
        for (tier, kept) in (0..TOP).zip(&mut self.openings) {
            let goes = |kept: &mut Kept| {
                kept.index < latest && kept.index.saturating_add(SPANS * odometer::span(tier)) <= head
            };
            while let Some(gone) = kept.pop_front_if(goes) {
                // a moment's highest opening is kept longest
                if gone.moment.tier() == tier {
                    self.moments.remove(&gone.index);
                }
            }
        }
    }

    /// All that is kept, as a record has it: moments in ascending order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut next = [0; TIERS];
        self.moments.values().map(move |moment| {
            let (mut first, mut openings) = (0, Vec::new());
            let tiers = (0..=moment.tier()).zip(self.openings.iter().zip(&mut next));
            for (tier, (kept, next)) in tiers {
                // both ascend: what is kept of a tier is met in its order
                match kept.get(*next).filter(|kept| kept.index == moment.index()) {
                    Some(kept) => {
                        *next += 1;
                        openings.push(&*kept.opening);
                    }
                    None => first = tier + 1,
                }
            }
            Entry::Moment { moment, first, openings, handed: false }
        })
    }

    /// The hop from index `x` by tier `k`: to the first moment after it of that tier or more; `None` where there
    /// is none yet, or where it is no longer kept.
    pub(crate) fn hop(&self, x: u64, k: u8) -> Option<Hop> {
        let kept = self.openings.get(usize::from(k))?;
        let Kept { opening, moment, .. } = kept.get(kept.partition_point(|kept| kept.index <= x))?;
        odometer::same_span(k, moment.previous().index, x).then(|| Hop {
            tier: k,
            opening: opening.clone(),
            moment: moment.clone(),
        })
    }

    /// The one way from index `x` to moment `head`, by tiers up to `cap`; `None` where a hop is no longer kept.
    pub(crate) fn way(&self, mut x: u64, head: u64, cap: u8) -> Option<Vec<Hop>> {
        let mut way = Vec::new();
        while x < head {
            let hop = self.hop(x, odometer::way_tier(cap, x, head))?;
            x = hop.moment.index();
            way.push(hop);
        }
        (x == head).then_some(way)
    }

    /// The way from the genesis to the moment in which the pledge was made that stands at tier `k` after index
    /// `x`; `None` where it is no longer kept.
    pub(crate) fn way_to_pledge(&self, x: u64, k: u8) -> Option<Vec<Hop>> {
        let made = self.moments.range(..=x).rev().find(|(_, moment)| moment.tier() >= k);
        let made = made.map_or(0, |(index, _)| *index);
        odometer::same_span(k, made, x).then(|| self.way(0, made, TOP)).flatten()
    }

    /// The first moment at or after this index that is kept.
    pub(crate) fn at_or_after(&self, index: u64) -> Option<&Moment> {
        self.moments.range(index..).next().map(|(_, moment)| &**moment)
    }

    /// Moments and openings that are kept.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.moments.len(), self.openings.iter().map(VecDeque::len).sum())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::anchor::Head;
    use crate::evidence::{Evidence, EvidenceFields};
    use crate::hash::{Digest, LineageId, Pledge};
    use crate::pledge::OPENING_BYTES;

    /// A moment and openings without any secret: what is kept does not look into them.
    fn push(retained: &mut Retained, previous: u64, index: u64) {
        let evidence = Evidence::new(EvidenceFields::default()).expect("short");
        let (id, pledges) = (LineageId::new([0; 32]), [Pledge::new([0; 32]); TIERS]);
        let previous = Head { index: previous, digest: Digest::new([0; 32]) };
        let moment = Moment::compose(id, index, previous, pledges, None, 0, evidence);
        let opening = Opening::from_bytes(&[0; OPENING_BYTES]).expect("of that size");
        retained.push(&Arc::new(moment.clone()), vec![opening; usize::from(moment.tier()) + 1]);
    }

    #[test]
    fn an_opening_goes_after_64_spans_and_a_moment_with_its_highest() {
        let mut retained = Retained::default();
        for number in 1..=70 {
            push(&mut retained, 4 * (number - 1), 4 * number);
        }
        // at 280, beside the last 64 from 28 on: of tier 1 nothing up to 24 is kept; 16 is of tier 2
        let first = |from| retained.at_or_after(from).map(Moment::index);
        assert_eq!([1, 16, 17, 280, 281].map(first), [Some(16), Some(16), Some(28), Some(280), None]);
        // of tiers 0 to 4
        assert_eq!(retained.count(), (65, 64 + 64 + 17 + 4 + 1));
    }

    fn cases() -> u32 {
        let cases = if std::env::var_os("SELFSAME_FULL").is_some_and(|full| full == "1") { 200 } else { 20 };
        println!("{cases} cases of 200, of 2,000 moments each");
        cases
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: cases(),
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(0),
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_moment_of_a_long_history_reaches_the_head(bits in prop::collection::vec((0u32..34, any::<u64>()), 2000)) {
            let (mut retained, mut indices) = (Retained::default(), vec![0]);
            for (number, (bits, r)) in bits.into_iter().enumerate() {
                let previous = *indices.last().expect("the genesis is there");
                // runs of one pace: of any length, from some ticks to days
                let bits = if number % 300 < 150 { bits / 3 + number as u32 / 300 * 3 } else { bits };
                indices.push(previous + 1 + (r >> (63 - bits)));
                push(&mut retained, previous, previous + 1 + (r >> (63 - bits)));
                if number % 191 != 190 {
                    continue;
                }
                let head = *indices.last().expect("it was just pushed");
                for from in &indices {
                    let cap = odometer::cap(head - from);
                    let way = retained.way(*from, head, cap);
                    let hops = way.map(|way| way.len() as u64);
                    let most = match cap {
                        TOP => 45 + (head - from) / odometer::span(TOP),
                        cap => 3 * (u64::from(cap) + 1),
                    };
                    prop_assert!(hops.is_some_and(|hops| hops <= most), "from {from} to {head}: {hops:?}");
                }
                let top = retained.openings.last().map_or(0, VecDeque::len);
                let (moments, openings) = retained.count();
                prop_assert!(moments <= 750 + top && openings <= 1000 + top);
            }
        }
    }
}
