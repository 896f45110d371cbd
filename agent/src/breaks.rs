//! Breaks: what says that this host is not, or may not be, the unbroken continuation of itself.
//!
//! What the platform tells is looked at before every moment. The keeper ends the lineage, or marks it; here is only
//! judged. What each platform has is said by `diagnose`.

mod listening;
pub(crate) mod sleep;
mod tpm_resets;
mod uevents;
mod vmclock;
mod wall;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use selfsame::{EvidenceFields, Reason};

use crate::{
    config::{Config, OnChange},
    entropy::ClockReading,
};

pub(crate) use listening::Listening;
pub(crate) use sleep::Inhibiting;
use tpm_resets::TpmResets;
pub(crate) use vmclock::{Generation, VmClock};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The lineage has to end.
    End(Reason),
    /// It goes on, and says that it is degraded: why.
    Mark(String),
    /// It goes on as it is; the journal is told this.
    Note(String),
}

/// What a page of the hypervisor's says: a [`VmClock`], or what a test has in its place.
pub(crate) trait Generations: Send {
    /// As it is now; none where it can't be read this time.
    fn read(&mut self) -> Option<Generation>;
}

/// What the platform says, and what is made of it.
pub(crate) struct Breaks {
    vmclock: Option<Box<dyn Generations>>,
    /// What it said when the lineage began, or when that was last marked.
    base: Option<Generation>,
    /// How often the kernel has told of a new VM generation id.
    told: Arc<AtomicU64>,
    /// How often of these are known.
    known: u64,
    tpm: TpmResets,
    on_generation_change: OnChange,
    on_tpm_reset: OnChange,
}

impl Breaks {
    /// What this platform has.
    pub(crate) fn of(vmclock: Option<Box<dyn Generations>>, told: Arc<AtomicU64>, config: &Config) -> Self {
        let (on_generation_change, on_tpm_reset) = (config.on_generation_change, config.on_tpm_reset);
        let tpm = TpmResets::default();
        let mut breaks =
            Self { vmclock, base: None, told, known: 0, tpm, on_generation_change, on_tpm_reset };
        breaks.begin();
        breaks
    }

    /// A lineage begins: what is from now on is how it should stay.
    pub(crate) fn begin(&mut self) {
        self.base = self.vmclock.as_mut().and_then(|clock| clock.read());
        self.known = self.told.load(Ordering::Acquire);
    }

    /// What its genesis says of the TPM, after so many nanoseconds of sleep.
    pub(crate) fn begin_tpm(&mut self, genesis: &EvidenceFields, slept_nanos: u64) {
        self.tpm = TpmResets::from_genesis(genesis, slept_nanos);
    }

    /// What VMClock's generation counter is at the lineage's beginning; none where there is none.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.base.and_then(|base| base.counter)
    }

    /// Looks at what the platform tells.
    pub(crate) fn platform(&mut self) -> Option<Found> {
        if let Some(found) = self.vmclock() {
            return Some(found);
        }
        let told = self.told.load(Ordering::Acquire);
        if told == self.known {
            return None;
        }
        self.known = told;
        // it is told of a restored snapshot too, where the counter has said so already, or will at this very moment
        let is_counted = self.generation().is_some();
        (!is_counted).then(|| self.generation_changed("the VM generation id has changed"))
    }

    /// Takes a reading of the TPM's clock, after so many nanoseconds of sleep.
    pub(crate) fn tpm_clock(&mut self, reading: ClockReading, slept_nanos: u64) -> Option<Found> {
        let why = self.tpm.changed(reading, slept_nanos)?;
        Some(match self.on_tpm_reset {
            OnChange::End => Found::End(Reason::Reset),
            OnChange::Mark => Found::Mark(why),
        })
    }

    fn vmclock(&mut self) -> Option<Found> {
        let now = self.vmclock.as_mut()?.read()?;
        let base = self.base.replace(now)?;
        if let (Some(counter), Some(before)) = (now.counter, base.counter)
            && counter != before
        {
            return Some(self.generation_changed("VMClock's generation counter has changed"));
        }
        if now.disruption != base.disruption {
            let what = "VMClock tells of a disruption";
            return Some(match now.counter {
                // it would have changed with a snapshot: this is a live migration
                Some(_) => Found::Note(format!("{what} and of no new generation: a live migration")),
                None => Found::Mark(format!("{what}, and this one has no generation counter")),
            });
        }
        None
    }

    fn generation_changed(&self, what: &str) -> Found {
        match self.on_generation_change {
            OnChange::End => Found::End(Reason::Clone),
            OnChange::Mark => Found::Mark(format!("{what}: this machine may be a copy")),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
