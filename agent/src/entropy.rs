//! Where unpredictability comes from: the sources, and the thread that draws from them.

mod afresh;
mod condition;
mod gather;
mod health;
pub(crate) mod helper;
mod hwrng;
mod kernel;
mod pkcs11;
#[cfg(target_arch = "x86_64")]
mod rdseed;
mod remarks;
mod slow;
mod source_name;
mod tested;
pub(crate) mod tpm;

use std::fmt;

use zeroize::Zeroizing;

pub(crate) use afresh::Afresh;
pub(crate) use condition::{Health, Require, SourceStatus, Status, Unmet};
pub(crate) use gather::{BirthError, Gathering, Notice, Pace, Running};
use health::Claim;
pub(crate) use remarks::{ClockReading, Cost, Fact, Remarks};
pub(crate) use source_name::{SourceName, SourceNameError, Sources};
use tpm::TpmError;

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

    /// What there is to say about the last draw, besides its bytes: once.
    fn remarks(&mut self) -> Remarks {
        Remarks::default()
    }
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

    /// How much a byte of such a source is claimed to hold, which the cutoffs of its health tests are computed from.
    ///
    /// All of them are specified to give conditioned bytes: TPM2_GetRandom, C_GenerateRandom and the kernel's generator
    /// that of a DRBG, RDSEED full entropy (Intel SDM volume 1, 7.3.17). A driver's hwrng may pass on less: half is claimed,
    /// so that one which holds more only gives fewer alarms.
    const fn claim(self) -> Claim {
        match self {
            Class::Tpm | Class::Hsm | Class::Cpu | Class::Kernel => Claim::FULL,
            Class::Tee | Class::Platform => HALF,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Half of what a byte can hold.
const HALF: Claim = Claim::from_millibits(4000).expect("4 bits are more than none, and not more than 8");

/// What one source gave, to be framed and stirred in (protocol section 8). Erased when dropped.
pub(crate) struct Contribution {
    /// The source's name.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// The TPM's clock, where it was read with them.
    pub(crate) clock: Option<ClockReading>,
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
    /// A helper process, or the source in it.
    #[error(transparent)]
    Helper(helper::HelperError),
    /// The bytes failed a health test.
    #[error("health test: {0}")]
    Health(health::Alarm),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contribution_is_never_printed() {
        let contribution =
            Contribution { name: "kernel".into(), bytes: Zeroizing::new(vec![7; 32]), clock: None };
        assert_eq!(format!("{contribution:?}"), "Contribution { name: \"kernel\", .. }");
    }
}
