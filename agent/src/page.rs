//! The secret page: all that is secret of a lineage in one locked page, and all that is public and outlives a crash in a
//! file beside it. Both are files in memory alone, and wait in the service manager's store while no agent runs.
//!
//! **Invariant: an opening leaves only after the state that no longer holds its secret is committed.** The order is
//! always: what is public is appended to the history; the page changes over to its other slot; what was there is
//! erased; then the answer goes out. A crash at any instruction leaves either the state before, or the state after, or a
//! history that is one moment ahead, over which the secrets step when they are found.

mod history;
mod lock;
#[cfg(test)]
mod model;
mod region;
mod registers;
mod slots;
mod stack;

use std::{io, os::fd::BorrowedFd};

use selfsame::{Entry, Memory, Secrets};

pub(crate) use history::{History, HistoryError, Kind};
pub(crate) use lock::LockError;
pub(crate) use region::{MemoryKind, Region, RegionError, has_secret_memory};
pub(crate) use slots::LoadError;
use slots::Slots;
pub(crate) use stack::{lock_stack, wipe_stack};

/// The page and its history, held by this process alone.
pub(crate) struct SecretPage {
    slots: Slots<Region>,
    history: History,
    /// Whether a copy of the descriptors waits elsewhere: then an end erases nothing.
    kept: bool,
}

/// Why a page that was handed over can't be gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum AdoptError {
    /// It is no page of ours, or can't be mapped or locked.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// Another process has it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What is in it is another version's, or damaged.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The history is another version's, or damaged.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// Whether the system gives a page of this kind to this process.
///
/// # Errors
/// Why it does not.
pub(crate) fn try_out(kind: MemoryKind) -> Result<MemoryKind, RegionError> {
    Region::create(kind).map(|region| region.kind())
}

/// Why the public record could not be written: the memory for it is not there.
#[derive(Debug, thiserror::Error)]
#[error("the public history can't be written")]
pub(crate) struct RecordError(#[source] io::Error);

impl SecretPage {
    /// A blank page, and an empty history.
    ///
    /// # Errors
    /// Where the system gives no such memory.
    pub(crate) fn create(kind: MemoryKind) -> Result<Self, AdoptError> {
        let region = Region::create(kind)?;
        lock::take(region.fd())?;
        Ok(Self { slots: Slots::blank(region), history: History::create()?, kept: false })
    }

    /// The page and the history behind these descriptors. Where another version wrote them, nothing is written to either.
    ///
    /// # Errors
    /// Where they can't be gone on with.
    pub(crate) fn adopt(page: region::PageFd, history: std::os::fd::OwnedFd) -> Result<Self, AdoptError> {
        let region = Region::adopt(page)?;
        lock::take(region.fd())?;
        let history = History::adopt(history)?;
        Ok(Self { slots: Slots::load(region)?, history, kept: false })
    }

    /// Where the secrets live.
    pub(crate) fn kind(&self) -> MemoryKind {
        self.slots.words().kind()
    }

    /// What was recorded.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// What is recorded, to record more than a lineage does.
    pub(crate) fn history_mut(&mut self) -> &mut History {
        &mut self.history
    }

    /// The descriptors of page and history, to be kept elsewhere.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.slots.words().fd(), self.history.fd()]
    }

    /// Erases all that is secret, for good: this lineage is over, whoever keeps its descriptors.
    pub(crate) fn end(&mut self) {
        self.kept = false;
        self.slots.wipe();
        wipe_stack();
    }

    /// They are kept elsewhere: from now on an end of this process erases nothing.
    pub(crate) fn set_kept(&mut self) {
        self.kept = true;
    }
}

impl Memory for SecretPage {
    type Error = RecordError;

    fn secrets(&self) -> &Secrets {
        self.slots.words().secrets(self.slots.active())
    }

    fn update(&mut self, change: impl FnOnce(&mut Secrets)) -> Result<(), RecordError> {
        self.slots.begin();
        change(self.slots.words_mut().secrets_mut(slots::SCRATCH));
        self.slots.commit();
        wipe_stack();
        Ok(())
    }

    fn record(&mut self, entry: &Entry<'_>) -> Result<(), RecordError> {
        self.history.append(Kind::Lineage, &entry.encode()).map_err(RecordError)
    }

    fn is_long(&self) -> bool {
        self.history.is_long()
    }

    fn rewrite<'a>(&mut self, entries: impl Iterator<Item = Entry<'a>>) -> Result<(), RecordError> {
        self.history.rewrite(entries.map(|entry| entry.encode())).map_err(RecordError)
    }
}

impl Drop for SecretPage {
    fn drop(&mut self) {
        if !self.kept {
            self.slots.wipe();
        }
    }
}
