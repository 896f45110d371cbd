//! VMClock: a page of the hypervisor's, mapped read-only, whose generation counter changes when the machine is loaded from a
//! snapshot. It is read without a system call, so that it can be looked at before every moment.
//!
//! Layout and sequence lock: Linux, include/uapi/linux/vmclock-abi.h; the specification is "VMClock" of the UAPI group.
//! Seen by no test on hardware: a file that is laid out like it stands in for the device.
#![allow(unsafe_code)] // A mapping that another one writes to, read word by word.

use std::{
    fs::{self, File, OpenOptions},
    hint, io,
    num::NonZeroUsize,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::atomic::{AtomicU32, Ordering, fence},
    time::{Duration, Instant},
};

use nix::{
    libc,
    sys::mman::{MapFlags, ProtFlags, mmap, munmap},
};

use super::Generations;

/// The hypervisor's page.
pub(crate) struct VmClock {
    /// `PAGE_BYTES` bytes, mapped, aligned to a page.
    base: NonNull<AtomicU32>,
    path: PathBuf,
    is_stuck: bool,
}

/// What it says, all of it of one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation {
    /// Changes when the machine is loaded from a snapshot; none where this hypervisor does not count that.
    pub(crate) counter: Option<u64>,
    /// Changes when the processor's counter was disrupted: by a live migration, or by a snapshot.
    pub(crate) disruption: u64,
}

/// Why there is no page to read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum VmClockError {
    /// It can't be opened or mapped.
    #[error("{}: {why}", path.display())]
    Unusable {
        /// The device.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// It does not say that it is one, or is of another version.
    #[error("{}: not VMClock of version {VERSION}", path.display())]
    Unknown {
        /// The device.
        path: PathBuf,
    },
}

