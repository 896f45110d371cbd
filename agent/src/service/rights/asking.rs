//! How many calls may wait for polkit: a flood by those without a right is not to fill the agent's memory, or polkit.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use selfsame_dbus::Error;

/// Counts by uid.
pub(super) struct Asking {
    most: u32,
    counts: Arc<Mutex<HashMap<u32, u32>>>,
}

/// One call that waits for polkit; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    counts: Arc<Mutex<HashMap<u32, u32>>>,
    uid: u32,
}

impl Asking {
    /// At most `most` of each uid.
    pub(super) fn new(most: u32) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// A place for one more call of `uid`.
    ///
    /// # Errors
    /// [`Error::Busy`] where it has as many as it may. How many users there are, the bus bounds by its connections.
    pub(super) fn enter(&self, uid: u32) -> Result<Place, Error> {
        let mut counts = self.counts.lock().expect("no thread panics while it holds the counts");
        let count = counts.entry(uid).or_default();
        if *count >= self.most {
            let most = self.most;
            return Err(Error::Busy(format!("{most} calls of user {uid} wait for polkit: try again")));
        }
        *count += 1;
        Ok(Place { counts: self.counts.clone(), uid })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().expect("no thread panics while it holds the counts");
        if let Some(count) = counts.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_of_a_user_wait_and_no_more_and_nothing_is_kept_of_them() {
        let asking = Asking::new(3);
        let places: Vec<_> = (0..3).map(|_| asking.enter(7).unwrap()).collect();
        assert!(matches!(asking.enter(7), Err(Error::Busy(_))));
        let _another = asking.enter(8).unwrap();
        drop(places);
        asking.enter(7).unwrap();
        assert_eq!(*asking.counts.lock().unwrap(), HashMap::from([(8, 1)]));
    }
}
