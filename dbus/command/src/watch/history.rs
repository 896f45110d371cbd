//! Drift over time, as it is plotted.

use std::collections::VecDeque;

/// Drift in thousandths, one value for each span of [`SPAN_MS`], the newest last: the highest that was seen in it, or
/// none where nobody told it.
#[derive(Debug, Default)]
pub(super) struct History {
    values: VecDeque<Option<u16>>,
    /// Which span the newest is of.
    newest: u64,
}

impl History {
    /// Takes a drift, 0 to 1, that was told at this time.
    pub(super) fn take(&mut self, up_ms: u64, drift: Option<f64>) {
        let span = up_ms / SPAN_MS;
        if self.values.is_empty() {
            self.newest = span;
            self.values.push_back(None);
        }
        let passed = span.saturating_sub(self.newest).min(MOST as u64);
        self.values.extend(std::iter::repeat_n(None, usize::try_from(passed).unwrap_or(MOST)));
        self.newest = self.newest.max(span);
        let first = self.values.len().saturating_sub(MOST);
        self.values.drain(..first);
        if let (Some(value), Some(drift)) = (self.values.back_mut(), drift.filter(|drift| drift.is_finite()))
        {
            // a drift is 0 to 1, whatever is told
            let thousandths = (drift.clamp(0.0, 1.0) * 1000.0).round() as u16;
            *value = Some(value.unwrap_or(0).max(thousandths));
        }
    }

    /// The newest values, at most so many, the oldest first.
    pub(super) fn newest(&self, most: usize) -> impl Iterator<Item = Option<u16>> {
        self.values.iter().skip(self.values.len().saturating_sub(most)).copied()
    }
}

/// A value is over so long: the agent's default beat, at which drift changes.
pub(super) const SPAN_MS: u64 = 8_000;

/// Values that are kept: an hour's, more than the widest screen has columns.
const MOST: usize = 450;

#[cfg(test)]
mod tests {
    use super::*;

    fn values(history: &History) -> Vec<Option<u16>> {
        history.newest(MOST).collect()
    }

    #[test]
    fn a_span_has_its_highest_and_a_gap_is_none() {
        let mut history = History::default();
        for (second, drift) in [(1, 0.1), (3, 0.4), (7, 0.2), (8, 0.0), (33, 2.0), (34, f64::NAN)] {
            history.take(second * 1000, Some(drift));
        }
        assert_eq!(values(&history), [Some(400), Some(0), None, None, Some(1000)]);
        history.take(41_000, None);
        assert_eq!(history.newest(2).collect::<Vec<_>>(), [Some(1000), None]);
    }

    #[test]
    fn it_keeps_an_hour_however_long_it_was_away() {
        let mut history = History::default();
        history.take(0, Some(0.5));
        history.take(u64::MAX, Some(0.25));
        assert_eq!((values(&history).len(), values(&history).last()), (MOST, Some(&Some(250))));
    }
}
