//! What anyone may know of the lineage, without asking the keeper.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use selfsame::{Genesis, Head, Lineage, LineageId, Memory};
use tokio::sync::watch;

use crate::entropy::ClockReading;

/// The public face of a lineage: fixed at birth, or updated with every moment.
#[derive(Debug)]
pub(crate) struct Published {
    genesis: Genesis,
    lineage: LineageId,
    head: Mutex<Head>,
    moments: AtomicU64,
    tpm_clock: Mutex<Option<ClockReading>>,
    foreign_anchors: watch::Sender<u64>,
    memory: &'static str,
}

impl Published {
    pub(super) fn of<M: Memory>(lineage: &Lineage<M>, memory: &'static str) -> Self {
        Self {
            genesis: lineage.genesis().clone(),
            lineage: *lineage.id(),
            head: Mutex::new(lineage.head()),
            moments: AtomicU64::new(lineage.moments()),
            tpm_clock: Mutex::new(
                lineage.genesis().evidence().fields().tpm_clock.as_ref().and_then(ClockReading::in_evidence),
            ),
            foreign_anchors: watch::Sender::new(0),
            memory,
        }
    }

    /// The lineage's first moment.
    pub(crate) fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Its id.
    pub(crate) fn lineage(&self) -> &LineageId {
        &self.lineage
    }

    /// Where its secrets live.
    pub(crate) fn memory(&self) -> &'static str {
        self.memory
    }

    /// The head.
    pub(crate) fn head(&self) -> Head {
        *self.head.lock().expect("no thread panics while it holds the head")
    }

    /// Moments so far, the genesis counted.
    pub(crate) fn moments(&self) -> u64 {
        self.moments.load(Ordering::Relaxed)
    }

    /// The TPM's clock, as it was read last; none where it never was.
    pub(crate) fn tpm_clock(&self) -> Option<ClockReading> {
        *self.tpm_clock.lock().expect("no thread panics while it holds the reading")
    }

    /// Refusals that said that another answered in this host's name, and how to learn of the next.
    pub(crate) fn foreign_anchors(&self) -> watch::Receiver<u64> {
        self.foreign_anchors.subscribe()
    }

    pub(super) fn update<M: Memory>(&self, lineage: &Lineage<M>) {
        *self.head.lock().expect("no thread panics while it holds the head") = lineage.head();
        self.moments.store(lineage.moments(), Ordering::Relaxed);
    }

    pub(super) fn note_tpm_clock(&self, reading: ClockReading) {
        *self.tpm_clock.lock().expect("no thread panics while it holds the reading") = Some(reading);
    }

    pub(super) fn count_foreign_anchor(&self) {
        self.foreign_anchors.send_modify(|count| *count += 1);
    }
}
