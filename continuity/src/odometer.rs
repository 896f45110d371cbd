//! Section 4, the odometer of pledges: a lineage's age in ticks, read in base 4.

/// Ticks of the age clock in a second: a moment's index is the lineage's age in these.
pub const TICKS_PER_SECOND: u64 = 4096;

/// Tiers of pledges: time scales of 4^k ticks each, k from 0.
pub const TIERS: usize = 16;

/// The highest tier.
pub(crate) const TOP: u8 = TIERS as u8 - 1;

/// Indices, counts and wall times are below this (section 5).
pub(crate) const LIMIT: u64 = 1 << 63;

/// The tier of a moment with index `y` that follows one with index `p`, `p` < `y`: the highest digit that
/// has turned.
pub(crate) fn tier(p: u64, y: u64) -> u8 {
    highest_digit(p ^ y)
}

/// The highest tier that may be used over a gap of so many ticks: the largest k ≤ 15 with 4^k ≤ gap, and 0
/// for none.
///
/// This is what heals a theft: a relying party never trusts a secret older than its own absence.
pub(crate) fn cap(gap: u64) -> u8 {
    highest_digit(gap)
}

/// The tier of the one way's hop from `x` towards `head`, where none above `cap` may be used.
pub(crate) fn way_tier(cap: u8, x: u64, head: u64) -> u8 {
    cap.min(tier(x, head))
}

/// Whether no digit from `k` upwards differs between the two: nothing of tier `k` or more lies between.
pub(crate) fn same_span(k: u8, a: u64, b: u64) -> bool {
    shifted(a, k) == shifted(b, k)
}

/// Ticks of the span of tier `k`: 4^k.
pub(crate) fn span(k: u8) -> u64 {
    1u64.checked_shl(2 * u32::from(k)).unwrap_or(0)
}

fn shifted(index: u64, k: u8) -> u64 {
    index.checked_shr(2 * u32::from(k)).unwrap_or(0)
}

fn highest_digit(x: u64) -> u8 {
    x.checked_ilog2().map_or(0, |bit| (bit / 2).min(u32::from(TOP)) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, word for word.
    fn slow_tier(p: u64, y: u64) -> u8 {
        (0..=TOP).rev().find(|k| p / 4u64.pow((*k).into()) != y / 4u64.pow((*k).into())).unwrap_or(0)
    }

    fn slow_cap(gap: u64) -> u8 {
        (0..=TOP).rev().find(|k| 4u64.pow((*k).into()) <= gap).unwrap_or(0)
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config {
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(0),
            ..Default::default()
        })]

        #[test]
        fn tier_and_cap_are_as_defined(p in 0..LIMIT, gap in 1..LIMIT, shift in 0u32..63) {
            let gap = (gap >> shift).max(1);
            let p = p.min(LIMIT - gap);
            proptest::prop_assert_eq!(tier(p, p + gap), slow_tier(p, p + gap));
            proptest::prop_assert_eq!(cap(gap), slow_cap(gap));
        }
    }

    #[test]
    fn edges() {
        assert_eq!(cap(0), 0);
        for k in 0..=TOP {
            assert_eq!(span(k), 4u64.pow(k.into()));
            assert_eq!(cap(span(k)), k);
            assert_eq!(cap(span(k) - 1), k.saturating_sub(1));
            assert_eq!(tier(span(k) - 1, span(k)), k);
        }
        assert_eq!(tier(0, LIMIT), TOP);
    }
}
