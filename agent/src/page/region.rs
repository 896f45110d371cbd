//! One page of memory that is locked, or that even the kernel does not map, behind a descriptor.
#![allow(unsafe_code)] // Maps the page, and looks at it as what is in it.

use std::{
    fs,
    num::NonZeroUsize,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr::{self, NonNull},
    sync::atomic::{AtomicU64, Ordering, compiler_fence},
};

use nix::{
    errno::Errno,
    libc,
    sys::{
        memfd::{MFdFlags, memfd_create},
        mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mlock, mmap, munmap},
        stat::fstat,
    },
    unistd::ftruncate,
};
use selfsame::Secrets;

use super::slots::{PAGE_BYTES, PAGE_WORDS, SECRET_WORDS, Words};

/// Where secrets live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryKind {
    /// memfd_secret: mapped by this process alone, not even by the kernel. Never swapped, dumped or hibernated.
    Secret,
    /// A memfd that is locked while it is mapped, and left out of dumps and children.
    Locked,
}

impl MemoryKind {
    /// The kind as it is written on the bus.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Locked => "locked",
        }
    }
}

/// A descriptor that was handed over as a page. Until it is closed for good no other of the same file may be: a record
/// lock goes with the first that is.
pub(crate) type PageFd = OwnedFd;

/// A page that is mapped.
pub(crate) struct Region {
    base: NonNull<AtomicU64>,
    fd: OwnedFd,
    kind: MemoryKind,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RegionError {
    /// The kernel has no secret memory.
    #[error(
        "no secret memory (memfd_secret: {}): boot with secretmem.enable=1, allow the call memfd_secret in the \
         service's filter, or set `memory = \"locked\"`", errno.desc()
    )]
    NoSecretMemory {
        /// What it says.
        errno: Errno,
    },
    /// The limit on locked memory is too low.
    #[error(
        "{bytes} bytes can't be locked ({}): raise LimitMEMLOCK= of the service, or `ulimit -l`", errno.desc()
    )]
    NotLocked {
        /// How many.
        bytes: usize,
        /// What the kernel says.
        errno: Errno,
    },
    /// What was handed over is not of a page's size.
    #[error("no secret page: {found} bytes, expected {PAGE_BYTES}")]
    Size {
        /// Its size.
        found: i64,
    },
    /// The system refuses.
    #[error("{call}: {}", errno.desc())]
    System {
        /// The call.
        call: &'static str,
        /// What the kernel says.
        errno: Errno,
    },
}

impl Region {
    /// A new page of zeroes.
    pub(super) fn create(kind: MemoryKind) -> Result<Self, RegionError> {
        let fd = match kind {
            MemoryKind::Secret => memfd_secret().map_err(|errno| RegionError::NoSecretMemory { errno })?,
            MemoryKind::Locked => memfd_create(c"selfsame-page", MFdFlags::MFD_CLOEXEC)
                .map_err(|errno| RegionError::System { call: "memfd_create", errno })?,
        };
        let size = i64::try_from(PAGE_BYTES).unwrap_or(i64::MAX);
        ftruncate(&fd, size).map_err(|errno| RegionError::System { call: "ftruncate", errno })?;
        Self::map(fd, kind)
    }

    /// The page behind a descriptor that was handed over.
    pub(super) fn adopt(fd: PageFd) -> Result<Self, RegionError> {
        let found = fstat(&fd).map_err(|errno| RegionError::System { call: "fstat", errno })?.st_size;
        if usize::try_from(found) != Ok(PAGE_BYTES) {
            return Err(RegionError::Size { found });
        }
        let link = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap_or_default();
        let is_secret = link.to_string_lossy().contains("secretmem");
        Self::map(fd, if is_secret { MemoryKind::Secret } else { MemoryKind::Locked })
    }

