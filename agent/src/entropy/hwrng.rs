//! The source `hwrng:NAME`: the generator that the kernel offers as /dev/hwrng. What it is, [`generator`] says.
//!
//! The kernel offers one at a time, by default the one that its drivers rate best. An administrator may name another in
//! `rng_current`, and one that appears or goes changes it too. So it is looked at before and after each draw, and a
//! draw during which it changed is not used. Right after a change the kernel may still hand out up to one cache line
//! that the generator before had given (its drivers/char/hw_random/core.c, `data_avail`).
//!
//! The device is root's, mode 0600: `packaging/udev/60-selfsame-hwrng.rules` gives it to the agent's group.

mod generator;
#[cfg(test)]
mod tests;
mod wanted;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};

use super::{Class, DrawError, EntropySource};
use generator::{Generator, Kind};
pub(crate) use wanted::Wanted;

/// Where the kernel shows its generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HwrngPaths {
    /// The device.
    pub(crate) device: PathBuf,
    /// The file that names the generator behind it.
    pub(crate) current: PathBuf,
}

impl Default for HwrngPaths {
    /// Source: the kernel's drivers/char/hw_random/core.c, a misc device `hw_random` with node name `hwrng`.
    fn default() -> Self {
        Self { device: "/dev/hwrng".into(), current: "/sys/class/misc/hw_random/rng_current".into() }
    }
}

/// What there is behind /dev/hwrng.
#[derive(Debug)]
pub(crate) enum Detected {
    /// A generator that is a source of its own.
    Source(Hwrng),
    /// A TPM's: it is the source `tpm` already, and drawn from there in an encrypted session. Not counted twice.
    SameAsTpm {
        /// The kernel's name for it.
        name: String,
    },
    /// No source.
    None {
        /// Why not.
        why: NoGenerator,
    },
}

/// Why there is no generator to be a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum NoGenerator {
    /// `rng_current` says so, or is not there: a kernel without hw_random, or a container.
    #[error("the kernel has no hardware generator")]
    Nothing,
    /// `rng_current` can't be read.
    #[error("{path}: {}", errno.desc(), path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the kernel says.
        errno: Errno,
    },
    /// `rng_current` holds what no name of a source can be made of.
    #[error("{path}: expected a name of 1 to {NAME_BYTES_MOST} printable characters, found something else",
        path = path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
}

/// The class of the generator that the kernel calls `name`; none where that is no name, or a TPM's.
pub(crate) fn class_of(name: &str) -> Option<Class> {
    match Generator::parse(name.as_bytes())?.kind() {
        Kind::Tpm => None,
        Kind::Tee => Some(Class::Tee),
        Kind::Other => Some(Class::Platform),
    }
}

/// Looks at which generator is the kernel's now. Opens nothing but `rng_current`, which all may read.
pub(crate) fn detect(paths: &HwrngPaths) -> Detected {
    let generator = match current(&paths.current) {
        Ok(Some(generator)) => generator,
        Ok(None) => return Detected::None { why: NoGenerator::Nothing },
        Err(why) => return Detected::None { why },
    };
    match generator.kind() {
        Kind::Tpm => Detected::SameAsTpm { name: generator.as_str().to_owned() },
        Kind::Tee => Detected::Source(Hwrng::new(paths, generator, Class::Tee)),
        Kind::Other => Detected::Source(Hwrng::new(paths, generator, Class::Platform)),
    }
}

/// The kernel's generator. The device is opened at the first draw, and anew at the draw after one that failed.
#[derive(Debug)]
pub(crate) struct Hwrng {
    paths: HwrngPaths,
    generator: Generator,
    name: String,
    class: Class,
    device: Option<File>,
}

impl Hwrng {
    fn new(paths: &HwrngPaths, generator: Generator, class: Class) -> Self {
        let name = format!("{PREFIX}{}", generator.as_str());
        Self { paths: paths.clone(), generator, name, class, device: None }
    }

    /// Whether this process may read the device.
    pub(crate) fn is_readable(&self) -> bool {
        access(&self.paths.device, AccessFlags::R_OK).is_ok()
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), HwrngError> {
        self.is_still_the_same()?;
        // Taken out: only a draw that succeeds puts the device back.
        let mut device = match self.device.take() {
            Some(device) => device,
            None => File::open(&self.paths.device).map_err(|error| self.refused(&error))?,
        };
        self.read(&mut device, out)?;
        self.is_still_the_same()?;
        self.device = Some(device);
        Ok(())
    }

