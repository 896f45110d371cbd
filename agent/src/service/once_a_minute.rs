//! How often the journal hears of a user: whoever may call can provoke lines in it, and must not fill it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Of each user, once a minute (architecture, D-Bus contract). Clones count together.
#[derive(Clone, Default)]
pub(crate) struct OnceAMinute(Arc<Mutex<HashMap<u32, Instant>>>);

impl OnceAMinute {
    /// Whether the journal may hear of `uid` now.
    pub(crate) fn may_tell(&self, uid: u32) -> bool {
        let mut told = self.0.lock().expect("no thread panics while it holds the times");
        let now = Instant::now();
        told.retain(|_, at| now.duration_since(*at) < TELL_EVERY);
        let is_first = !told.contains_key(&uid);
        if is_first {
            told.insert(uid, now);
        }
        is_first
    }
}

const TELL_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_hears_of_a_user_once_a_minute() {
        let once = OnceAMinute::default();
        assert!(once.may_tell(7));
        assert!(!once.may_tell(7));
        assert!(!once.clone().may_tell(7));
        assert!(once.may_tell(8));
    }
}
