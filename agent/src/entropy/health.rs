//! Continuous health tests of NIST SP 800-90B, section 4.4, on the raw draws of one source. A sample is one byte.
//!
//! Two tests run over all that a source gives: the repetition count test (4.4.1) and the adaptive proportion test
//! (4.4.2). Both look for one thing, a byte that comes too often for the min-entropy that is claimed: in a row, or
//! in a window of 512. So they see a source that is stuck, constant from some point on, that has lost much of its
//! alphabet, or that repeats itself within 34 bytes (for a claim of 8 bits). They don't see one that repeats
//! itself after more than that, that counts upwards, or that is predictable in any other way; and behind a source
//! that whitens its noise (a TPM, RDSEED, an HSM: all that are here) they see only what breaks the whitening too.
//! That is what the standard asks for, and nothing more is claimed.
//!
//! **What false alarms cost.** At [`ALPHA_BITS`] a sound source of 8 bits a byte gives an alarm of the first test once in
//! 2^32 bytes, one of the second once in 3·10^8 windows. At 32 bytes a draw that is, for RDSEED (drawn from every 8 s)
//! one in 34 years and one in 1,250; for a TPM (every 60 s) one in 255 years and one in 9,400. The source is then out
//! until [`START_UP_SAMPLES`] bytes, 32 draws, have passed. At 2^-20, the other end of what section 4.4 recommends,
//! RDSEED would be out every few months.

mod cutoff;
mod proportion;
mod repetition;
#[cfg(test)]
mod tests;

use proportion::Proportion;
use repetition::Repetition;

/// How many samples the start-up test takes at least. Source: SP 800-90B 4.3, requirement 4.
pub(crate) const START_UP_SAMPLES: usize = 1024;

/// The chance of a false alarm is 2 to the minus this: of the repetition count test at each sample, of the
/// adaptive proportion test in each window.
///
/// Source: SP 800-90B 4.4 recommends 20 to 40; 30 is what jitterentropy takes (its `src/jitterentropy-health.c`).
/// For a test's real chance see [`cutoff`].
const ALPHA_BITS: u32 = 30;

/// The min-entropy that is claimed for a byte of a source: more than 0 bits, at most 8, in thousandths of a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    millibits: u32,
}

impl Claim {
    /// All 8 bits: of a source whose output is conditioned to full entropy.
    pub(crate) const FULL: Self = Self { millibits: 8000 };

    /// A claim of so many thousandths of a bit; none where that is 0, or more than a byte has.
    pub(crate) const fn from_millibits(millibits: u32) -> Option<Self> {
        if millibits == 0 || millibits > Self::FULL.millibits { None } else { Some(Self { millibits }) }
    }
}

/// Both health tests of one source. What they hold on to is erased when they are dropped, and is not printed.
///
/// A source is out until its start-up test has passed, and again after an alarm.
pub(crate) struct HealthTests {
    repetition: Repetition,
    proportion: Proportion,
    passed: bool,
}

impl HealthTests {
    /// The tests of a source of which so much is claimed. It has to pass [`HealthTests::start_up`] first.
    pub(crate) fn new(claim: Claim) -> Self {
        Self {
            repetition: Repetition::new(cutoff::repetition(claim, ALPHA_BITS)),
            proportion: Proportion::new(cutoff::proportion(claim, ALPHA_BITS)),
            passed: false,
        }
    }

    /// Begins anew, and runs both tests over `samples`: consecutive ones, [`START_UP_SAMPLES`] of them or more.
    ///
    /// # Errors
    /// The first alarm; or that there are too few samples. Then the source is out.
    pub(crate) fn start_up(&mut self, samples: &[u8]) -> Result<(), Alarm> {
        self.passed = false;
        if samples.len() < START_UP_SAMPLES {
            return Err(Alarm::TooFew { need: START_UP_SAMPLES, have: samples.len() });
        }
        self.repetition.reset();
        self.proportion.reset();
        self.run(samples)?;
        self.passed = true;
        Ok(())
    }

    /// Goes on with both tests over the next samples of the source.
    ///
    /// # Errors
    /// The first alarm: then none of these samples is to be used, and the source is out.
    pub(crate) fn watch(&mut self, samples: &[u8]) -> Result<(), Alarm> {
        if !self.passed {
            return Err(Alarm::Out);
        }
        self.passed = false;
        self.run(samples)?;
        self.passed = true;
        Ok(())
    }

    fn run(&mut self, samples: &[u8]) -> Result<(), Alarm> {
        if self.repetition.watch(samples).is_some() {
            return Err(Alarm::Repetition { cutoff: self.repetition.cutoff() });
        }
        if self.proportion.watch(samples).is_some() {
            return Err(Alarm::Proportion { cutoff: self.proportion.cutoff(), window: proportion::WINDOW });
        }
        Ok(())
    }
}

/// Why a source is not to be used. Says nothing of its bytes, which may be part of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Alarm {
    /// The repetition count test, SP 800-90B 4.4.1.
    #[error("repetition count test: expected fewer than {cutoff} equal bytes in a row, found {cutoff}")]
    Repetition {
        /// So many equal bytes in a row are an alarm.
        cutoff: u32,
    },
    /// The adaptive proportion test, SP 800-90B 4.4.2.
    #[error(
        "adaptive proportion test: expected a window's first byte fewer than {cutoff} times in {window}, \
         found it {cutoff} times"
    )]
    Proportion {
        /// A first byte that is there so often is an alarm.
        cutoff: u32,
        /// Bytes in a window.
        window: u32,
    },
    /// The start-up test was given too little to pass it.
    #[error("start-up test: expected {need} bytes or more, found {have}")]
    TooFew {
        /// Bytes that it takes at least.
        need: usize,
        /// Bytes that there were.
        have: usize,
    },
    /// The source has not passed its start-up test, or not since its last alarm.
    #[error("start-up test: not passed yet")]
    Out,
}
