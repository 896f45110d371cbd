//! A TPM's own counters, as a host tells them: what of them goes on over a start of the host.

use selfsame::{Evidence, Genesis, Introduction, Proof, TpmClock};

/// What is kept of a TPM, each from the latest moment that says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tpm {
    /// How often it was reset.
    pub(crate) resets: Option<u64>,
    /// How far its clock was.
    pub(crate) clock_ms: Option<u64>,
}

/// How a TPM's clock stands to how far it was by what the host last said of it.
///
/// It counts milliseconds while the TPM has power, and goes on where it was after a reset (TCG TPM 2.0 part 1, section
/// "Timing Components"). So it is the same TPM's, or another's that has had power for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TpmStep {
    /// It goes on.
    On {
        /// Milliseconds since.
        by_ms: u64,
    },
    /// It is behind, by no more than it may be where it lost its power before it noted how far it was, and says that this
    /// may be so (`safe` is false).
    Unsafe {
        /// Milliseconds.
        by_ms: u64,
    },
    /// It is behind as it can't be: another TPM's, or one that was cleared.
    Back {
        /// Milliseconds.
        by_ms: u64,
    },
}

impl Tpm {
    /// By the latest moment of the proof that says so.
    pub(crate) fn of_proof(proof: &Proof) -> Self {
        Self::of(|| in_proof(proof))
    }

    /// By what the introduction has: its moment, or else its genesis.
    pub(crate) fn of_introduction(introduction: &Introduction) -> Self {
        Self::of(|| {
            let moment = introduction.moment().map(selfsame::Moment::evidence);
            clocks(moment.into_iter().chain([introduction.genesis().evidence()]))
        })
    }

    /// What this does not say, as it was said before.
    pub(crate) fn or(self, before: Self) -> Self {
        Self { resets: self.resets.or(before.resets), clock_ms: self.clock_ms.or(before.clock_ms) }
    }

    /// How often it was reset since, where both say so and the count is not below what it was.
    pub(crate) fn resets_since(self, before: Self) -> Option<u64> {
        self.resets.zip(before.resets).and_then(|(after, before)| after.checked_sub(before))
    }

    /// How the clock in a proof stands to this one.
    pub(crate) fn step_to(self, proof: &Proof) -> Option<TpmStep> {
        let before = self.clock_ms?;
        let (after, is_safe) = in_proof(proof).find_map(|clock| Some((clock.clock_ms?, clock.safe)))?;
        Some(match after.checked_sub(before) {
            Some(by_ms) => TpmStep::On { by_ms },
            None => {
                let by_ms = before - after;
                let may_be = is_safe == Some(false) && by_ms <= NOTED_EVERY_MS;
                if may_be { TpmStep::Unsafe { by_ms } } else { TpmStep::Back { by_ms } }
            }
        })
    }

    fn of<C: Iterator<Item = TpmClock>>(latest_first: impl Fn() -> C) -> Self {
        Self {
            resets: latest_first().find_map(|clock| clock.reset_count),
            clock_ms: latest_first().find_map(|clock| clock.clock_ms),
        }
    }
}

/// What a proof's moments say of it, the latest first.
fn in_proof(proof: &Proof) -> impl Iterator<Item = TpmClock> {
    let moments = proof.hops().iter().rev().map(|hop| hop.moment().evidence());
    clocks(moments.chain(proof.genesis().map(Genesis::evidence)))
}

fn clocks<'e>(evidence: impl Iterator<Item = &'e Evidence>) -> impl Iterator<Item = TpmClock> {
    evidence.filter_map(|evidence| evidence.fields().tpm_clock)
}

/// A TPM notes how far its clock is at least so often: every 2^22 ms, some 70 minutes (TCG TPM 2.0 part 2,
/// TPMS_CLOCK_INFO).
const NOTED_EVERY_MS: u64 = 1 << 22;
