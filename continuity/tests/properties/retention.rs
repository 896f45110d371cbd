//! Section 4, what the agent keeps: just what the section says, and never more than it says.

use proptest::prelude::*;
use selfsame::{HopError, Ordinary};

use super::count::check;
use super::host::Host;
use super::model::{History, span, tier};
use super::schedule::indices;

/// A lineage and its history.
struct Kept {
    host: Host<Ordinary>,
    history: History,
}

impl Kept {
    fn born(seed: u64) -> Self {
        Self { host: Host::born(seed), history: History::of_genesis() }
    }

    fn moment(&mut self, index: u64) {
        self.host.moment(index);
        self.history.push(index);
    }

    /// Holds what is kept against the rule: the counts, and the answer to every question about index `x`.
    fn is_as_section_4_says(&self, x: u64) {
        for k in 0..16 {
            let first = self.history.hop(x, k);
            let answer = self.host.lineage.hop(x, k, false).map(|answer| answer.hop);
            match (&answer, first) {
                (Ok(hop), _) => assert_eq!((hop.tier(), Some(hop.moment().index())), (k, first), "from {x}"),
                (Err(error), None) => assert_eq!(*error, HopError::NotKept { index: x, tier: k }),
                (Err(error), Some(y)) => panic!("from {x} by tier {k} to {y}: {error}"),
            }
            if first.is_some() {
                self.way_is_as_section_7_says(x, k);
            }
        }
    }

    fn way_is_as_section_7_says(&self, x: u64, k: u8) {
        let made = self.history.last_kept(x, k);
        let way = if made / span(k) == x / span(k) { self.history.way(0, made, 15) } else { Vec::new() };
        let is_kept = made / span(k) == x / span(k) && way.iter().all(|(k, y)| self.history.keeps(*y, *k));
        let answer = self.host.lineage.hop(x, k, true).expect("the hop is kept");
        let hops = answer.way.iter().map(|hop| (hop.tier(), hop.moment().index()));
        let way = if is_kept { way } else { Vec::new() };
        assert!(hops.eq(way), "the way to {x}, tier {k}");
    }

    fn counts_are_as_section_4_says(&self) -> (usize, usize) {
        let kept = self.history.kept();
        let mut moments: Vec<u64> = kept.iter().map(|(y, _)| *y).collect();
        moments.dedup();
        let counts = (moments.len(), kept.len());
        assert_eq!(self.host.lineage.kept(), counts, "moments and openings");
        let top = kept.iter().filter(|(_, k)| *k == 15).count();
        assert!(counts.0 <= 750 + top && counts.1 <= 1000 + top, "{counts:?}, {top} of tier 15");
        counts
    }
}

#[test]
fn what_is_kept_is_what_section_4_says() {
    let schedule = (any::<u64>(), indices(1..60, 60), any::<prop::sample::Index>());
    check(200, schedule, |(seed, indices, place)| {
        let mut kept = Kept::born(seed);
        for index in &indices {
            kept.moment(*index);
            kept.counts_are_as_section_4_says();
        }
        let some = indices[place.index(indices.len())];
        for x in [0, some.saturating_sub(1), some, some + 1, kept.history.head(), kept.history.head() + 1] {
            kept.is_as_section_4_says(x);
        }
    });
}

#[test]
fn the_schedule_that_keeps_most_keeps_750_moments_and_1000_openings() {
    // of every tier the last 64 spans have a moment each: none that is kept for two tiers' sake
    let head = 64 * span(14);
    let mut indices: Vec<u64> = (0..15).flat_map(|k| (1..64).map(move |n| head - n * span(k))).collect();
    indices.push(head);
    indices.sort_unstable();
    indices.dedup();
    let mut kept = Kept::born(0);
    let mut most = (0, 0);
    for index in indices {
        kept.moment(index);
        let counts = kept.counts_are_as_section_4_says();
        most = (most.0.max(counts.0), most.1.max(counts.1));
    }
    println!("at most {} moments and {} openings were kept", most.0, most.1);
    assert!(most.0 > 700 && most.1 > 950, "{most:?}: the bounds are near");
}

#[test]
fn a_moments_tier_is_the_highest_digit_that_turned() {
    check(300, (any::<u64>(), indices(1..30, 5)), |(seed, indices)| {
        let mut host = Host::born(seed);
        let mut before = (0, *host.lineage.genesis().pledges());
        for index in indices {
            let moment = host.moment(index);
            assert_eq!(moment.tier(), tier(before.0, index));
            for (k, (old, new)) in (0..).zip(before.1.iter().zip(moment.pledges())) {
                assert_eq!(old != new, k <= moment.tier(), "it replaces the pledges up to its tier");
            }
            before = (index, *moment.pledges());
        }
    });
}
