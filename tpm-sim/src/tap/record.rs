//! What has passed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Exchange;

/// The exchanges that were not yet taken.
#[derive(Debug, Default)]
pub(super) struct Record {
    entries: Mutex<Entries>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Entries {
    /// How many were taken before these.
    taken: usize,
    exchanges: Vec<Exchange>,
}

impl Record {
    /// Adds an exchange, and gives its number, for [`amend`](Self::amend).
    pub(super) fn add(&self, exchange: Exchange) -> usize {
        let mut entries = self.lock();
        entries.exchanges.push(exchange);
        self.changed.notify_all();
        entries.taken + entries.exchanges.len() - 1
    }

    /// Fills in what the client was told, if the exchange is still here.
    pub(super) fn amend(&self, number: usize, told: &[u8]) {
        let mut entries = self.lock();
        let at = number.checked_sub(entries.taken);
        if let Some(exchange) = at.and_then(|at| entries.exchanges.get_mut(at)) {
            exchange.told = told.to_vec();
            self.changed.notify_all();
        }
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
        // A panic under this lock is one of `seen`, which changes nothing.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
