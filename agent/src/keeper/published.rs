//! What anyone may know of the lineage, without asking the keeper.

use std::sync::{Arc, Mutex, MutexGuard};

use selfsame::{Genesis, Head, Lineage, LineageId, Memory};
use tokio::sync::watch;

use crate::entropy::ClockReading;

/// The public face of the agent's lineage. When that ends, it is its successor's.
#[derive(Debug)]
pub(crate) struct Published {
    face: Mutex<Face>,
    tpm_clock: Mutex<Option<ClockReading>>,
    foreign_anchors: watch::Sender<u64>,
}

/// What is published of one lineage, all of it of one time.
#[derive(Clone, Debug)]
pub(crate) struct Face {
    /// The lineage's first moment.
    pub(crate) genesis: Arc<Genesis>,
    /// Its id.
    pub(crate) lineage: LineageId,
    /// Its newest moment.
    pub(crate) head: Head,
    /// Moments so far, the genesis counted.
    pub(crate) moments: u64,
    /// Where its secrets live.
    pub(crate) memory: &'static str,
}

impl Published {
    pub(super) fn of<M: Memory>(lineage: &Lineage<M>, memory: &'static str) -> Self {
        let in_genesis = lineage.genesis().evidence().fields().tpm_clock.as_ref();
        Self {
            face: Mutex::new(Face::of(lineage, memory)),
            tpm_clock: Mutex::new(in_genesis.and_then(ClockReading::in_evidence)),
            foreign_anchors: watch::Sender::new(0),
        }
    }

    /// All of it.
    pub(crate) fn face(&self) -> Face {
        self.lock().clone()
    }

    /// The lineage.
    pub(crate) fn lineage(&self) -> LineageId {
        self.lock().lineage
    }

    /// The TPM's clock, as it was read last; none where it never was.
    pub(crate) fn tpm_clock(&self) -> Option<ClockReading> {
        *self.tpm_clock.lock().expect("no thread panics while it holds the reading")
    }

    /// Refusals that said that another answered in this host's name, and how to learn of the next.
    pub(crate) fn foreign_anchors(&self) -> watch::Receiver<u64> {
        self.foreign_anchors.subscribe()
    }

    /// There is a new moment.
    pub(super) fn update<M: Memory>(&self, lineage: &Lineage<M>) {
        let mut face = self.lock();
        (face.head, face.moments) = (lineage.head(), lineage.moments());
    }

    /// There is a new lineage.
    pub(super) fn replace<M: Memory>(&self, lineage: &Lineage<M>, memory: &'static str) {
        *self.lock() = Face::of(lineage, memory);
    }

    pub(super) fn note_tpm_clock(&self, reading: ClockReading) {
        *self.tpm_clock.lock().expect("no thread panics while it holds the reading") = Some(reading);
    }

    pub(super) fn count_foreign_anchor(&self) {
        self.foreign_anchors.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Face> {
        self.face.lock().expect("no thread panics while it holds the face")
    }
}

impl Face {
    fn of<M: Memory>(lineage: &Lineage<M>, memory: &'static str) -> Self {
        let genesis = Arc::new(lineage.genesis().clone());
        Self { genesis, lineage: *lineage.id(), head: lineage.head(), moments: lineage.moments(), memory }
    }
}
