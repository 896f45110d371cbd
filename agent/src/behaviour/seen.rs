//! What was seen of the host, for those who ask: the newest drift, and the audit.

use std::sync::Mutex;

use tokio::sync::watch;

use super::{audit::Audit, drift::Drift, observer::Observed};

/// What was seen of the host. It is the same host when a lineage ends: only the audit goes with that.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The samples that moments commit to.
    pub(crate) audit: Audit,
    /// `drift_threshold`, in thousandths.
    threshold: u32,
    newest: Mutex<Drift>,
    exceeded: watch::Sender<Drift>,
}

impl Seen {
    /// Of which there is nothing yet. From `threshold` thousandths on a drift is told.
    pub(crate) fn new(threshold: u32) -> Self {
        let exceeded = watch::Sender::new(Drift::default());
        Self { audit: Audit::default(), threshold, newest: Mutex::default(), exceeded }
    }

    /// How unusual the newest sample is: 0 while too little was seen to say so.
    pub(crate) fn drift(&self) -> Drift {
        *self.newest.lock().expect("no thread panics while it holds the drift")
    }

    /// The drift each time that it reaches the threshold, having been below it.
    pub(crate) fn exceeded(&self) -> watch::Receiver<Drift> {
        self.exceeded.subscribe()
    }

    /// Takes note of what was observed.
    pub(crate) fn note(&self, observed: &Observed) {
        let drift = observed.drift.unwrap_or_default();
        let before = {
            let mut newest = self.newest.lock().expect("no thread panics while it holds the drift");
            std::mem::replace(&mut *newest, drift)
        };
        let is_over = |drift: Drift| drift.thousandths() >= self.threshold;
        if is_over(drift) && !is_over(before) {
            tracing::warn!(
                drift = drift.as_f64(),
                "the host behaves as it does not use to: drift {drift}, furthest from usual: {}",
                observed.furthest.join(", ")
            );
            self.exceeded.send_replace(drift);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::drift::tests::drift_of, *};
    use crate::behaviour::Observer;

    #[test]
    fn reaching_the_threshold_is_told_once_until_it_was_below() {
        let seen = Seen::new(600);
        let mut exceeded = seen.exceeded();
        let mut observed = Observer::new().observe();
        let mut told = Vec::new();
        for thousandths in [None, Some(599), Some(600), Some(1000), Some(599), Some(700), None, Some(600)] {
            observed.drift = thousandths.map(drift_of);
            seen.note(&observed);
            assert_eq!(seen.drift().thousandths(), thousandths.unwrap_or(0));
            if exceeded.has_changed().unwrap() {
                told.push(exceeded.borrow_and_update().thousandths());
            }
        }
        assert_eq!(told, [600, 700, 600]);
    }
}
