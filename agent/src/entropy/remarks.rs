//! What a source has to say besides its bytes. Nothing here is secret.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a source says after a draw: what is new since the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Remarks {
    /// The TPM's clock, read with this draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clock: Option<ClockReading>,
    /// What this draw took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost: Option<Cost>,
    /// What the device says that it is, in words; where it was opened anew.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) facts: Vec<Fact>,
}

/// Something that a device says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    /// What it is about, such as `firmware`.
    pub(crate) about: String,
    /// What it is.
    pub(crate) text: String,
}

impl Fact {
    pub(crate) fn new(about: &str, text: impl Into<String>) -> Self {
        Self { about: about.to_owned(), text: text.into() }
    }
}

/// TPM2_ReadClock's answer, as evidence key 3 has it (protocol section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockReading {
    /// The TPM's clock, in ms that it was powered.
    pub(crate) clock_ms: u64,
    /// How often it was reset.
    pub(crate) reset_count: u32,
    /// How often it was restarted, or went on after a suspend.
    pub(crate) restart_count: u32,
    /// Whether the clock can't have gone back.
    pub(crate) safe: bool,
}

impl ClockReading {
    /// The reading that a moment's evidence has; none where it lacks a part of it.
    pub(crate) fn in_evidence(clock: &selfsame::TpmClock) -> Option<Self> {
        Some(Self {
            clock_ms: clock.clock_ms?,
            reset_count: clock.reset_count?.try_into().ok()?,
            restart_count: clock.restart_count?.try_into().ok()?,
            safe: clock.safe?,
        })
    }
}

impl From<ClockReading> for selfsame::TpmClock {
    fn from(reading: ClockReading) -> Self {
        Self {
            clock_ms: Some(reading.clock_ms),
            reset_count: Some(reading.reset_count.into()),
            restart_count: Some(reading.restart_count.into()),
            safe: Some(reading.safe),
        }
    }
}

/// What the commands for random bytes of one draw took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    /// Commands.
    pub(crate) commands: u32,
    /// Bytes that they gave.
    pub(crate) bytes: u32,
    /// Microseconds that they took together.
    pub(crate) micros: u64,
}

impl Cost {
    /// One more command, of `bytes` bytes.
    pub(crate) fn add(&mut self, bytes: usize, took: Duration) {
        self.commands = self.commands.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.micros = self.micros.saturating_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Milliseconds a command; none where there was none.
    pub(crate) fn latency_ms(&self) -> Option<f64> {
        (self.commands > 0).then(|| self.micros as f64 / 1000.0 / f64::from(self.commands))
    }

    /// Bytes a second; none where it took no time.
    pub(crate) fn bytes_per_second(&self) -> Option<f64> {
        (self.micros > 0).then(|| f64::from(self.bytes) * 1e6 / self.micros as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_latency_and_throughput() {
        let mut cost = Cost::default();
        assert_eq!((cost.latency_ms(), cost.bytes_per_second()), (None, None));
        cost.add(32, Duration::from_millis(10));
        cost.add(32, Duration::from_millis(30));
        assert_eq!((cost.latency_ms(), cost.bytes_per_second()), (Some(20.0), Some(1600.0)));
    }

    #[test]
    fn a_reading_comes_back_from_evidence() {
        let reading = ClockReading { clock_ms: 1, reset_count: 2, restart_count: 3, safe: true };
        let evidence = selfsame::TpmClock::from(reading);
        assert_eq!(ClockReading::in_evidence(&evidence), Some(reading));
        assert_eq!(ClockReading::in_evidence(&selfsame::TpmClock { safe: None, ..evidence }), None);
    }

    #[test]
    fn remarks_travel_as_json_and_what_is_empty_is_left_out() {
        assert_eq!(serde_json::to_string(&Remarks::default()).unwrap(), "{}");
        let clock = ClockReading { clock_ms: 1, reset_count: 2, restart_count: 3, safe: true };
        let remarks = Remarks {
            clock: Some(clock),
            cost: Some(Cost { commands: 1, bytes: 32, micros: 5 }),
            facts: vec![Fact::new("firmware", "1.2")],
        };
        let text = serde_json::to_string(&remarks).unwrap();
        assert_eq!(serde_json::from_str::<Remarks>(&text).unwrap(), remarks);
    }
}
