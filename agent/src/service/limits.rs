//! How much of the verifier each user may have under way, so that what waits fits the unit's `MemoryMax=`.
//!
//! zbus has read a message whole when it is looked at here. It is one copy of what the caller sent, and is let go as soon as the
//! call is refused. A second copy is made only for the few whose turn it is: the rest wait for theirs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use selfsame_dbus::{Error, limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zbus::message::Header;

/// Bytes of all arguments of the call with this header.
pub(crate) fn bytes_of(header: &Header<'_>) -> usize {
    usize::try_from(header.primary().body_len()).unwrap_or(usize::MAX)
}

/// Refuses arguments of more than `most` bytes.
///
/// # Errors
/// [`Error::InvalidArgument`], with both numbers.
pub(crate) fn arguments_fit(bytes: usize, most: usize) -> Result<(), Error> {
    if bytes > most {
        return Err(Error::InvalidArgument(format!("{bytes} bytes of arguments: at most {most}")));
    }
    Ok(())
}

/// Counts by uid. Clones count together.
#[derive(Clone)]
pub(crate) struct Limits {
    counts: Arc<Mutex<Counts>>,
    turns: Arc<Semaphore>,
}

/// What a call may weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Names, options, an introduction at most.
    Light,
    /// A proof, or what is as large.
    Heavy,
}

/// One call that is under way; it counts until this is dropped.
pub(crate) struct Place {
    counts: Arc<Mutex<Counts>>,
    /// Whose it is; none: not known yet.
    uid: Option<u32>,
    weight: Weight,
    bytes: usize,
    /// Whether they have the right, by what was found.
    is_admitted: bool,
}

/// Calls that are under way.
#[derive(Default)]
struct Counts {
    by_uid: HashMap<u32, Own>,
    /// Light calls of all users that are known.
    light: u32,
    /// Light calls of which it is not known yet whether they may.
    unknown: u32,
    /// Bytes of all heavy calls.
    heavy_bytes: usize,
    /// And of those among them of which it is not known yet whether they may.
    unknown_bytes: usize,
}

/// Those of one user.
#[derive(Default)]
struct Own {
    light: u32,
    heavy: u32,
}

impl Weight {
    /// Bytes of all arguments at most.
    fn most_bytes(self) -> usize {
        match self {
            Self::Light => LIGHT_MOST_BYTES,
            Self::Heavy => HEAVY_MOST_BYTES,
        }
    }
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self { counts: Arc::default(), turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// A place for one more call with so many bytes of arguments, of `uid` where it is known already whose it is, and that they
    /// may.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where that is more than any call may have; [`Error::Busy`] where the user has as many calls under
    /// way as it may, or all together have.
    pub(crate) fn enter(&self, uid: Option<u32>, weight: Weight, bytes: usize) -> Result<Place, Error> {
        arguments_fit(bytes, weight.most_bytes())?;
        let mut counts = self.counts.lock().expect("no thread panics while it holds the counts");
        if weight == Weight::Heavy && counts.heavy_bytes + bytes > HEAVY_BYTES_IN_ALL {
            return Err(Error::Busy("proofs of all users, as large as may be held, wait: try again".into()));
        }
        match uid {
            Some(uid) => counts.enter(uid, weight)?,
            None => counts.enter_unknown(weight, bytes)?,
        }
        if weight == Weight::Heavy {
            counts.heavy_bytes += bytes;
        }
        Ok(Place { counts: self.counts.clone(), uid, weight, bytes, is_admitted: uid.is_some() })
    }

    /// The turn of a heavy call: it may make a copy of its bytes now. In the order in which they ask.
    pub(crate) async fn turn(&self) -> OwnedSemaphorePermit {
        self.turns.clone().acquire_owned().await.expect("it is never closed")
    }
}

impl Place {
    /// Whether it is known whose the call is.
    pub(crate) fn is_known(&self) -> bool {
        self.uid.is_some()
    }

    /// Takes note whose the call is, where that was not known.
    ///
    /// # Errors
    /// [`Error::Busy`] where the user has as many as it may.
    pub(crate) fn belongs_to(&mut self, uid: u32) -> Result<(), Error> {
        if self.uid.is_none() {
            let mut counts = self.counts.lock().expect("no thread panics while it holds the counts");
            counts.enter(uid, self.weight)?;
            self.uid = Some(uid);
        }
        Ok(())
    }

