//! How much each user may have waiting, and how often the journal hears of one.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use selfsame_dbus::Error;

/// Counts by uid. Clones count together.
#[derive(Clone)]
pub(crate) struct Waiting {
    most: u32,
    admitted: Arc<AtomicU32>,
    counts: Arc<Mutex<Counts>>,
    told: Arc<Mutex<HashMap<u32, Instant>>>,
}

/// One call of anyone's, of whom it is not asked, or not known yet, who it is; it counts until this is dropped.
pub(crate) struct Entry(Arc<AtomicU32>);

/// One call that waits; it counts until this is dropped.
pub(crate) struct Place {
    counts: Arc<Mutex<Counts>>,
    uid: u32,
}

/// Calls that wait.
#[derive(Default)]
struct Counts {
    by_uid: HashMap<u32, u32>,
    in_all: u32,
}

impl Waiting {
    /// At most `most` calls of each uid.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, admitted: Arc::default(), counts: Arc::default(), told: Arc::default() }
    }

    /// Lets one more call in, before it is known whose it is. Whoever is known already needs none of these: so a flood of new
    /// connections keeps out only what is new.
    ///
    /// # Errors
    /// [`Error::Busy`] where too many are under way.
    pub(crate) fn admit(&self) -> Result<Entry, Error> {
        let entry = Entry(self.admitted.clone());
        if self.admitted.fetch_add(1, Ordering::Relaxed) >= ADMITTED_MOST {
            return Err(Error::Busy(format!("{ADMITTED_MOST} calls are under way: try again")));
        }
        Ok(entry)
    }

    /// A place for one more call of `uid`.
    ///
    /// # Errors
    /// [`Error::Busy`] where it has as many as it may, or all users together have; but one that has none waiting may have one,
    /// whatever the others do.
    pub(crate) fn enter(&self, uid: u32) -> Result<Place, Error> {
        let mut counts = self.counts.lock().expect("no thread panics while it holds the counts");
        let count = counts.by_uid.get(&uid).copied().unwrap_or_default();
        if count >= self.most {
            return Err(Error::Busy(format!(
                "{count} calls of user {uid} wait, that is the limit: try again"
            )));
        }
        if count > 0 && counts.in_all >= IN_ALL_MOST {
            return Err(Error::Busy(format!("{IN_ALL_MOST} calls of all users wait: try again")));
        }
        counts.by_uid.insert(uid, count + 1);
        counts.in_all += 1;
        Ok(Place { counts: self.counts.clone(), uid })
    }

    /// Whether the journal may hear of `uid` now: once a minute (architecture, D-Bus contract).
    pub(crate) fn may_tell(&self, uid: u32) -> bool {
        let mut told = self.told.lock().expect("no thread panics while it holds the times");
        let now = Instant::now();
        told.retain(|_, at| now.duration_since(*at) < TELL_EVERY);
        let is_first = !told.contains_key(&uid);
        if is_first {
            told.insert(uid, now);
        }
        is_first
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().expect("no thread panics while it holds the counts");
        counts.in_all -= 1;
        if let Some(count) = counts.by_uid.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                counts.by_uid.remove(&self.uid);
            }
        }
    }
}

/// Prove calls that wait, of all users: those of six at their limit. With the next this is what the keeper's queue holds,
/// so that these are met first.
const IN_ALL_MOST: u32 = 6 * 1024;

/// Other calls under way, and those of whom it is not known yet who they are.
const ADMITTED_MOST: u32 = 2 * 1024;

const TELL_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_at_its_limit_is_busy_and_another_is_not() {
        let waiting = Waiting::new(2);
        let first = waiting.enter(7).unwrap();
        let _second = waiting.enter(7).unwrap();
        assert!(matches!(waiting.enter(7), Err(Error::Busy(_))));
        assert!(waiting.enter(8).is_ok());
        drop(first);
        assert!(waiting.enter(7).is_ok());
    }

    #[test]
    fn so_many_are_admitted_and_no_more() {
        let waiting = Waiting::new(u32::MAX);
        let admitted: Vec<_> = (0..ADMITTED_MOST).map(|_| waiting.admit().unwrap()).collect();
        assert!(matches!(waiting.admit(), Err(Error::Busy(_))));
        let places: Vec<_> = (0..IN_ALL_MOST).map(|number| waiting.enter(number % 7).unwrap()).collect();
        let _first = waiting.enter(8).unwrap();
        assert!(matches!(waiting.enter(8), Err(Error::Busy(text)) if text.contains("all users")));
        drop((admitted, places));
        assert!(waiting.admit().is_ok() && waiting.enter(8).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_users_that_have_nothing_waiting() {
        let waiting = Waiting::new(2);
        drop((waiting.enter(7).unwrap(), waiting.enter(7).unwrap()));
        let counts = waiting.counts.lock().unwrap();
        assert!(counts.by_uid.is_empty() && counts.in_all == 0);
    }

    #[test]
    fn the_journal_hears_of_a_user_once_a_minute() {
        let waiting = Waiting::new(1);
        assert!(waiting.may_tell(7));
        assert!(!waiting.may_tell(7));
        assert!(waiting.may_tell(8));
    }
}
