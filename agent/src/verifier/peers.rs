//! The peers' store as the thread has it: opened when it is needed, and anew where it could not be used, or where another
//! file is in its place.
//!
//! A backup is put back by a rename, and a store that is held open then is a file without a name: what is written to it is
//! lost with the process. So the path is looked at before and after each use. What is damaged is never used until the
//! file has changed and all of it could be read.

use std::{
    fs::{Metadata, metadata},
    io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
};

use selfsame::{Boot, Now};
use selfsame_store::{Store, StoreError};

use super::{
    VerifierError,
    mend::{is_unusable, remedy},
};
use crate::{audit, clock::Clock};

/// The store at a path.
pub(crate) struct Peers {
    path: PathBuf,
    clock: Clock,
    boot: Boot,
    open: Option<Open>,
    /// What is wrong with a damaged file, and the file as it was when that was found.
    damaged: Option<(Option<Stamp>, String)>,
    /// Whether the journal knows that the store can't be used.
    is_told: bool,
}

/// A store that is open.
struct Open {
    store: Store,
    file: FileId,
}

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

/// A file, as it was when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: FileId,
    bytes: u64,
    changed: (i64, i64),
}

impl FileId {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Self { file: FileId::of(metadata), bytes: metadata.len(), changed }
    }
}

impl Peers {
    pub(crate) fn new(path: PathBuf, clock: Clock, boot: Boot) -> Self {
        Self { path, clock, boot, open: None, damaged: None, is_told: false }
    }

    /// Does something with the store. It is opened first, where it is not open or another file is in its place.
    ///
    /// # Errors
    /// What the store says; [`VerifierError::Replaced`] where another file came into its place meanwhile.
    pub(crate) fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Store, &Now) -> Result<T, StoreError>,
    ) -> Result<T, VerifierError> {
        let result = self.attempt(work);
        if let Err(VerifierError::Store(error)) = &result
            && is_unusable(error)
        {
            self.open = None;
            if let StoreError::Damaged { what } = error {
                let stamp = self.look().ok().flatten().as_ref().map(Stamp::of);
                self.damaged = Some((stamp, what.clone()));
            }
            if !self.is_told {
                let file = self.path.display().to_string();
                audit::store_unusable(&file, &error.text(), remedy(error).unwrap_or_default());
            }
            self.is_told = true;
        } else if self.is_told && self.open.is_some() {
            tracing::info!("the peers' store {} can be used again", self.path.display());
            self.is_told = false;
        }
        result
    }

    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Store, &Now) -> Result<T, StoreError>,
    ) -> Result<T, VerifierError> {
        let found = self.look()?;
        if let Some(open) = &self.open
            && found.as_ref().map(FileId::of) != Some(open.file)
        {
            tracing::warn!(
                "the peers' store {} was replaced, or removed: the one that is there now is used",
                self.path.display()
            );
            self.open = None;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(open(&self.path, &mut self.damaged, found.as_ref())?),
        };
        let now = self.clock.now(self.boot);
        let done = work(&mut open.store, &now);
        // a commit to a file that is no longer there is none
        let (file, open_is_read_only) = (open.file, open.store.is_read_only());
        if self.look()?.as_ref().map(FileId::of) != Some(file) {
            self.open = None;
            return Err(VerifierError::Replaced);
        }
        // what only reads can be had meanwhile, and the next call may find it writable
        if open_is_read_only {
            self.open = None;
        }
        Ok(done?)
    }

    /// The file that is there; none where there is none.
    fn look(&self) -> Result<Option<Metadata>, StoreError> {
        look(&self.path)
    }
}

fn look(path: &PathBuf) -> Result<Option<Metadata>, StoreError> {
    match metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens the store at `path`, where `found` is now. One that was damaged is opened when it has changed, and read whole.
fn open(
    path: &PathBuf,
    damaged: &mut Option<(Option<Stamp>, String)>,
    found: Option<&Metadata>,
) -> Result<Open, StoreError> {
    if let Some((stamp, what)) = damaged
        && *stamp == found.map(Stamp::of)
    {
        return Err(StoreError::Damaged { what: what.clone() });
    }
    // which file was opened is known where the same was there before and after
    let mut before = look(path)?;
    for _ in 0..OPEN_TRIES {
        let mut store = Store::open(path)?;
        let after = look(path)?;
        let (file, same) = (after.as_ref().map(FileId::of), before.as_ref().map(FileId::of));
        if let Some(file) = file
            && same == Some(file)
        {
            if damaged.is_some() {
                store.check()?;
                *damaged = None;
            }
            return Ok(Open { store, file });
        }
        before = after;
    }
    Err(io::Error::other("other files come into its place all the time").into())
}

/// A first look finds no file, and the second the one that was made.
const OPEN_TRIES: u32 = 4;

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn peers() -> (TempDir, PathBuf, Peers) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("peers.db");
        let peers = Peers::new(path.clone(), Clock::system(), Boot([1; 16]));
        (directory, path, peers)
    }

    #[test]
    fn it_is_made_when_it_is_first_used_and_stays_open() {
        let (_directory, path, mut peers) = peers();
        assert!(!path.exists());
        assert_eq!(peers.with(|store, _| store.peers()).unwrap(), []);
        let file = peers.open.as_ref().map(|open| open.file);
        assert_eq!(file, Some(FileId::of(&metadata(&path).unwrap())));
        peers.with(|store, _| store.peers()).unwrap();
        assert_eq!(peers.open.as_ref().map(|open| open.file), file);
        // what a peer is refused for is nothing that is wrong with the file
        let unknown = peers.with(|store, _| store.forget("web"));
        assert!(matches!(unknown, Err(VerifierError::Store(StoreError::UnknownPeer { .. }))));
        assert!(peers.open.is_some());
    }

    #[test]
    fn what_went_to_a_file_that_was_replaced_meanwhile_is_no_answer() {
        let (directory, path, mut peers) = peers();
        peers.with(|store, _| store.peers()).unwrap();
        let other = directory.path().join("other");
        drop(Store::open(&other).unwrap());
        let replaced = peers.with(|store, _| {
            fs::rename(&other, &path).unwrap();
            store.peers()
        });
        assert!(matches!(replaced, Err(VerifierError::Replaced)), "{replaced:?}");
        let removed = peers.with(|store, _| {
            fs::remove_file(&path).unwrap();
            store.peers()
        });
        assert!(matches!(removed, Err(VerifierError::Replaced)), "{removed:?}");
        assert_eq!(peers.with(|store, _| store.peers()).unwrap(), []);
        assert!(path.exists());
    }

    #[test]
    fn what_is_damaged_is_not_opened_again_until_it_has_changed() {
        let (_directory, path, mut peers) = peers();
        peers.with(|store, _| store.peers()).unwrap();
        let damaged = || Err::<(), _>(StoreError::Damaged { what: "a page".into() });
        let found = peers.with(|_, _| damaged());
        assert!(matches!(found, Err(VerifierError::Store(StoreError::Damaged { .. }))));
        let found = peers.with(|store, _| store.peers());
        assert!(
            matches!(&found, Err(VerifierError::Store(StoreError::Damaged { what })) if what == "a page")
        );
        // touched, it is read whole, and is well
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(std::time::SystemTime::now())
            .unwrap();
        assert_eq!(peers.with(|store, _| store.peers()).unwrap(), []);
        assert!(peers.damaged.is_none());
    }
}
