//! The moments that matter of a host with an even beat, over any time: those that a way may lead over, and the last.
//!
//! A way leads from boundary to boundary: to the first moment after one. Of each tier the boundaries that matter are
//! the next one after its start, and the last ones before its head. All other beats could as well not have been: no
//! hop leads there, and of their openings none is asked for. (What is kept of a moment depends on the last 64, so
//! those are there before every question.)

use std::collections::BTreeSet;

use selfsame::hazmat;

/// The last boundaries of a tier before its head that a way may lead over: three, and where the cap is at that tier
/// four.
const BOUNDARIES: u64 = 4;

/// A host's beat: so many ticks apart, the first after `phase`.
#[derive(Clone, Copy, Debug)]
pub struct Beat {
    /// Ticks from one to the next.
    pub every: u64,
    /// Ticks of the first.
    pub phase: u64,
}

impl Beat {
    /// The first beat at or after `t`.
    pub fn at_or_after(&self, t: u64) -> u64 {
        self.phase + t.saturating_sub(self.phase).div_ceil(self.every) * self.every
    }

    /// The beats after `from` and before `to` that matter, and the last `last` of all; ascending.
    pub fn between(&self, from: u64, to: u64, last: u64) -> Vec<u64> {
        let mut beats = BTreeSet::new();
        for tier in 0..=15 {
            let span = 1u64 << (2 * tier);
            beats.insert(self.at_or_after((from / span + 1) * span));
            for n in 0..BOUNDARIES {
                if let Some(boundary) = (to / span).checked_sub(n) {
                    beats.insert(self.at_or_after(boundary * span));
                }
            }
        }
        for n in 0..last {
            beats.insert(self.at_or_after(to.saturating_sub((n + 1) * self.every)));
        }
        beats.into_iter().filter(|beat| (from + 1..to).contains(beat)).collect()
    }
}

/// Of these indices the one that parts from `start` at the lowest tier: whose highest digit that differs is lowest.
pub fn nearest(start: u64, indices: impl IntoIterator<Item = u64>) -> Option<u64> {
    indices.into_iter().filter(|index| *index > start).min_by_key(|index| hazmat::tier(start, *index))
}
