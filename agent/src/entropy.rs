//! Where unpredictability comes from: the sources, and the thread that draws from them.

mod condition;
mod gather;
#[cfg_attr(not(test), expect(dead_code, reason = "not drawn through yet"))]
mod health;
#[cfg_attr(not(test), expect(dead_code, reason = "not drawn through yet"))]
mod hwrng;
mod kernel;
#[cfg_attr(not(test), expect(dead_code, reason = "not drawn through yet"))]
mod pkcs11;
#[cfg(target_arch = "x86_64")]
mod rdseed;
mod slow;
pub(crate) mod tpm;

use std::fmt;

use zeroize::Zeroizing;

pub(crate) use condition::{Health, Require, SourceStatus, Status, Unmet};
pub(crate) use gather::{BirthError, Gathering, Notice, Pace, Running};
use tpm::{Tcti, TpmError, TpmSource};

/// Something that random bytes can be drawn from.
pub(crate) trait EntropySource: Send {
    /// Its name in a moment's evidence and in contributions (protocol sections 5 and 8).
    fn name(&self) -> &str;

    /// What kind of thing it is.
    fn class(&self) -> Class;

    /// Fills `out`, or says why not. On an error `out` may hold anything, and is not to be used.
    ///
    /// # Errors
    /// Where the source gives nothing now. It may again at a later draw.
    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError>;
}

/// What kind of thing a source is. `require` is made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A TPM.
    Tpm,
    /// A trusted execution environment or secure processor.
    Tee,
    /// A hardware security module or smart card.
    Hsm,
    /// The processor itself.
    Cpu,
    /// The hypervisor.
    Platform,
    /// The kernel. Never counted as hardware.
    Kernel,
}

impl Class {
    /// The class as it is written in the configuration and on the bus.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Class::Tpm => "tpm",
            Class::Tee => "tee",
            Class::Hsm => "hsm",
            Class::Cpu => "cpu",
            Class::Platform => "platform",
            Class::Kernel => "kernel",
        }
    }

    /// Whether a draw may take long, or for ever: such a source has a thread of its own.
    const fn may_block(self) -> bool {
        !matches!(self, Class::Cpu | Class::Kernel)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one source gave, to be framed and stirred in (protocol section 8). Erased when dropped.
pub(crate) struct Contribution {
    /// The source's name.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Contribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contribution").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why a draw gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum DrawError {
    /// The TPM.
    #[error(transparent)]
    Tpm(TpmError),
    /// The kernel's hardware generator.
    #[error(transparent)]
    Hwrng(hwrng::HwrngError),
    /// A hardware security module or smart card.
    #[error(transparent)]
    Pkcs11(pkcs11::Pkcs11Error),
    /// The processor's generator.
    #[error("RDSEED gave nothing in {attempts} attempts")]
    Exhausted {
        /// How often it was asked for one word.
        attempts: u32,
    },
    /// The kernel's getrandom.
    #[error("getrandom: {text}")]
    Kernel {
        /// What it says.
        text: String,
    },
}

/// A source that the configuration can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceName {
    /// The TPM at `tcti`.
    Tpm,
    /// The processor's RDSEED.
    Rdseed,
    /// The kernel's getrandom.
    Kernel,
}

impl SourceName {
    /// All of them.
    pub(crate) const ALL: [SourceName; 3] = [SourceName::Tpm, SourceName::Rdseed, SourceName::Kernel];

    /// The name as it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            SourceName::Tpm => "tpm",
            SourceName::Rdseed => "rdseed",
            SourceName::Kernel => "kernel",
        }
    }

    /// The class of the source.
    pub(crate) const fn class(self) -> Class {
        match self {
            SourceName::Tpm => Class::Tpm,
            SourceName::Rdseed => Class::Cpu,
            SourceName::Kernel => Class::Kernel,
        }
    }
}

/// The sources that `wanted` names and this machine can have. The kernel's is always among them, first.
pub(crate) fn sources(wanted: &[SourceName], tcti: &Tcti) -> Vec<Box<dyn EntropySource>> {
    let mut sources: Vec<Box<dyn EntropySource>> = vec![Box::new(kernel::Kernel)];
    if wanted.contains(&SourceName::Rdseed) {
        match processor() {
            Some(source) => sources.push(source),
            None => tracing::info!("this processor has no RDSEED"),
        }
    }
    if wanted.contains(&SourceName::Tpm) {
        sources.push(Box::new(TpmSource::new(tcti.clone())));
    }
    sources
}

#[cfg(target_arch = "x86_64")]
fn processor() -> Option<Box<dyn EntropySource>> {
    rdseed::Rdseed::detect().map(|source| Box::new(source) as Box<dyn EntropySource>)
}

#[cfg(not(target_arch = "x86_64"))]
fn processor() -> Option<Box<dyn EntropySource>> {
    None
}

fn draw(source: &mut dyn EntropySource) -> Result<Contribution, DrawError> {
    let mut bytes = Zeroizing::new(vec![0; DRAW_BYTES]);
    source.draw(&mut bytes)?;
    Ok(Contribution { name: source.name().to_owned(), bytes })
}

/// What is drawn from a source at a time: as much as the state holds (protocol section 8).
const DRAW_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_always_among_the_sources() {
        let none = sources(&[], &Tcti::default());
        assert_eq!(none.iter().map(|source| source.name()).collect::<Vec<_>>(), ["kernel"]);

        let all = sources(&SourceName::ALL, &Tcti::default());
        assert_eq!(all.iter().filter(|source| source.class() == Class::Kernel).count(), 1);
        assert!(all.iter().any(|source| source.name() == "tpm"));
    }

    #[test]
    fn names_and_classes_agree_with_the_sources() {
        for source in sources(&SourceName::ALL, &Tcti::default()) {
            let name = SourceName::ALL.into_iter().find(|name| name.as_str() == source.name()).unwrap();
            assert_eq!(name.class(), source.class(), "{}", source.name());
        }
    }

    #[test]
    fn a_contribution_is_never_printed() {
        let contribution = draw(&mut kernel::Kernel).unwrap();
        assert_eq!(contribution.bytes.len(), 32);
        assert_eq!(format!("{contribution:?}"), "Contribution { name: \"kernel\", .. }");
    }
}