impl VmClock {
    /// The first of the devices in `directory`, which is /dev; none where there is none.
    ///
    /// # Errors
    /// Where there is one, and it can't be read.
    pub(crate) fn find(directory: &Path) -> Option<Result<Self, VmClockError>> {
        let is_one = |path: &PathBuf| {
            let number = path.file_name()?.to_str()?.strip_prefix("vmclock")?;
            (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
        };
        let entries = fs::read_dir(directory).ok()?.filter_map(Result::ok).map(|entry| entry.path());
        entries.filter(|path| is_one(path).is_some()).min().map(|path| Self::open(&path))
    }

    /// The one at `path`.
    ///
    /// # Errors
    /// Where it can't be read.
    pub(crate) fn open(path: &Path) -> Result<Self, VmClockError> {
        let unusable = |why| VmClockError::Unusable { path: path.to_owned(), why };
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
        let base = map(&file.map_err(unusable)?).map_err(unusable)?;
        let clock = Self { base, path: path.to_owned(), is_stuck: false };
        let size = clock.word(SIZE_AT);
        let is_known = clock.word(MAGIC_AT) == MAGIC
            && clock.word(VERSION_AT) & 0xffff == VERSION
            && (FLAGS_END..=PAGE_BYTES_U32).contains(&size);
        if !is_known {
            return Err(VmClockError::Unknown { path: clock.path.clone() });
        }
        Ok(clock)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// As it is now, if nobody writes to it just now.
    fn attempt(&self) -> Option<Generation> {
        let before = self.word(SEQUENCE_AT);
        if before % 2 == 1 {
            return None;
        }
        fence(Ordering::Acquire);
        let disruption = self.wide(DISRUPTION_AT);
        let has_counter = self.wide(FLAGS_AT) & HAS_COUNTER != 0 && self.word(SIZE_AT) >= COUNTER_END;
        let counter = has_counter.then(|| self.wide(COUNTER_AT));
        fence(Ordering::Acquire);
        (self.word(SEQUENCE_AT) == before).then_some(Generation { counter, disruption })
    }

    /// The 32-bit word at a byte offset.
    fn word(&self, at: usize) -> u32 {
        assert!(at.is_multiple_of(4) && at + 4 <= PAGE_BYTES, "words lie within the page");
        // SAFETY: within the mapping, which lives as long as `self`, and aligned to 4. Whoever writes to it is outside of
        // this program; every access of ours is one atomic load.
        let word = unsafe { self.base.add(at / 4).as_ref() };
        u32::from_le(word.load(Ordering::Relaxed))
    }

    /// The 64-bit word at a byte offset: in two loads, since the sequence lock is what keeps them together.
    fn wide(&self, at: usize) -> u64 {
        u64::from(self.word(at)) | u64::from(self.word(at + 4)) << 32
    }
}

impl Generations for VmClock {
    /// One whose writer does not end is waited for once, and from then on only looked at.
    fn read(&mut self) -> Option<Generation> {
        let deadline = Instant::now() + WAIT_MOST;
        loop {
            let read = self.attempt();
            if read.is_none() && !self.is_stuck && Instant::now() < deadline {
                hint::spin_loop();
                continue;
            }
            if read.is_none() && !self.is_stuck {
                tracing::warn!(device = %self.path.display(), "VMClock can't be read: it is being written to for long");
            }
            self.is_stuck = read.is_none();
            return read;
        }
    }
}

impl Drop for VmClock {
    fn drop(&mut self) {
        // SAFETY: the mapping that `map` made, and nothing of it is used any more. That it goes can't fail.
        let _ = unsafe { munmap(self.base.cast(), PAGE_BYTES) };
    }
}

// SAFETY: the mapping is bound to no thread, and is only read.
unsafe impl Send for VmClock {}

fn map(file: &File) -> io::Result<NonNull<AtomicU32>> {
    let length = NonZeroUsize::new(PAGE_BYTES).expect("a page has bytes");
    // SAFETY: a new mapping, at a place that the kernel chooses, which is only read. Of a file that is shorter than a page
    // the rest of that page is zeroes; the device's page is there as long as the mapping.
    let base = unsafe { mmap(None, length, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, file, 0) };
    Ok(base?.cast())
}

const PAGE_BYTES: usize = 4096;
const PAGE_BYTES_U32: u32 = 4096;

/// "VCLK"
const MAGIC: u32 = 0x4b4c_4356;
const VERSION: u32 = 1;

/// VMCLOCK_FLAG_VM_GEN_COUNTER_PRESENT
const HAS_COUNTER: u64 = 1 << 8;

// Offsets of struct vmclock_abi.
const MAGIC_AT: usize = 0;
const SIZE_AT: usize = 4;
const VERSION_AT: usize = 8;
const SEQUENCE_AT: usize = 12;
const DISRUPTION_AT: usize = 16;
const FLAGS_AT: usize = 24;
const COUNTER_AT: usize = 104;

/// Where the flags end: all that the kernel's driver asks for (VMCLOCK_MIN_SIZE).
const FLAGS_END: u32 = 32;

/// Where the counter ends.
const COUNTER_END: u32 = 112;

/// How long a writer is waited for, who writes a dozen words. The kernel's driver waits 100 ms (VMCLOCK_MAX_WAIT); here
/// callers wait.
const WAIT_MOST: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::FileExt,
        sync::atomic::{AtomicBool, AtomicU64},
        thread,
    };

    use tempfile::{NamedTempFile, TempDir};

    use super::*;

