//! One live agent a page: an exclusive record lock, which is the process's own and goes with it.
//!
//! A POSIX record lock (`F_SETLK`), not flock nor an open file description's lock: those go with the description, which an
//! inherited descriptor shares. It is lost as soon as this process closes *any* descriptor of the same file, so none is
//! ever made or closed while the page is held.

use std::os::fd::BorrowedFd;

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, fcntl},
    libc,
};

/// Why the page is not ours alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LockError {
    /// Another process has it.
    #[error("another live agent has the secret page{}", pid.map(|pid| format!(": process {pid}")).unwrap_or_default())]
    Held {
        /// Which, where the kernel can tell.
        pid: Option<i32>,
    },
    /// The kernel gives no lock.
    #[error("the secret page can't be locked: {}", errno.desc())]
    Refused {
        /// What it says.
        errno: Errno,
    },
}

/// Takes the lock, or says who has it.
pub(super) fn take(page: BorrowedFd<'_>) -> Result<(), LockError> {
    match fcntl(page, FcntlArg::F_SETLK(&whole())) {
        Ok(_) => Ok(()),
        Err(Errno::EAGAIN | Errno::EACCES) => Err(LockError::Held { pid: holder(page) }),
        Err(errno) => Err(LockError::Refused { errno }),
    }
}

fn holder(page: BorrowedFd<'_>) -> Option<i32> {
    let mut found = whole();
    fcntl(page, FcntlArg::F_GETLK(&mut found)).ok()?;
    (i32::from(found.l_type) != libc::F_UNLCK && found.l_pid > 0).then_some(found.l_pid)
}

/// An exclusive lock over all of a file.
fn whole() -> libc::flock {
    libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap_or_default(),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}