    /// Takes note that whose it is may do this: until then it counts among those of whom nothing is known, who leave room.
    pub(crate) fn may(&mut self) {
        if !self.is_admitted {
            let mut counts = self.counts.lock().expect("no thread panics while it holds the counts");
            counts.leave_unknown(self.weight, self.bytes);
            self.is_admitted = true;
        }
    }
}

impl Counts {
    /// One that has none under way may have one, whatever the others do.
    fn enter(&mut self, uid: u32, weight: Weight) -> Result<(), Error> {
        let own = self.by_uid.get(&uid).map_or((0, 0), |own| (own.light, own.heavy));
        let (own, most) = match weight {
            Weight::Light => (own.0, LIGHT_OF_A_USER),
            Weight::Heavy => (own.1, HEAVY_OF_A_USER),
        };
        if own >= most {
            return Err(Error::Busy(format!(
                "{own} such calls of user {uid} are under way, that is the limit: try again"
            )));
        }
        if weight == Weight::Light && own > 0 && self.light >= LIGHT_IN_ALL {
            return Err(Error::Busy(format!("{LIGHT_IN_ALL} calls of all users wait: try again")));
        }
        let own = self.by_uid.entry(uid).or_default();
        match weight {
            Weight::Light => {
                own.light += 1;
                self.light += 1;
            }
            Weight::Heavy => own.heavy += 1,
        }
        Ok(())
    }
}

impl Counts {
    /// A flood of those of whom it is not known yet whether they may leaves room for who may.
    fn enter_unknown(&mut self, weight: Weight, bytes: usize) -> Result<(), Error> {
        let is_full = match weight {
            Weight::Light => self.unknown >= UNKNOWN_MOST,
            Weight::Heavy => self.unknown_bytes + bytes > UNKNOWN_BYTES_MOST,
        };
        if is_full {
            return Err(Error::Busy("as many calls wait as may, of those of whom it is not known whether they have the right: try again".into()));
        }
        match weight {
            Weight::Light => self.unknown += 1,
            Weight::Heavy => self.unknown_bytes += bytes,
        }
        Ok(())
    }

    fn leave_unknown(&mut self, weight: Weight, bytes: usize) {
        match weight {
            Weight::Light => self.unknown -= 1,
            Weight::Heavy => self.unknown_bytes -= bytes,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().expect("no thread panics while it holds the counts");
        if self.weight == Weight::Heavy {
            counts.heavy_bytes -= self.bytes;
        }
        if !self.is_admitted {
            counts.leave_unknown(self.weight, self.bytes);
        }
        let Some(uid) = self.uid else { return };
        if self.weight == Weight::Light {
            counts.light -= 1;
        }
        if let Some(own) = counts.by_uid.get_mut(&uid) {
            match self.weight {
                Weight::Light => own.light -= 1,
                Weight::Heavy => own.heavy -= 1,
            }
            if own.light == 0 && own.heavy == 0 {
                counts.by_uid.remove(&uid);
            }
        }
    }
}

/// Arguments of a light call: an introduction, names and options.
const LIGHT_MOST_BYTES: usize = limits::INTRODUCTION_MAX_BYTES + (16 << 10);

/// Light calls of one user.
const LIGHT_OF_A_USER: u32 = 256;

/// Light calls of all users: 64 MiB, where they are as large as they may be.
const LIGHT_IN_ALL: u32 = 2048;

/// Light calls of connections that are new.
const UNKNOWN_MOST: u32 = 1024;

/// Arguments of a heavy call. Source: architecture, D-Bus contract, limits per uid.
const HEAVY_MOST_BYTES: usize = limits::VERIFY_MAX_BYTES;

/// Heavy calls of one user. Source: as before.
const HEAVY_OF_A_USER: u32 = limits::VERIFY_OF_A_USER;

/// Bytes of all heavy calls: 64 of the largest.
const HEAVY_BYTES_IN_ALL: usize = 64 * HEAVY_MOST_BYTES;

/// Bytes of those of connections that are new: half of it. They are known as soon as the bus has said who they are.
const UNKNOWN_BYTES_MOST: usize = HEAVY_BYTES_IN_ALL / 2;

/// Heavy calls that have their bytes copied: one that is worked on, and the next.
const TURNS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn is_busy<T>(result: Result<T, Error>) -> bool {
        matches!(result, Err(Error::Busy(_)))
    }

