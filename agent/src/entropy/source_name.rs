//! The sources that the configuration can name, and how each is opened.

use std::{ffi::OsString, fmt, path::Path, str::FromStr};

use super::{
    Class, EntropySource,
    helper::{Remote, Unit},
    hwrng::{self, Detected, HwrngPaths, Wanted},
    kernel::Kernel,
    pkcs11::{Pkcs11Source, Uri, UriError},
    tpm::{Progress, SYSFS, Tcti, TpmSource},
};

/// A source that the configuration can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceName {
    /// The TPM at `tcti`.
    Tpm,
    /// The generator behind /dev/hwrng: this one, or whichever it is.
    Hwrng(Option<String>),
    /// A token that is reached through a PKCS #11 module.
    Pkcs11(Uri),
    /// The processor's RDSEED.
    Rdseed,
    /// The kernel's getrandom.
    Kernel,
}

/// Why a text names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SourceNameError {
    /// None of the names.
    #[error("expected one of {}, found \"{found}\"", FORMS.join(", "))]
    Unknown {
        /// What is there.
        found: String,
    },
    /// No name of a generator.
    #[error("expected `hwrng`, or `hwrng:` and a name as rng_current has it, found \"{found}\"")]
    Hwrng {
        /// What is there.
        found: String,
    },
    /// No PKCS #11 URI that is of use here.
    #[error(transparent)]
    Pkcs11(UriError),
}

impl SourceName {
    /// The classes that this source can be of. Only the machine can tell which of them.
    pub(crate) fn classes(&self) -> Vec<Class> {
        match self {
            SourceName::Tpm => vec![Class::Tpm],
            SourceName::Hwrng(None) => vec![Class::Tee, Class::Platform],
            SourceName::Hwrng(Some(name)) => hwrng::class_of(name).into_iter().collect(),
            SourceName::Pkcs11(_) => vec![Class::Hsm],
            SourceName::Rdseed => vec![Class::Cpu],
            SourceName::Kernel => vec![Class::Kernel],
        }
    }
}

impl SourceName {
    /// Opens the source in this process, which may be a helper; none where this processor has no RDSEED. `progress` is told
    /// where a draw has got on.
    pub(crate) fn open(&self, tcti: &Tcti, progress: Progress) -> Option<Box<dyn EntropySource>> {
        Some(match self {
            SourceName::Tpm => Box::new(TpmSource::new(tcti.clone(), Path::new(SYSFS), progress)),
            SourceName::Hwrng(name) => Box::new(Wanted::new(name.as_deref())),
            SourceName::Pkcs11(uri) => Box::new(Pkcs11Source::new(uri.clone())),
            SourceName::Rdseed => return processor(),
            SourceName::Kernel => Box::new(Kernel),
        })
    }
}

impl FromStr for SourceName {
    type Err = SourceNameError;

    fn from_str(text: &str) -> Result<Self, SourceNameError> {
        match text {
            "tpm" => Ok(SourceName::Tpm),
            "rdseed" => Ok(SourceName::Rdseed),
            "kernel" => Ok(SourceName::Kernel),
            "hwrng" => Ok(SourceName::Hwrng(None)),
            _ if text.starts_with("pkcs11:") => {
                text.parse().map(SourceName::Pkcs11).map_err(SourceNameError::Pkcs11)
            }
            _ if text.starts_with("hwrng:") => {
                let name = text.strip_prefix("hwrng:").filter(|name| hwrng::class_of(name).is_some());
                let name = name.ok_or_else(|| SourceNameError::Hwrng { found: text.to_owned() })?;
                Ok(SourceName::Hwrng(Some(name.to_owned())))
            }
            _ => Err(SourceNameError::Unknown { found: text.to_owned() }),
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceName::Tpm => f.write_str("tpm"),
            SourceName::Hwrng(None) => f.write_str("hwrng"),
            SourceName::Hwrng(Some(name)) => write!(f, "hwrng:{name}"),
            SourceName::Pkcs11(uri) => uri.fmt(f),
            SourceName::Rdseed => f.write_str("rdseed"),
            SourceName::Kernel => f.write_str("kernel"),
        }
    }
}

/// Which sources are drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sources {
    /// Those that are named; else the TPM, the kernel's hardware generator, the processor's, and the kernel's own.
    pub(crate) names: Vec<SourceName>,
    /// Whether somebody chose them: then one that this machine does not have counts as failed. Else it is left out, but
    /// for the TPM.
    pub(crate) chosen: bool,
}

impl Default for Sources {
    fn default() -> Self {
        let names = vec![SourceName::Tpm, SourceName::Hwrng(None), SourceName::Rdseed, SourceName::Kernel];
        Self { names, chosen: false }
    }
}

impl Sources {
    /// All of them, as the agent draws from them: those that may block in helper processes, which are started at the
    /// first draw; the TPM's by the unit at the socket `tpm_helper`, where one listens there. The kernel's is always among
    /// them, first.
    pub(crate) fn attach(&self, tcti: &Tcti, tpm_helper: Option<&Path>) -> Vec<Box<dyn EntropySource>> {
        let mut sources: Vec<Box<dyn EntropySource>> = vec![Box::new(Kernel)];
        sources.extend(self.names.iter().filter_map(|name| self.attach_one(name, tcti, tpm_helper)));
        sources
    }

    /// Those that give at once, apart from the ones that [`Sources::attach`] gives.
    pub(crate) fn attach_quick(&self) -> Vec<Box<dyn EntropySource>> {
        let mut sources: Vec<Box<dyn EntropySource>> = vec![Box::new(Kernel)];
        sources.extend(self.names.contains(&SourceName::Rdseed).then(processor).flatten());
        sources
    }

