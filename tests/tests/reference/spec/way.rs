//! Section 4, the one way from a moment to a later one, by who sees the whole history.

use super::odometer::{cap, tier};

/// From, tier and to of each hop from index a to index h. `history`: the indices of all moments, ascending.
pub fn way(history: &[u64], a: u64, h: u64) -> Vec<(u64, u64, u64)> {
    let mut hops = Vec::new();
    let mut x = a;
    while x < h {
        let k = cap(h - a).min(tier(x, h));
        let y = first_of_tier_after(history, x, k);
        hops.push((x, k, y));
        x = y;
    }
    assert!(x == h, "there always is one at or before h");
    hops
}

/// The first moment after x of tier k or more.
fn first_of_tier_after(history: &[u64], x: u64, k: u64) -> u64 {
    for place in 1..history.len() {
        let (p, y) = (history[place - 1], history[place]);
        if y > x && tier(p, y) >= k {
            return y;
        }
    }
    panic!("a digit turns only by a moment of its tier");
}