    #[test]
    fn four_heavy_calls_of_a_user_and_no_more() {
        let limits = Limits::new();
        let mut own: Vec<_> = (0..4).map(|_| limits.enter(Some(7), Weight::Heavy, MIB).unwrap()).collect();
        assert!(is_busy(limits.enter(Some(7), Weight::Heavy, 1)));
        assert!(limits.enter(Some(8), Weight::Heavy, MIB).is_ok(), "another's");
        assert!(limits.enter(Some(7), Weight::Light, 1).is_ok(), "its light ones are counted apart");
        own.pop();
        assert!(limits.enter(Some(7), Weight::Heavy, 1).is_ok());
    }

    #[test]
    fn sixty_four_of_the_largest_are_held_and_no_more() {
        let limits = Limits::new();
        let held: Vec<_> =
            (0..64).map(|n| limits.enter(Some(n / 4), Weight::Heavy, HEAVY_MOST_BYTES).unwrap()).collect();
        assert!(is_busy(limits.enter(Some(99), Weight::Heavy, 1)));
        assert!(is_busy(limits.enter(None, Weight::Heavy, 1)));
        assert!(limits.enter(Some(99), Weight::Light, 1).is_ok());
        drop(held);
        let too_large = limits.enter(Some(99), Weight::Heavy, HEAVY_MOST_BYTES + 1);
        assert!(matches!(too_large, Err(Error::InvalidArgument(_))));
        let too_large = limits.enter(Some(99), Weight::Light, LIGHT_MOST_BYTES + 1);
        assert!(matches!(too_large, Err(Error::InvalidArgument(_))));
    }

    #[test]
    fn a_flood_of_light_calls_keeps_nobody_out() {
        let limits = Limits::new();
        let own: Vec<_> =
            (0..LIGHT_OF_A_USER).map(|_| limits.enter(Some(7), Weight::Light, 1).unwrap()).collect();
        assert!(is_busy(limits.enter(Some(7), Weight::Light, 1)));
        let rest = LIGHT_IN_ALL - LIGHT_OF_A_USER;
        let others: Vec<_> =
            (0..rest).map(|n| limits.enter(Some(100 + n % 8), Weight::Light, 1).unwrap()).collect();
        let _first = limits.enter(Some(8), Weight::Light, 1).unwrap();
        assert!(is_busy(limits.enter(Some(8), Weight::Light, 1)));
        drop((own, others));
        assert!(limits.enter(Some(8), Weight::Light, 1).is_ok());
    }

    #[test]
    fn who_is_not_known_to_have_the_right_is_counted_until_it_is() {
        let limits = Limits::new();
        let mut new: Vec<_> =
            (0..UNKNOWN_MOST).map(|_| limits.enter(None, Weight::Light, 1).unwrap()).collect();
        assert!(is_busy(limits.enter(None, Weight::Light, 1)));
        new.iter_mut().take(LIGHT_OF_A_USER as usize).for_each(|place| place.belongs_to(7).unwrap());
        assert!(is_busy(new.last_mut().unwrap().belongs_to(7)));
        assert!(is_busy(limits.enter(None, Weight::Light, 1)));
        new[0].may();
        assert!(limits.enter(None, Weight::Light, 1).is_ok());
        drop(new);
        let counts = limits.counts.lock().unwrap();
        assert!(counts.by_uid.is_empty() && counts.light == 0 && counts.unknown == 0, "nothing is left");
        assert_eq!((counts.heavy_bytes, counts.unknown_bytes), (0, 0));
    }

    #[test]
    fn large_calls_of_those_who_may_not_leave_room_for_who_may() {
        let limits = Limits::new();
        let mut new: Vec<_> =
            (0..32).map(|_| limits.enter(None, Weight::Heavy, HEAVY_MOST_BYTES).unwrap()).collect();
        assert!(is_busy(limits.enter(None, Weight::Heavy, 1)));
        let known = limits.enter(Some(7), Weight::Heavy, HEAVY_MOST_BYTES).unwrap();
        // whose it is says nothing of whether they may: polkit may be asked for long
        new[0].belongs_to(8).unwrap();
        assert!(is_busy(limits.enter(None, Weight::Heavy, 1)));
        new[0].may();
        assert!(limits.enter(None, Weight::Heavy, HEAVY_MOST_BYTES).is_ok());
        drop((new, known));
        let counts = limits.counts.lock().unwrap();
        assert_eq!((counts.heavy_bytes, counts.unknown_bytes), (0, 0), "nothing is left");
    }
}
