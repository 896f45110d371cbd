//! The sources that the configuration can name, and how each is opened.

use std::{ffi::OsString, fmt, path::Path, str::FromStr};

use super::{
    Class, EntropySource,
    helper::Remote,
    kernel::Kernel,
    tpm::{Progress, SYSFS, Tcti, TpmSource},
};

/// A source that the configuration can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceName {
    /// The TPM at `tcti`.
    Tpm,
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
}

impl SourceName {
    /// The classes that this source can be of. Only the machine can tell which of them.
    pub(crate) fn classes(&self) -> Vec<Class> {
        match self {
            SourceName::Tpm => vec![Class::Tpm],
            SourceName::Rdseed => vec![Class::Cpu],
            SourceName::Kernel => vec![Class::Kernel],
        }
    }
}

impl SourceName {
    /// Opens the source in this process, which may be a helper. `progress` is told where a draw has got on.
    pub(crate) fn open(&self, tcti: &Tcti, progress: Progress) -> Box<dyn EntropySource> {
        match self {
            SourceName::Tpm => Box::new(TpmSource::new(tcti.clone(), Path::new(SYSFS), progress)),
            SourceName::Rdseed => processor().unwrap_or_else(|| Box::new(Kernel)),
            SourceName::Kernel => Box::new(Kernel),
        }
    }
}

impl FromStr for SourceName {
    type Err = SourceNameError;

    fn from_str(text: &str) -> Result<Self, SourceNameError> {
        match text {
            "tpm" => Ok(SourceName::Tpm),
            "rdseed" => Ok(SourceName::Rdseed),
            "kernel" => Ok(SourceName::Kernel),
            _ => Err(SourceNameError::Unknown { found: text.to_owned() }),
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SourceName::Tpm => "tpm",
            SourceName::Rdseed => "rdseed",
            SourceName::Kernel => "kernel",
        })
    }
}

/// Which sources are drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sources {
    /// Those that are named, or all that there are.
    pub(crate) names: Vec<SourceName>,
    /// Whether somebody chose them: then one that this machine does not have counts as failed. Else it is left out, but
    /// for the TPM.
    pub(crate) chosen: bool,
}

impl Default for Sources {
    fn default() -> Self {
        Self { names: vec![SourceName::Tpm, SourceName::Rdseed, SourceName::Kernel], chosen: false }
    }
}

impl Sources {
    /// All of them, as the agent draws from them: those that may block in helper processes, which are started at the
    /// first draw. The kernel's is always among them, first.
    pub(crate) fn attach(&self, tcti: &Tcti) -> Vec<Box<dyn EntropySource>> {
        let mut sources: Vec<Box<dyn EntropySource>> = vec![Box::new(Kernel)];
        sources.extend(self.names.iter().filter_map(|name| attach(name, tcti)));
        sources
    }
}

fn attach(name: &SourceName, tcti: &Tcti) -> Option<Box<dyn EntropySource>> {
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
            Some(Box::new(Remote::new("tpm", Class::Tpm, arguments)))
        }
    }
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
const FORMS: [&str; 3] = ["tpm", "rdseed", "kernel"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_always_among_the_sources_and_once() {
        let names = |sources: &Sources| -> Vec<String> {
            sources.attach(&Tcti::default()).iter().map(|source| source.name().to_owned()).collect()
        };
        assert_eq!(names(&Sources { names: vec![], chosen: true }), ["kernel"]);
        let all = names(&Sources::default());
        assert_eq!(all.iter().filter(|name| *name == "kernel").count(), 1);
        assert!(all.iter().any(|name| name == "tpm"));
    }

    #[test]
    fn names_and_classes_agree_with_the_sources() {
        for source in Sources::default().attach(&Tcti::default()) {
            let name: SourceName = source.name().parse().unwrap();
            assert_eq!(name.to_string(), source.name());
            assert!(name.classes().contains(&source.class()), "{}", source.name());
        }
    }
}
