//! That at most one helper of the TPM's unit hangs: each holds a lock while it lives.
//!
//! A process that is stuck in the kernel can't be killed, and the service manager gives its unit up after a while. Its
//! lock goes only with the process itself. So while it is there no other helper touches the TPM.

use std::{
    fs::File,
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

/// The lock. It is held until this is dropped, or the process is gone.
pub(super) struct Alone {
    _lock: Flock<File>,
}

impl Alone {
    /// Takes the lock on the file at `path`; none: another helper has it, and does not end.
    ///
    /// # Errors
    /// Where the file can't be opened or locked.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        Self::take_within(path, ENDS_WITHIN)
    }

    fn take_within(path: &Path, limit: Duration) -> io::Result<Option<Self>> {
        let until = Instant::now() + limit;
        let mut file = File::open(path)?;
        // there is no call that waits for a lock and has a limit
        loop {
            file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Some(Self { _lock: lock })),
                Err((_, Errno::EWOULDBLOCK)) if Instant::now() >= until => return Ok(None),
                Err((file, Errno::EWOULDBLOCK | Errno::EINTR)) => file,
                Err((_, errno)) => return Err(errno.into()),
            };
            thread::sleep(POLL);
        }
    }
}

/// One that was let go puts its TPM in order, in half a second at most. The agent waits for five.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// Two hundredths of what is waited for at most.
const POLL: Duration = Duration::from_millis(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_until_it_ends_and_the_next_waits_for_that() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let first = Alone::take(file.path()).unwrap().unwrap();
        assert!(Alone::take_within(file.path(), Duration::ZERO).unwrap().is_none());
        let path = file.path().to_owned();
        let next =
            thread::spawn(move || Alone::take_within(&path, Duration::from_secs(60)).unwrap().is_some());
        drop(first);
        assert!(next.join().unwrap());
    }

    #[test]
    fn without_the_file_there_is_no_lock() {
        assert!(Alone::take(Path::new("/nonexistent/lock")).is_err());
    }
}
