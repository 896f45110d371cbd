//! How many moments are made a minute.

use std::collections::VecDeque;

/// Counts of the last minute.
#[derive(Debug, Default)]
pub(super) struct Rate(VecDeque<(u64, u64)>);

impl Rate {
    /// Takes the count at a time in milliseconds. One that is lower than before is another lineage's: it begins anew.
    pub(super) fn take(&mut self, up_ms: u64, count: u64) {
        if self.0.back().is_some_and(|(_, last)| count < *last) {
            self.0.clear();
        }
        self.0.push_back((up_ms, count));
        // the oldest that is kept is a minute old or more, so that a whole minute is counted
        while self.0.get(1).is_some_and(|(then, _)| up_ms.saturating_sub(*then) >= SPAN_MS) {
            self.0.pop_front();
        }
    }

    /// Forgets all: what comes next may be another's.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Moments a minute; `None` until some seconds were seen.
    pub(super) fn per_minute(&self) -> Option<f64> {
        let ((then, first), (now, last)) = (self.0.front()?, self.0.back()?);
        let ms = now.saturating_sub(*then);
        (ms >= LEAST_MS).then(|| (last - first) as f64 * SPAN_MS as f64 / ms as f64)
    }
}

/// What a rate is over.
const SPAN_MS: u64 = 60_000;

/// A rate over less than the default beat would be none: one moment more or less would halve it.
const LEAST_MS: u64 = 8_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_the_last_minute() {
        let mut rate = Rate::default();
        for second in 0..=200u64 {
            // a moment every 4 s at first, every 2 s from 100 s on
            let count = if second < 100 { second / 4 } else { 25 + (second - 100) / 2 };
            rate.take(second * 1000, count);
            match second {
                0..8 => assert_eq!(rate.per_minute(), None),
                60 => assert_eq!(rate.per_minute(), Some(15.0)),
                160.. => assert_eq!(rate.per_minute(), Some(30.0), "{second}"),
                _ => {}
            }
        }
        assert!(rate.0.len() <= 62);
    }

    #[test]
    fn another_lineage_begins_anew() {
        let mut rate = Rate::default();
        rate.take(0, 1000);
        rate.take(10_000, 1002);
        rate.take(20_000, 1);
        assert_eq!(rate.per_minute(), None);
        rate.take(30_000, 2);
        assert_eq!(rate.per_minute(), Some(6.0));
    }
}
