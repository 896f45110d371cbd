//! Irregular schedules: the indices at which a lineage's moments are made.

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::span;

/// How the next moments follow the ones before.
#[derive(Clone, Debug)]
enum Pace {
    /// After so many ticks.
    After(u64),
    /// At the next boundary of tier k, or a tick beside it.
    Boundary(u8, i64),
    /// So many, this far apart.
    Beats(u64, u64),
}

fn pace(beats: u64) -> impl Strategy<Value = Pace> {
    let after = |bits: core::ops::Range<u32>| (bits, any::<u64>()).prop_map(|(bits, r)| r % (1 << bits) + 1);
    prop_oneof![
        4 => after(0..6).prop_map(Pace::After),
        4 => after(0..28).prop_map(Pace::After),
        1 => after(28..36).prop_map(Pace::After),
        4 => (0u8..16, -1i64..=1).prop_map(|(k, beside)| Pace::Boundary(k, beside)),
        2 => (after(0..24), 2..beats + 3).prop_map(|(apart, count)| Pace::Beats(apart, count)),
    ]
}

/// Up to `paces` of these, runs of `beats` even ones among them: ascending, from 1.
pub fn indices(paces: core::ops::Range<usize>, beats: u64) -> impl Strategy<Value = Vec<u64>> {
    vec(pace(beats), paces).prop_map(|paces| {
        let mut indices = Vec::new();
        let mut last = 0u64;
        for pace in paces {
            let (apart, count) = match pace {
                Pace::After(ticks) => (ticks, 1),
                Pace::Boundary(k, beside) => {
                    let next = (last / span(k) + 1) * span(k);
                    (next.saturating_add_signed(beside).saturating_sub(last).max(1), 1)
                }
                Pace::Beats(apart, count) => (apart, count),
            };
            for _ in 0..count {
                last += apart;
                indices.push(last);
            }
        }
        indices
    })
}
