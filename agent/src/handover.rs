//! How a lineage outlives the process: the descriptors of its page and history wait with the service manager, from the
//! lineage's birth on, and come back to the next process (sd_notify(3), FDSTORE; sd_listen_fds(3)).
#![allow(unsafe_code)] // Takes over descriptors that are known by their numbers alone.

use std::{
    io,
    os::fd::{BorrowedFd, FromRawFd, OwnedFd},
};

use sd_notify::NotifyState;

/// What was handed over.
#[derive(Default)]
pub(crate) struct Received {
    /// The secret page.
    pub(crate) page: Option<OwnedFd>,
    /// The public history.
    pub(crate) history: Option<OwnedFd>,
}

impl Received {
    /// Takes what the environment says was handed to this process. To be called once, before anything else is opened.
    pub(crate) fn take() -> Self {
        let mut received = Self::default();
        let Ok(descriptors) = sd_notify::listen_fds_with_names() else { return received };
        for (number, name) in descriptors {
            // SAFETY: handed to this process by its number, as its environment says, which names this very process; called
            // once, before anything else is opened, so nobody else has it.
            let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
            // a second one of a name is an old one that was not taken back: the newest comes last
            match name.as_str() {
                PAGE => received.page = Some(descriptor),
                HISTORY => received.history = Some(descriptor),
                _ => drop(descriptor),
            }
        }
        received
    }
}

/// Has the service manager keep these from now on, in place of any before. False where there is none: then the lineage
/// ends with the process.
///
/// # Errors
/// Where there is a service manager, and it can't be told.
pub(crate) fn keep([page, history]: [BorrowedFd<'_>; 2]) -> io::Result<bool> {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return Ok(false);
    }
    for (name, descriptor) in [(PAGE, page), (HISTORY, history)] {
        sd_notify::notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(name)])?;
        sd_notify::notify_with_fds(&[NotifyState::FdStore, NotifyState::FdName(name)], &[descriptor])?;
    }
    Ok(true)
}

/// Has the service manager let go of what it keeps, where there is one.
///
/// # Errors
/// Where there is a service manager, and it can't be told.
pub(crate) fn forget() -> io::Result<()> {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return Ok(());
    }
    for name in [PAGE, HISTORY] {
        sd_notify::notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(name)])?;
    }
    Ok(())
}

/// The page's name in the store.
const PAGE: &str = "selfsame-page";

/// The history's.
const HISTORY: &str = "selfsame-history";
