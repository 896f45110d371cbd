//! What has passed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Exchange;

/// The exchanges that were not yet taken.
#[derive(Default)]
pub(super) struct Record {
    entries: Mutex<Entries>,
    changed: Condvar,
}

#[derive(Default)]
struct Entries {
    /// How many were taken before these.
    taken: usize,
    exchanges: Vec<Exchange>,
    observer: Option<Observer>,
}

pub(super) type Observer = Box<dyn FnMut(&Exchange) + Send>;

impl Record {
    /// Adds an exchange whose answer is held back, and gives its number, for [`end`](Self::end).
    pub(super) fn hold(&self, exchange: Exchange) -> usize {
        let mut entries = self.lock();
        entries.exchanges.push(exchange);
        self.changed.notify_all();
        entries.taken + entries.exchanges.len() - 1
    }

    /// Adds an exchange that has come to its end. One that was held back takes its own place, unless that was taken.
    pub(super) fn end(&self, held: Option<usize>, exchange: Exchange) {
        let mut guard = self.lock();
        let entries = &mut *guard;
        if let Some(observer) = &mut entries.observer {
            observer(&exchange);
        }
        match held {
            None => entries.exchanges.push(exchange),
            Some(number) => {
                let at = number.checked_sub(entries.taken);
                if let Some(place) = at.and_then(|at| entries.exchanges.get_mut(at)) {
                    *place = exchange;
                }
            }
        }
        self.changed.notify_all();
    }

    pub(super) fn observe(&self, observer: Observer) {
        self.lock().observer = Some(observer);
    }

    pub(super) fn take(&self) -> Vec<Exchange> {
        let mut entries = self.lock();
        let exchanges = std::mem::take(&mut entries.exchanges);
        entries.taken += exchanges.len();
        exchanges
    }

    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.lock().exchanges.clone()
    }

    pub(super) fn wait_for(&self, bound: Duration, seen: impl Fn(&Exchange) -> bool) -> bool {
        let unseen = |entries: &mut Entries| !entries.exchanges.iter().any(&seen);
        let waited = self.changed.wait_timeout_while(self.lock(), bound, unseen);
        let (_entries, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // What panics under this lock is `seen` or the observer, before anything is changed.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