    fn map(fd: OwnedFd, kind: MemoryKind) -> Result<Self, RegionError> {
        let length = NonZeroUsize::new(PAGE_BYTES).expect("a page has bytes");
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping, at a place that the kernel chooses, of a file that is as long.
        let base = unsafe { mmap(None, length, protection, MapFlags::MAP_SHARED, &fd, 0) };
        let base = base.map_err(|errno| match (kind, errno) {
            // secret memory is locked from the start, and counts against the limit
            (MemoryKind::Secret, Errno::EAGAIN | Errno::ENOMEM) => {
                RegionError::NotLocked { bytes: PAGE_BYTES, errno }
            }
            _ => RegionError::System { call: "mmap", errno },
        })?;
        let region = Self { base: base.cast(), fd, kind };
        if kind == MemoryKind::Locked {
            lock(base.addr().get(), PAGE_BYTES)?;
        }
        for advice in [MmapAdvise::MADV_DONTDUMP, MmapAdvise::MADV_DONTFORK] {
            // SAFETY: exactly the mapping that was just made; neither changes what is in it.
            let advised = unsafe { madvise(base, PAGE_BYTES, advice) };
            // secret memory is in no dump nor child as it is, and may refuse to be told
            if let Err(errno) = advised
                && kind == MemoryKind::Locked
            {
                return Err(RegionError::System { call: "madvise", errno });
            }
        }
        Ok(region)
    }

    /// The descriptor.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Where it is.
    pub(super) fn kind(&self) -> MemoryKind {
        self.kind
    }

    /// The words from `at` on, as secrets.
    pub(super) fn secrets(&self, at: usize) -> &Secrets {
        let words = self.words();
        assert!(at + SECRET_WORDS <= words.len(), "secrets lie within their page");
        // SAFETY: within the mapping, which lives as long as `self`; aligned to 8, as `Secrets` is; all bytes are valid for
        // it; and while `self` is borrowed nobody stores: the process has the page alone, by its lock.
        unsafe { self.base.add(at).cast::<Secrets>().as_ref() }
    }

    /// The words from `at` on, as secrets to be changed.
    pub(super) fn secrets_mut(&mut self, at: usize) -> &mut Secrets {
        assert!(at + SECRET_WORDS <= PAGE_WORDS, "secrets lie within their page");
        // SAFETY: as in `secrets`; and `self` is borrowed for this alone.
        unsafe { self.base.add(at).cast::<Secrets>().as_mut() }
    }

    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is of `PAGE_WORDS` words, and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), PAGE_WORDS) }
    }
}

impl Words for Region {
    fn load(&self, at: usize) -> u64 {
        self.words().get(at).map_or(0, |word| word.load(Ordering::Acquire))
    }

    fn store(&mut self, at: usize, value: u64) {
        if let Some(word) = self.words().get(at) {
            word.store(value, Ordering::Release);
        }
        // one after the other, as they are written down
        compiler_fence(Ordering::SeqCst);
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping that `map` made, and nothing of it is used any more. That it goes can't fail.
        let _ = unsafe { munmap(self.base.cast(), PAGE_BYTES) };
    }
}

// SAFETY: the mapping is bound to no thread.
unsafe impl Send for Region {}

/// Locks memory that is mapped: the pages that these bytes are in.
pub(super) fn lock(address: usize, bytes: usize) -> Result<(), RegionError> {
    let base = NonNull::new(ptr::without_provenance_mut(address));
    let base = base.ok_or(RegionError::NotLocked { bytes, errno: Errno::EINVAL })?;
    // SAFETY: the kernel changes nothing of what is there, and refuses what is not mapped.
    unsafe { mlock(base, bytes) }.map_err(|errno| RegionError::NotLocked { bytes, errno })
}

/// Whether the kernel gives secret memory to this process.
pub(crate) fn has_secret_memory() -> bool {
    memfd_secret().is_ok()
}

fn memfd_secret() -> Result<OwnedFd, Errno> {
    // O_CLOEXEC: the manual's FD_CLOEXEC is refused (Linux, mm/secretmem.c).
    // SAFETY: a call without pointers.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) })?;
    let fd = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made it, for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
