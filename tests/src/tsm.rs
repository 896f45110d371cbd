//! What stands in for a TEE: configfs-tsm, mounted by FUSE, as the kernel's sources have it.
//!
//! No TEE was at hand. This keeps to what `drivers/virt/coco/guest/report.c`, `fs/configfs/file.c` and `fs/configfs/dir.c`
//! of Linux 6.18 do: a folder that is made is an entry with its attributes, which can neither be made nor removed by
//! themselves; `inblob` is taken in when it is closed, and what goes wrong then is told to nobody; `generation` counts; a
//! report is made where one is read, once for each generation, under one lock for all entries; an open file has the
//! report that it began to read, until the entry is removed.
//!
//! A process that asks a file system which it serves itself can't be killed cleanly in the midst of it, so tests ask
//! through the mount only where that is their point.
//!
//! What it can't show: how a real driver and a real TEE behave, and how long they take.

mod helper;
mod items;
mod mounted;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use fuser::{BackgroundSession, Config};
use nix::{
    errno::Errno,
    mount::{MntFlags, umount2},
};
use tempfile::TempDir;

pub use helper::{Answered, Asked, TsmHelper};
pub use items::Attribute;
use items::Items;
use mounted::Mounted;

use crate::leash::Leash;

/// A TEE's driver.
pub struct Tee {
    /// What it is called.
    pub provider: String,
    /// The attributes that its entries have.
    pub attributes: Vec<Attribute>,
    /// Makes a report over what `inblob` has.
    pub report: Box<Driver>,
}

/// What makes reports.
pub type Driver = dyn Fn(&[u8]) -> Result<Blobs, Errno> + Send;

/// What a driver makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blobs {
    /// The report.
    pub out: Vec<u8>,
    /// What it gives beside it.
    pub aux: Vec<u8>,
}

impl Tee {
    /// AMD's: reports of version 2, laid out as AMD 56860, revision 1.55, Table 22 has them, beside a table of certificates.
    pub fn sev_guest() -> Self {
        Self::of("sev_guest", Attribute::ALL, |data| {
            let data: &[u8; 64] = data.try_into().map_err(|_| Errno::EINVAL)?;
            Ok(Blobs { out: snp_report(data), aux: vec![0xce; 3000] })
        })
    }

    /// Intel's: quotes of version 4, laid out as `sgx_quote_4.h` of Intel's DCAP has them, and nothing beside them.
    pub fn tdx_guest() -> Self {
        Self::of("tdx_guest", Attribute::FEW, |data| {
            let data: &[u8; 64] = data.try_into().map_err(|_| Errno::EINVAL)?;
            let mut quote = vec![0x5a; 632 + 4 + 4000];
            quote[..8].copy_from_slice(&[4, 0, 2, 0, 0x81, 0, 0, 0]);
            quote[568..632].copy_from_slice(data);
            Ok(Blobs { out: quote, aux: Vec::new() })
        })
    }

    /// Another.
    pub fn of(
        provider: &str,
        attributes: &[Attribute],
        report: impl Fn(&[u8]) -> Result<Blobs, Errno> + Send + 'static,
    ) -> Self {
        Self { provider: provider.to_owned(), attributes: attributes.to_vec(), report: Box::new(report) }
    }
}

/// A report of SEV-SNP over `data`, without a signature.
pub fn snp_report(data: &[u8; 64]) -> Vec<u8> {
    let mut report = vec![0x5a; 0x4a0];
    report[..4].copy_from_slice(&2_u32.to_le_bytes());
    report[0x50..0x90].copy_from_slice(data);
    report
}

/// The stand-in: `tsm/report` of a configfs, mounted as long as this lives.
pub struct Tsm {
    items: Arc<Mutex<Items>>,
    hold: Arc<Mutex<Option<Hold>>>,
    session: Option<BackgroundSession>,
    leash: Leash,
    folder: TempDir,
}

/// A read that is held up.
struct Hold {
    attribute: Attribute,
    reached: mpsc::Sender<String>,
    go: mpsc::Receiver<()>,
}

/// A read that is to be held up, or is: it goes on once this is dropped.
pub struct Held {
    reached: mpsc::Receiver<String>,
    _go: mpsc::Sender<()>,
}

impl Held {
    /// Waits until a read is held up, and gives the name of its entry.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub fn reached(&self) -> String {
        self.reached.recv_timeout(LIMIT).expect("a read is held up")
    }
}

impl Tsm {
    /// Mounts one with this TEE; without one, the driver is not loaded.
    ///
    /// # Panics
    ///
    /// If it can't be mounted: that takes root, and /dev/fuse.
    pub fn start(tee: Option<Tee>) -> Self {
        let folder = tempfile::Builder::new().prefix("selfsame-tsm-").tempdir().unwrap();
        let root = folder.path().join("report");
        fs::create_dir(&root).unwrap();
        // before there is a mount, so that none is left whenever we are killed
        let leash = Leash::hold_mount(folder.path()).unwrap();
        let items = Arc::new(Mutex::new(Items::new(tee)));
        let hold = Arc::new(Mutex::new(None));
        let mounted = Mounted::new(items.clone(), hold.clone());
        let session = fuser::spawn_mount(mounted, &root, &Config::default())
            .unwrap_or_else(|error| panic!("no FUSE mount: it takes root and /dev/fuse: {error}"));
        Self { items, hold, session: Some(session), leash, folder }
    }

    /// Where it is mounted.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    /// The entries that are there.
    pub fn entries(&self) -> Vec<String> {
        self.items.lock().unwrap().names().map(|(_, name)| name.to_owned()).collect()
    }

    /// How many entries were ever made.
    pub fn made(&self) -> u64 {
        self.items.lock().unwrap().made()
    }

    /// Unloads the driver, or loads another.
    pub fn load(&self, tee: Option<Tee>) {
        self.items.lock().unwrap().load(tee);
    }

    /// Holds up the next read of this attribute, before the kernel looks at it.
    pub fn hold(&self, attribute: Attribute) -> Held {
        let (reached, is_reached) = mpsc::channel();
        let (go, gone) = mpsc::channel();
        *self.hold.lock().unwrap() = Some(Hold { attribute, reached, go: gone });
        Held { reached: is_reached, _go: go }
    }

    /// Writes to an entry's `inblob`, as another process may.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn write(root: &Path, entry: &str, bytes: &[u8]) -> io::Result<()> {
        use std::io::Write;
        let file = fs::OpenOptions::new().write(true).open(root.join(entry).join("inblob"));
        file.and_then(|mut file| file.write_all(bytes))
    }
}

impl Drop for Tsm {
    fn drop(&mut self) {
        *self.hold.lock().unwrap() = None;
        // Detached, not "busy": a process that another test has just forked has our open files until it becomes its
        // program. The session ends with the last of them.
        let unmounted = self.session.take().map_or(Ok(()), |session| {
            umount2(&self.root(), MntFlags::MNT_DETACH)?;
            session.join()
        });
        self.leash.release();
        if !std::thread::panicking() {
            unmounted.expect("the stand-in can be unmounted");
        }
    }
}

/// Longer than anything here takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
