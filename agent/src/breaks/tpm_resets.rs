//! Whether the TPM was reset under a living agent: its counters say so (TPM 2.0 Library, part 1, "TPM Reset", "TPM Restart",
//! "TPM Resume").
//!
//! Over a suspend the TPM is resumed, or restarted, and `restartCount` goes up: that is as it should be. All else is the
//! TPM's power, or another TPM; a vTPM that is restarted looks the same.

use selfsame::EvidenceFields;

use crate::entropy::ClockReading;

/// The last reading, and how long the machine had slept by then.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TpmResets {
    last: Option<(Counts, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    resets: u64,
    restarts: u64,
}

impl TpmResets {
    /// From what a lineage's genesis says.
    pub(super) fn from_genesis(genesis: &EvidenceFields, slept_nanos: u64) -> Self {
        let counts = genesis
            .tpm_clock
            .and_then(|clock| Some(Counts { resets: clock.reset_count?, restarts: clock.restart_count? }));
        Self { last: counts.map(|counts| (counts, slept_nanos)) }
    }

    /// Takes a reading, and says how the TPM was reset since the one before, where it was.
    pub(super) fn changed(&mut self, reading: ClockReading, slept_nanos: u64) -> Option<String> {
        let now = Counts { resets: reading.reset_count.into(), restarts: reading.restart_count.into() };
        let (before, slept_before) = self.last.replace((now, slept_nanos))?;
        let has_slept = slept_nanos >= slept_before.saturating_add(SLEPT_NANOS);
        let is_resumed = has_slept && now.resets == before.resets && now.restarts > before.restarts;
        if now == before || is_resumed {
            return None;
        }
        Some(format!(
            "the TPM was reset: resetCount was {} and is {}, restartCount was {} and is {}",
            before.resets, now.resets, before.restarts, now.restarts
        ))
    }
}

/// A suspend is longer than this; what two readings of the clocks differ by is not.
const SLEPT_NANOS: u64 = 100_000_000;

#[cfg(test)]
mod tests {
    use selfsame::TpmClock;

    use super::*;

    fn reading(reset_count: u32, restart_count: u32) -> ClockReading {
        ClockReading { clock_ms: 1, reset_count, restart_count, safe: true }
    }

    #[test]
    fn only_a_restart_over_a_suspend_is_as_it_should_be() {
        for (resets, restarts, slept, is_told) in [
            (5, 2, 0, false),
            (5, 2, SLEPT_NANOS, false),
            (5, 3, SLEPT_NANOS, false),
            // two suspends between two draws
            (5, 4, SLEPT_NANOS, false),
            (5, 3, 0, true),
            (5, 3, SLEPT_NANOS - 1, true),
            (6, 0, 0, true),
            (6, 0, SLEPT_NANOS, true),
            (5, 1, SLEPT_NANOS, true),
            (4, 2, 0, true),
        ] {
            let mut tpm = TpmResets::default();
            assert_eq!(tpm.changed(reading(5, 2), 7), None, "the first says nothing");
            let changed = tpm.changed(reading(resets, restarts), 7 + slept);
            assert_eq!(changed.is_some(), is_told, "{resets} {restarts} {slept}: {changed:?}");
            assert_eq!(tpm.changed(reading(resets, restarts), 7 + slept), None, "told once");
        }
    }

    #[test]
    fn what_the_genesis_says_counts() {
        let clock = TpmClock { reset_count: Some(5), restart_count: Some(2), ..TpmClock::default() };
        let fields = EvidenceFields { tpm_clock: Some(clock), ..EvidenceFields::default() };
        assert!(
            TpmResets::from_genesis(&fields, 0).changed(reading(6, 0), 0).unwrap().contains("was 5 and is 6")
        );
        assert_eq!(TpmResets::from_genesis(&fields, 0).changed(reading(5, 2), 0), None);
        assert_eq!(TpmResets::from_genesis(&EvidenceFields::default(), 0).changed(reading(6, 0), 0), None);
    }
}