    /// A file that is laid out as the device's page is.
    fn page(flags: u64, size: u32) -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        let mut page = vec![0; PAGE_BYTES];
        page[MAGIC_AT..][..4].copy_from_slice(b"VCLK");
        page[SIZE_AT..][..4].copy_from_slice(&size.to_le_bytes());
        // version 1, of counter and time type others
        page[VERSION_AT..][..4].copy_from_slice(&[1, 0, 0xff, 1]);
        page[FLAGS_AT..][..8].copy_from_slice(&flags.to_le_bytes());
        file.as_file().write_all_at(&page, 0).unwrap();
        file
    }

    fn set(file: &NamedTempFile, at: usize, value: u64) {
        file.as_file().write_all_at(&value.to_le_bytes(), at as u64).unwrap();
    }

    fn sequence(file: &NamedTempFile, value: u32) {
        file.as_file().write_all_at(&value.to_le_bytes(), SEQUENCE_AT as u64).unwrap();
    }

    #[test]
    fn it_says_what_the_page_says() {
        let file = page(HAS_COUNTER, 4096);
        let mut clock = VmClock::open(file.path()).unwrap();
        assert_eq!(clock.read(), Some(Generation { counter: Some(0), disruption: 0 }));
        set(&file, COUNTER_AT, 0x1122_3344_5566_7788);
        set(&file, DISRUPTION_AT, 7);
        let expected = Generation { counter: Some(0x1122_3344_5566_7788), disruption: 7 };
        assert_eq!(clock.read(), Some(expected));

        // without the flag, or in a structure that ends before it, there is no counter
        for file in [page(0, 4096), page(HAS_COUNTER, COUNTER_END - 1)] {
            set(&file, COUNTER_AT, 9);
            let mut clock = VmClock::open(file.path()).unwrap();
            assert_eq!(clock.read(), Some(Generation { counter: None, disruption: 0 }));
        }
    }

    #[test]
    fn what_is_torn_under_the_sequence_lock_is_never_told() {
        let file = page(HAS_COUNTER, 4096);
        let mut clock = VmClock::open(file.path()).unwrap();
        let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut count = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    count = count.wrapping_add(2);
                    let value = u64::from(count) << 32 | u64::from(count);
                    sequence(&file, count.wrapping_sub(1));
                    // half of each word, then the other half
                    for at in [DISRUPTION_AT, COUNTER_AT] {
                        let half = &value.to_le_bytes()[..4];
                        file.as_file().write_all_at(half, at as u64).unwrap();
                        file.as_file().write_all_at(half, at as u64 + 4).unwrap();
                    }
                    sequence(&file, count);
                    written.fetch_add(1, Ordering::Relaxed);
                }
            });
            let (mut told, mut missed, mut seen) = (0, 0, std::collections::BTreeSet::new());
            while told < 20_000 || seen.len() < 100 {
                match clock.attempt() {
                    Some(Generation { counter, disruption }) => {
                        assert_eq!(counter, Some(disruption));
                        assert_eq!(disruption >> 32, disruption & 0xffff_ffff);
                        told += 1;
                        seen.insert(disruption);
                    }
                    None => missed += 1,
                }
            }
            stop.store(true, Ordering::Relaxed);
            println!("{told} readings, {missed} that were not told, {} values", seen.len());
            assert!(missed > 0, "no writer was ever met");
            assert!(clock.read().is_some());
        });
    }

    #[test]
    fn a_writer_that_does_not_end_holds_up_nothing_for_long() {
        let file = page(HAS_COUNTER, 4096);
        let mut clock = VmClock::open(file.path()).unwrap();
        sequence(&file, 1);
        assert_eq!(clock.read(), None);
        assert!(clock.is_stuck);
        assert_eq!(clock.read(), None);
        sequence(&file, 2);
        assert!(clock.read().is_some());
        assert!(!clock.is_stuck);
    }

    #[test]
    fn what_is_no_vmclock_is_refused_and_what_is_not_there_is_none() {
        let directory = TempDir::new().unwrap();
        assert!(VmClock::find(directory.path()).is_none());
        fs::write(directory.path().join("vmclock"), "").unwrap();
        fs::write(directory.path().join("vmclock0x"), "").unwrap();
        assert!(VmClock::find(directory.path()).is_none());
        fs::write(directory.path().join("vmclock1"), [0; PAGE_BYTES]).unwrap();
        let Some(Err(error)) = VmClock::find(directory.path()) else { panic!("it is none") };
        assert!(error.to_string().contains("vmclock1: not VMClock of version 1"), "{error}");
        fs::copy(page(0, 4096).path(), directory.path().join("vmclock0")).unwrap();
        let found = VmClock::find(directory.path()).unwrap().unwrap();
        assert!(found.path().ends_with("vmclock0"), "the first");
        for (at, value) in [(MAGIC_AT, 1), (VERSION_AT, 2), (SIZE_AT, 31), (SIZE_AT, 4097)] {
            let other = page(0, 4096);
            let value: u32 = value;
            other.as_file().write_all_at(&value.to_le_bytes(), at as u64).unwrap();
            assert!(matches!(VmClock::open(other.path()), Err(VmClockError::Unknown { .. })), "{at} {value}");
        }
        let missing = VmClock::open(&directory.path().join("none"));
        assert!(matches!(missing, Err(VmClockError::Unusable { .. })));
    }
}
