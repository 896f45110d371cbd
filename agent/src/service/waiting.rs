//! How much each user may have waiting.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
};

use selfsame_dbus::Error;

/// Calls of those whom the bus has not told yet who they are: there is no uid to count them by. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct Unknown(Arc<AtomicU32>);

/// One of these calls; it counts until this is dropped.
pub(crate) struct Entry(Arc<AtomicU32>);

/// Calls of one kind, by uid. Clones count together.
#[derive(Clone)]
pub(crate) struct Waiting {
    most: Most,
    counts: Arc<Mutex<Counts>>,
}

/// How many calls of a kind there may be.
#[derive(Clone, Copy)]
pub(crate) struct Most {
    /// Of a uid.
    pub(crate) per_uid: u32,
    /// Of all, in the keeper's queue.
    pub(crate) queued: u32,
}

/// One call; it counts until this is dropped.
pub(crate) struct Place {
    waiting: Waiting,
    uid: u32,
    is_queued: bool,
}

#[derive(Default)]
struct Counts {
    by_uid: HashMap<u32, Count>,
    queued: u32,
}

#[derive(Clone, Copy, Default)]
struct Count {
    entered: u32,
    queued: u32,
}

impl Unknown {
    /// Lets one more call in. Whoever is known already needs none of these: so a flood of new connections keeps out only what
    /// is new.
    ///
    /// # Errors
    /// [`Error::Busy`] where too many are under way.
    pub(crate) fn enter(&self) -> Result<Entry, Error> {
        let entry = Entry(self.0.clone());
        if self.0.fetch_add(1, Ordering::Relaxed) >= UNKNOWN_MOST {
            return Err(Error::Busy(format!("{UNKNOWN_MOST} new callers' calls are under way: try again")));
        }
        Ok(entry)
    }
}

impl Waiting {
    /// At most so many.
    pub(crate) fn new(most: Most) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// A place for one more call of `uid`.
    ///
    /// # Errors
    /// [`Error::Busy`] where it has as many as it may.
    pub(crate) fn enter(&self, uid: u32) -> Result<Place, Error> {
        let mut counts = self.lock();
        let count = counts.by_uid.entry(uid).or_default();
        if count.entered >= self.most.per_uid {
            let most = self.most.per_uid;
            return Err(Error::Busy(format!(
                "{most} calls of user {uid} wait, that is the limit: try again"
            )));
        }
        count.entered += 1;
        Ok(Place { waiting: self.clone(), uid, is_queued: false })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("no thread panics while it holds the counts")
    }
}

impl Place {
    /// Counts the call among those that the keeper has to answer, now that its caller may ask: who may not takes nobody's
    /// room there.
    ///
    /// # Errors
    /// [`Error::Busy`] where there are as many of all users as there may be; but one that has none there may have one,
    /// whatever the others do.
    pub(crate) fn queue(&mut self) -> Result<(), Error> {
        if self.is_queued {
            return Ok(());
        }
        let mut counts = self.waiting.lock();
        let Counts { by_uid, queued } = &mut *counts;
        let count = by_uid.entry(self.uid).or_default();
        let most = self.waiting.most.queued;
        if count.queued > 0 && *queued >= most {
            return Err(Error::Busy(format!("{most} calls of all users wait: try again")));
        }
        count.queued += 1;
        *queued += 1;
        self.is_queued = true;
        Ok(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.waiting.lock();
        let queued = u32::from(self.is_queued);
        counts.queued -= queued;
        if let Some(count) = counts.by_uid.get_mut(&self.uid) {
            count.entered -= 1;
            count.queued -= queued;
            if count.entered == 0 {
                counts.by_uid.remove(&self.uid);
            }
        }
    }
}

/// Prove calls in the keeper's queue: those of six uids at their limit. With [`OTHERS`] and [`UNKNOWN_MOST`] this is what
/// that queue holds, so that these are met first.
pub(crate) const PROVING_MOST: u32 = 6 * 1024;

/// Other calls. Source: our own bound. Each is a moment's work at most, or has a limit of its own beside this.
pub(crate) const OTHERS: Most = Most { per_uid: 256, queued: 2 * 1024 };

/// Calls of those who are not known yet. Source: our own bound; a system bus lets 2,048 connections in.
const UNKNOWN_MOST: u32 = 2 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Most = Most { per_uid: 2, queued: 3 };

    #[test]
    fn a_user_at_its_limit_is_busy_and_another_is_not() {
        let waiting = Waiting::new(FEW);
        let first = waiting.enter(7).unwrap();
        let _second = waiting.enter(7).unwrap();
        assert!(matches!(waiting.enter(7), Err(Error::Busy(_))));
        assert!(waiting.enter(8).is_ok());
        drop(first);
        assert!(waiting.enter(7).is_ok());
    }

    #[test]
    fn with_the_queue_full_who_has_none_in_it_gets_one() {
        let waiting = Waiting::new(FEW);
        let mut places: Vec<_> = [7, 7, 8].map(|uid| waiting.enter(uid).unwrap()).into();
        for place in &mut places {
            place.queue().unwrap();
            place.queue().unwrap();
        }
        let mut another = waiting.enter(8).unwrap();
        assert!(matches!(another.queue(), Err(Error::Busy(text)) if text.contains("all users")));
        let mut first = waiting.enter(9).unwrap();
        first.queue().unwrap();
        drop((places, first));
        another.queue().unwrap();
    }

    #[test]
    fn who_may_not_ask_takes_no_room_in_the_queue() {
        let waiting = Waiting::new(FEW);
        let _refused: Vec<_> = (10..20).map(|uid| waiting.enter(uid).unwrap()).collect();
        let mut places = [waiting.enter(7).unwrap(), waiting.enter(7).unwrap()];
        for place in &mut places {
            place.queue().unwrap();
        }
    }

    #[test]
    fn nothing_is_kept_of_users_that_have_nothing_waiting() {
        let waiting = Waiting::new(FEW);
        let mut queued = waiting.enter(7).unwrap();
        queued.queue().unwrap();
        drop((queued, waiting.enter(7).unwrap()));
        let counts = waiting.lock();
        assert!(counts.by_uid.is_empty() && counts.queued == 0);
    }

    #[test]
    fn so_many_unknown_ones_are_let_in_and_no_more() {
        let unknown = Unknown::default();
        let entries: Vec<_> = (0..UNKNOWN_MOST).map(|_| unknown.enter().unwrap()).collect();
        assert!(matches!(unknown.enter(), Err(Error::Busy(_))));
        drop(entries);
        assert!(unknown.enter().is_ok());
    }
}