    /// Fills `out`, in as many reads as that takes.
    fn read(&self, device: &mut File, out: &mut [u8]) -> Result<(), HwrngError> {
        let mut rest = out;
        while !rest.is_empty() {
            match device.read(rest) {
                Ok(0) => {
                    return Err(HwrngError::Ended { device: self.paths.device.clone(), need: rest.len() });
                }
                Ok(given) => rest = rest.get_mut(given..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.refused(&error)),
            }
        }
        Ok(())
    }

    fn is_still_the_same(&self) -> Result<(), HwrngError> {
        match current(&self.paths.current) {
            Ok(Some(now)) if now == self.generator => Ok(()),
            Ok(now) => Err(HwrngError::Switched {
                expected: self.generator.as_str().to_owned(),
                found: now.map_or_else(|| NOTHING.to_owned(), |now| now.as_str().to_owned()),
            }),
            Err(why) => Err(HwrngError::Unknown(why)),
        }
    }

    fn refused(&self, error: &io::Error) -> HwrngError {
        let device = self.paths.device.clone();
        match errno(error) {
            Errno::EACCES | Errno::EPERM => HwrngError::Denied { device },
            errno => HwrngError::Device { device, errno },
        }
    }
}

impl EntropySource for Hwrng {
    fn name(&self) -> &str {
        &self.name
    }

    fn class(&self) -> Class {
        self.class
    }

    /// Blocks for as long as the generator does, which may be for ever.
    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        self.fill(out).map_err(DrawError::Hwrng)
    }
}

/// Why a draw from the kernel's generator gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum HwrngError {
    /// The device is there, and not ours to read.
    #[error(
        "{device}: permission denied; install the udev rule 60-selfsame-hwrng.rules, which lets group _selfsame read \
         it, run `udevadm control --reload` and `udevadm trigger --sysname-match=hw_random`, and check that the \
         agent is in that group",
        device = device.display()
    )]
    Denied {
        /// The device.
        device: PathBuf,
    },
    /// The device is not there, or the generator behind it failed.
    #[error("{device}: {}", errno.desc(), device = device.display())]
    Device {
        /// The device.
        device: PathBuf,
        /// What the kernel says.
        errno: Errno,
    },
    /// The device gives no more.
    #[error("{device}: expected {need} more bytes, found its end", device = device.display())]
    Ended {
        /// The device.
        device: PathBuf,
        /// Bytes that are still missing.
        need: usize,
    },
    /// Behind the device is another generator than the one that this source is named after.
    #[error("rng_current: expected {expected}, found {found}")]
    Switched {
        /// The generator that the source is named after.
        expected: String,
        /// The kernel's generator now.
        found: String,
    },
    /// Which generator is behind the device can't be told.
    #[error(transparent)]
    Unknown(NoGenerator),
    /// It is the TPM's.
    #[error("rng_current is {name}, a TPM: that is the source `tpm` already, and not counted twice")]
    SameAsTpm {
        /// The kernel's name for it.
        name: String,
    },
}

/// The kernel's generator now; none where it has none.
fn current(path: &Path) -> Result<Option<Generator>, NoGenerator> {
    let unreadable =
        |error: &io::Error| NoGenerator::Unreadable { path: path.to_owned(), errno: errno(error) };
    let mut text = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(PAGE_BYTES).read_to_end(&mut text).map_err(|error| unreadable(&error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    if text.is_empty() || text == NOTHING.as_bytes() {
        return Ok(None);
    }
    Generator::parse(text).map(Some).ok_or_else(|| NoGenerator::Name { path: path.to_owned() })
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

/// What `rng_current` says where there is none. Source: drivers/char/hw_random/core.c, `rng_current_show`.
const NOTHING: &str = "none";

/// What a source's name begins with (protocol section 5).
const PREFIX: &str = "hwrng:";

/// A generator's name has so many bytes at most: with the prefix it is a source's of 64.
const NAME_BYTES_MOST: usize = 64 - PREFIX.len();

/// What a file in sysfs holds at most. Source: the kernel's Documentation/filesystems/sysfs.rst.
const PAGE_BYTES: u64 = 4096;
