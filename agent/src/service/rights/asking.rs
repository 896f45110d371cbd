//! How many calls may wait for polkit: a flood by those without a right is not to fill the agent's memory, or polkit.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use selfsame_dbus::Error;

/// Counts by uid.
#[derive(Default)]
pub(super) struct Asking(Arc<Mutex<HashMap<u32, u32>>>);

/// One call that waits for polkit; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    counts: Arc<Mutex<HashMap<u32, u32>>>,
    uid: u32,
}

impl Asking {
    /// A place for one more call of `uid`.
    ///
    /// # Errors
    /// [`Error::Busy`] where it has as many as it may. How many users there are, the bus bounds by its connections.
    pub(super) fn enter(&self, uid: u32) -> Result<Place, Error> {
        let mut counts = self.0.lock().expect("no thread panics while it holds the counts");
        let count = counts.entry(uid).or_default();
        if *count >= PER_UID_MOST {
            return Err(Error::Busy(format!(
                "{PER_UID_MOST} calls of user {uid} wait for polkit: try again"
            )));
        }
        *count += 1;
        Ok(Place { counts: self.0.clone(), uid })
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

/// Source: our own bound. Those of one connection are one question to polkit.
const PER_UID_MOST: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_of_a_user_wait_and_no_more_and_nothing_is_kept_of_them() {
        let asking = Asking::default();
        let places: Vec<_> = (0..PER_UID_MOST).map(|_| asking.enter(7).unwrap()).collect();
        assert!(matches!(asking.enter(7), Err(Error::Busy(_))));
        let _another = asking.enter(8).unwrap();
        drop(places);
        asking.enter(7).unwrap();
        assert_eq!(*asking.0.lock().unwrap(), HashMap::from([(8, 1)]));
    }
}
