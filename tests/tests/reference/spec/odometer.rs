//! Section 4, tiers: an age in ticks, read in base 4.

/// `⌊x/4^k⌋`
pub fn turns(x: u64, k: u64) -> u64 {
    x / 4u64.pow(k as u32)
}

/// The largest k ≤ 15 with `⌊p/4^k⌋ ≠ ⌊y/4^k⌋`; p is before y, so that there is one.
pub fn tier(p: u64, y: u64) -> u64 {
    assert!(p < y);
    (0..=15).rev().find(|k| turns(p, *k) != turns(y, *k)).unwrap()
}

/// The largest k ≤ 15 with `4^k ≤ g`; 0 for g = 0.
pub fn cap(g: u64) -> u64 {
    (0..=15).rev().find(|k| 4u64.pow(*k as u32) <= g).unwrap_or(0)
}
