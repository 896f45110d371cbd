//! Reports, as the kernel gives them through configfs-tsm.
//!
//! A directory that is made below `report/` is one place to ask at: `inblob` takes what the report is to be over,
//! `outblob` is the report, `auxblob` what the provider gives beside it, `provider` who it is. `generation` counts what was
//! written; whatever was read between two equal ones is of one asking. `inblob` is taken in when it is closed, and an error
//! then is told to nobody, so the count is also what shows that it was taken in.
//!
//! Source: Documentation/ABI/testing/configfs-tsm-report, drivers/virt/coco/guest/report.c and fs/configfs/file.c of Linux.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    process,
};

use nix::errno::Errno;

use crate::{Checked, EvidenceError, PROVIDER_MAX_BYTES, Refusal, RefusalKind, Report, ReportData, check};

/// Where the kernel has it, with configfs where systemd mounts it.
pub const TSM_REPORT: &str = "/sys/kernel/config/tsm/report";

/// Bytes of a report, and of what is beside it, at most.
///
/// Source: our own bound. The kernel's is 32 KiB, and 16 MiB in newer ones (`TSM_REPORT_OUTBLOB_MAX`).
pub const REPORT_MAX_BYTES: usize = 1 << 20;

/// Where reports are made.
#[derive(Clone, Debug)]
pub struct Reports {
    root: PathBuf,
}

/// Why no report was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The kernel has no configfs-tsm.
    #[error(
        "no {}: this kernel has no configfs-tsm, or this machine no TEE; modules: sev-guest, tdx_guest, arm-cca-guest",
        path.display()
    )]
    NoTsm {
        /// Where it would be.
        path: PathBuf,
    },
    /// It has, but no TEE's driver is there.
    #[error(
        "configfs-tsm without a provider: load the TEE's driver (modprobe sev-guest, tdx_guest or arm-cca-guest)"
    )]
    NoProvider,
    /// Others write to the same place, again and again.
    #[error("others wrote to the same place in configfs-tsm, {ROUNDS} times")]
    Interfered,
    /// The TEE, or its driver, is busy.
    #[error("the TEE is busy: `{attribute}`: {why}")]
    Busy {
        /// The attribute that was asked for.
        attribute: &'static str,
        /// The kernel's error.
        why: io::Error,
    },
    /// A place to ask at can't be made or removed.
    #[error("no place to ask at in {}: {why}", path.display())]
    NoPlace {
        /// Which.
        path: PathBuf,
        /// The kernel's error.
        why: io::Error,
    },
    /// An attribute can't be read or written.
    #[error("`{attribute}` of configfs-tsm: {why}")]
    Attribute {
        /// Which.
        attribute: &'static str,
        /// The kernel's error.
        why: io::Error,
    },
    /// An attribute is larger than it may be.
    #[error("`{attribute}` of configfs-tsm has more than {most} bytes")]
    TooLarge {
        /// Which.
        attribute: &'static str,
        /// Bytes it may have.
        most: usize,
    },
    /// An attribute is not what it should be.
    #[error("`{attribute}` of configfs-tsm is not {expected}")]
    Unexpected {
        /// Which.
        attribute: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The report is not over what was asked for.
    #[error("the report of `{provider}` is refused: {why}")]
    Evidence {
        /// Whose report.
        provider: String,
        /// Why.
        why: EvidenceError,
    },
}

impl ReportError {
    /// What who asked is told.
    pub fn refusal(&self) -> Refusal {
        let kind = match self {
            Self::NoTsm { .. } | Self::NoProvider => RefusalKind::Unsupported,
            Self::Interfered | Self::Busy { .. } => RefusalKind::Busy,
            _ => RefusalKind::Failed,
        };
        Refusal { kind, text: self.to_string() }
    }
}

impl Reports {
    /// Below this directory.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes one report over `asked`, and looks whether it is. Nothing of it stays in configfs.
    ///
    /// # Errors
    ///
    /// Where the kernel gives none, or one over something else.
    pub fn make(&self, asked: &ReportData) -> Result<(Report, Checked), ReportError> {
        for _ in 0..ROUNDS {
            let entry = Entry::make(&self.root)?;
            let report = entry.report(asked);
            entry.remove()?;
            if let Some(report) = report? {
                let checked = check(&report.provider, &report.report, asked);
                let checked = checked
                    .map_err(|why| ReportError::Evidence { provider: report.provider.clone(), why })?;
                return Ok((report, checked));
            }
        }
        Err(ReportError::Interfered)
    }
}

/// A place to ask at, of our own.
struct Entry(PathBuf);