    /// The name of the kernel's generator, where it is left out because this user may not read it.
    pub(crate) fn left_out_hwrng(&self) -> Option<String> {
        if self.chosen || !self.names.contains(&SourceName::Hwrng(None)) {
            return None;
        }
        match hwrng::detect(&HwrngPaths::default()) {
            Detected::Source(found) if !found.is_readable() => Some(found.name().to_owned()),
            _ => None,
        }
    }

    fn attach_one(
        &self,
        name: &SourceName,
        tcti: &Tcti,
        tpm_helper: Option<&Path>,
    ) -> Option<Box<dyn EntropySource>> {
        match name {
            SourceName::Kernel => None,
            SourceName::Rdseed => {
                let source = processor();
                if source.is_none() {
                    tracing::info!("this processor has no RDSEED");
                }
                source
            }
            SourceName::Tpm => {
                let arguments = ["tpm-helper".into(), "--tcti".into(), OsString::from(tcti.to_string())];
                let unit = tpm_helper.map(|socket| Unit::new(socket, tcti));
                Some(Box::new(Remote::new("tpm", Class::Tpm, arguments).or_of(unit)))
            }
            SourceName::Pkcs11(uri) => Some(helped(Pkcs11Source::new(uri.clone()).name(), Class::Hsm, name)),
            SourceName::Hwrng(Some(generator)) => {
                let class = hwrng::class_of(generator).unwrap_or(Class::Platform);
                Some(helped(&name.to_string(), class, name))
            }
            SourceName::Hwrng(None) => self.attach_hwrng(),
        }
    }

    /// Whichever generator the kernel has. Where nobody chose it, one that is not there or may not be read is left out.
    fn attach_hwrng(&self) -> Option<Box<dyn EntropySource>> {
        match hwrng::detect(&HwrngPaths::default()) {
            Detected::Source(found) if self.chosen || found.is_readable() => {
                let name = found.name();
                Some(helped(name, found.class(), &name.parse().ok()?))
            }
            Detected::Source(found) => {
                tracing::info!("source {} is left out: this user may not read /dev/hwrng", found.name());
                None
            }
            Detected::SameAsTpm { name } => {
                tracing::info!("the kernel's generator is the TPM ({name}), which is not counted twice");
                None
            }
            Detected::None { why } if self.chosen => {
                tracing::warn!("no source hwrng: {why}");
                Some(helped("hwrng", Class::Platform, &SourceName::Hwrng(None)))
            }
            Detected::None { .. } => None,
        }
    }
}

/// A source in a helper process.
fn helped(name: &str, class: Class, source: &SourceName) -> Box<dyn EntropySource> {
    Box::new(Remote::new(name, class, ["source-helper".into(), OsString::from(source.to_string())]))
}

#[cfg(target_arch = "x86_64")]
fn processor() -> Option<Box<dyn EntropySource>> {
    super::rdseed::Rdseed::detect().map(|source| Box::new(source) as Box<dyn EntropySource>)
}

#[cfg(not(target_arch = "x86_64"))]
fn processor() -> Option<Box<dyn EntropySource>> {
    None
}

/// The forms that a source's name has.
const FORMS: [&str; 5] = ["tpm", "hwrng[:NAME]", "rdseed", "pkcs11:token=LABEL?module-path=/PATH", "kernel"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_always_among_the_sources_and_once() {
        let names = |sources: &Sources| -> Vec<String> {
            sources.attach(&Tcti::default(), None).iter().map(|source| source.name().to_owned()).collect()
        };
        assert_eq!(names(&Sources { names: vec![], chosen: true }), ["kernel"]);
        let all = names(&Sources::default());
        assert_eq!(all.iter().filter(|name| *name == "kernel").count(), 1);
        assert!(all.iter().any(|name| name == "tpm"));
    }

    #[test]
    fn each_form_is_taken_and_written_again() {
        for (text, classes) in [
            ("tpm", &[Class::Tpm][..]),
            ("hwrng", &[Class::Tee, Class::Platform]),
            ("hwrng:optee-rng", &[Class::Tee]),
            ("hwrng:virtio_rng.0", &[Class::Platform]),
            ("rdseed", &[Class::Cpu]),
            ("pkcs11:token=My%20HSM?module-path=/usr/lib/hsm.so", &[Class::Hsm]),
            ("kernel", &[Class::Kernel]),
        ] {
            let name: SourceName = text.parse().unwrap();
            assert_eq!((name.to_string().as_str(), name.classes().as_slice()), (text, classes));
        }
        for wrong in
            ["", "TPM", "hwrng:", "hwrng:a b", "hwrng:tpm-rng-0", "pkcs11:", "pkcs11:token=x", "dice"]
        {
            assert!(wrong.parse::<SourceName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_somebody_chose_is_attached_whether_or_not_it_is_there() {
        let names = ["hwrng:no-such", "pkcs11:token=gone?module-path=/nonexistent.so"];
        let names = names.map(|name| name.parse().unwrap()).to_vec();
        let sources = Sources { names, chosen: true }.attach(&Tcti::default(), None);
        let names: Vec<(&str, Class)> =
            sources.iter().map(|source| (source.name(), source.class())).collect();
        let expected =
            [("kernel", Class::Kernel), ("hwrng:no-such", Class::Platform), ("pkcs11:gone", Class::Hsm)];
        assert_eq!(names, expected);
    }

    #[test]
    fn names_and_classes_agree_with_the_sources() {
        for source in Sources::default().attach(&Tcti::default(), None) {
            let name: SourceName = source.name().parse().unwrap();
            assert_eq!(name.to_string(), source.name());
            assert!(name.classes().contains(&source.class()), "{}", source.name());
        }
    }
}