impl Entry {
    fn make(root: &Path) -> Result<Self, ReportError> {
        // a name is taken where one of another pid namespace has it, or one that was killed has left it behind
        for number in 0..NAMES {
            let path = root.join(format!("selfsame-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(why) if why.kind() == ErrorKind::AlreadyExists => {}
                Err(why) if why.kind() == ErrorKind::NotFound => {
                    return Err(ReportError::NoTsm { path: root.to_owned() });
                }
                Err(why) if is(&why, Errno::ENXIO) => return Err(ReportError::NoProvider),
                Err(why) => return Err(ReportError::NoPlace { path, why }),
            }
        }
        let why = io::Error::new(ErrorKind::AlreadyExists, format!("{NAMES} names are taken"));
        Err(ReportError::NoPlace { path: root.to_owned(), why })
    }

    /// A report over `asked`; none where others wrote meanwhile.
    fn report(&self, asked: &ReportData) -> Result<Option<Report>, ReportError> {
        match self.try_report(asked) {
            // root has removed the place under us
            Err(ReportError::Attribute { why, .. }) if why.kind() == ErrorKind::NotFound => Ok(None),
            report => report,
        }
    }

    fn try_report(&self, asked: &ReportData) -> Result<Option<Report>, ReportError> {
        let before = self.generation()?;
        self.write("inblob", asked.as_bytes())?;
        let report = self.read("outblob", REPORT_MAX_BYTES)?;
        // where it is not there, the provider gives nothing beside its reports
        let aux = match self.read("auxblob", REPORT_MAX_BYTES) {
            Err(ReportError::Attribute { why, .. }) if why.kind() == ErrorKind::NotFound => Vec::new(),
            aux => aux?,
        };
        let provider = self.provider()?;
        if self.generation()? != before.wrapping_add(1) {
            return Ok(None);
        }
        if report.is_empty() {
            return Err(ReportError::Unexpected { attribute: "outblob", expected: "a report: it is empty" });
        }
        Ok(Some(Report { provider, report, aux }))
    }

    fn generation(&self) -> Result<u64, ReportError> {
        let text = self.read("generation", LINE_MAX_BYTES)?;
        let number = str::from_utf8(&text).ok().and_then(|text| text.trim_end().parse().ok());
        number.ok_or(ReportError::Unexpected { attribute: "generation", expected: "a number" })
    }

    fn provider(&self) -> Result<String, ReportError> {
        let text = self.read("provider", LINE_MAX_BYTES)?;
        let name = str::from_utf8(&text).ok().map(str::trim_end).filter(|name| {
            (1..=PROVIDER_MAX_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        });
        name.map(str::to_owned).ok_or(ReportError::Unexpected {
            attribute: "provider",
            expected: "a name of 1 to 64 characters",
        })
    }

    fn read(&self, attribute: &'static str, most: usize) -> Result<Vec<u8>, ReportError> {
        let refused = |why| refused(attribute, why);
        let file = File::open(self.0.join(attribute)).map_err(refused)?;
        let mut bytes = Vec::new();
        file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(refused)?;
        if bytes.len() > most {
            return Err(ReportError::TooLarge { attribute, most });
        }
        Ok(bytes)
    }

    fn write(&self, attribute: &'static str, bytes: &[u8]) -> Result<(), ReportError> {
        let file = OpenOptions::new().write(true).open(self.0.join(attribute));
        // in one piece; the kernel takes it in when the file is closed, here
        file.and_then(|mut file| file.write_all(bytes)).map_err(|why| refused(attribute, why))
    }

    fn remove(self) -> Result<(), ReportError> {
        match fs::remove_dir(&self.0) {
            Err(why) if why.kind() != ErrorKind::NotFound => Err(ReportError::NoPlace { path: self.0, why }),
            _ => Ok(()),
        }
    }
}

/// What the kernel's error means.
fn refused(attribute: &'static str, why: io::Error) -> ReportError {
    match why.raw_os_error().map(Errno::from_raw) {
        // its driver was unloaded meanwhile
        Some(Errno::ENXIO) => ReportError::NoProvider,
        // too many have written and not read; an earlier quote of TDX is still under way; it took too long
        Some(Errno::EBUSY | Errno::EAGAIN | Errno::ETIMEDOUT) => ReportError::Busy { attribute, why },
        _ => ReportError::Attribute { attribute, why },
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno as i32)
}

/// How often a report is begun anew because others wrote at the same place: nobody should, each place has its owner.
const ROUNDS: usize = 4;

/// How many names a place may try: one is enough but where others were left behind.
const NAMES: usize = 64;

/// Bytes of an attribute that is a line, at most. Source: `SIMPLE_ATTR_SIZE` of fs/configfs/file.c.
const LINE_MAX_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_configfs_tsm_there_is_nothing_to_ask() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("tsm/report");
        let error = Reports::at(&root).make(&[7; 64].into()).unwrap_err();
        assert!(error.to_string().starts_with(&format!("no {}: ", root.display())), "{error}");
        assert_eq!(error.refusal().kind, RefusalKind::Unsupported);
    }

    #[test]
    fn each_error_of_the_kernel_is_told_for_what_it_means() {
        let kind = |errno: Errno| refused("outblob", io::Error::from(errno)).refusal().kind;
        assert_eq!(kind(Errno::ENXIO), RefusalKind::Unsupported);
        for errno in [Errno::EBUSY, Errno::EWOULDBLOCK, Errno::ETIMEDOUT] {
            assert_eq!(kind(errno), RefusalKind::Busy, "{errno}");
        }
        for errno in [Errno::EINVAL, Errno::EIO, Errno::EFBIG, Errno::ENOTTY, Errno::ENOMEM] {
            assert_eq!(kind(errno), RefusalKind::Failed, "{errno}");
        }
        let text = refused("outblob", io::Error::from(Errno::EFBIG)).to_string();
        assert!(text.starts_with("`outblob` of configfs-tsm: "), "{text}");
    }
}
