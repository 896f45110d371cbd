//! The lineage that the agent keeps: gone on with where a page was handed over, else born.

use std::{fs, os::fd::OwnedFd};

use selfsame::{Lineage, Origin, ResumeError};
use serde::{Deserialize, Serialize};

use crate::{
    clock::{AgeTime, Clock, ticks},
    config::MemorySetting,
    handover::Received,
    page::{AdoptError, History, Kind, LockError, MemoryKind, SecretPage, has_secret_memory},
};

/// A lineage, and when it was born.
pub(crate) struct Living {
    /// The lineage.
    pub(crate) lineage: Lineage<SecretPage>,
    /// The age clock's reading at its birth.
    pub(crate) born: AgeTime,
}

/// Why what was handed over is not gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum NotResumed {
    /// Only one of page and history came.
    #[error("of page and history only one was handed over")]
    Half,
    /// The page or the history can't be used.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// The history does not say when the lineage was born, or in another boot.
    #[error("the history is not of this boot")]
    OtherBoot,
    /// The age clock stands before the lineage's head: the machine was set back.
    #[error("the age clock stands at tick {now}, the lineage at {head}: it went backwards")]
    ClockBackwards {
        /// The clock.
        now: u64,
        /// The head.
        head: u64,
    },
    /// VMClock's generation counter is not what it was at the lineage's birth: the machine was loaded from a snapshot.
    #[error("VMClock's generation counter was {before} and is {now}: this machine may be a copy")]
    Cloned {
        /// At the lineage's birth.
        before: u64,
        /// Now.
        now: u64,
    },
    /// Page and history don't go together.
    #[error(transparent)]
    Resume(#[from] ResumeError),
}

impl NotResumed {
    /// Whether another live agent has the page: then this process has no business here.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self, Self::Adopt(AdoptError::Lock(LockError::Held { .. })))
    }

    /// Why the next lineage begins.
    pub(crate) fn reason(&self) -> selfsame::Reason {
        match self {
            Self::ClockBackwards { .. } => selfsame::Reason::Rollback,
            Self::Cloned { .. } => selfsame::Reason::Clone,
            Self::OtherBoot => selfsame::Reason::Boot,
            _ => selfsame::Reason::Lost,
        }
    }
}

/// What the history says of a birth.
#[derive(Debug, Serialize, Deserialize)]
struct BirthRecord {
    age_nanos: u64,
    boot_id: String,
    /// VMClock's generation counter, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
}

impl Living {
    /// Goes on with what was handed over; none: nothing was.
    ///
    /// `generation` is VMClock's counter now: where it must be that of the birth.
    pub(crate) fn resumed(
        received: Received,
        boot_id: &str,
        generation: Option<u64>,
        clock: &Clock,
    ) -> Option<Result<Self, NotResumed>> {
        match (received.page, received.history) {
            (None, None) => None,
            (Some(page), Some(history)) => Some(Self::adopt(page, history, boot_id, generation, clock)),
            _ => Some(Err(NotResumed::Half)),
        }
    }

    /// (A call of its own, as a birth is.)
    #[inline(never)]
    fn adopt(
        page: OwnedFd,
        history: OwnedFd,
        boot_id: &str,
        generation: Option<u64>,
        clock: &Clock,
    ) -> Result<Self, NotResumed> {
        let page = SecretPage::adopt(page, history)?;
        let birth =
            page.history().birth().and_then(|bytes| serde_json::from_slice::<BirthRecord>(bytes).ok());
        let birth = birth.filter(|birth| birth.boot_id == boot_id).ok_or(NotResumed::OtherBoot)?;
        if let (Some(before), Some(now)) = (birth.generation, generation)
            && before != now
        {
            return Err(NotResumed::Cloned { before, now });
        }
        let born = AgeTime::of_nanos(birth.age_nanos);
        let entries: Vec<Vec<u8>> = page.history().lineage().collect();
        let lineage = Lineage::resumed(page, entries)?;
        let (now, head) = (ticks(clock.age().nanos_since(born).unwrap_or(0)), lineage.head().index);
        if now + BACKWARDS_TICKS < head {
            return Err(NotResumed::ClockBackwards { now, head });
        }
        let mut living = Self { lineage, born };
        // whoever handed it over keeps it
        living.lineage.memory_mut().set_kept();
        Ok(living)
    }

    /// Records when the lineage was born.
    ///
    /// # Errors
    /// Where the history can't be written.
    pub(crate) fn record_birth(&mut self, boot_id: &str, generation: Option<u64>) -> std::io::Result<()> {
        let (age_nanos, boot_id) = (self.born.nanos(), boot_id.to_owned());
        let record = BirthRecord { age_nanos, boot_id, generation };
        let record = serde_json::to_vec(&record)?;
        self.lineage.memory_mut().history_mut().append(Kind::Birth, &record)
    }

    /// Records the settings that the agent runs by, as the configuration file has them, if they are not those that are
    /// recorded already. Where that can't be done, the lineage goes on, and this is said.
    pub(crate) fn keep_settings(&mut self, text: &str) {
        let history = self.lineage.memory_mut().history_mut();
        if history.settings() == Some(text.as_bytes()) {
            return;
        }
        if let Err(error) = history.append(Kind::Settings, text.as_bytes()) {
            tracing::warn!("these settings are not kept for a restart with bad ones: {error}");
        }
    }
}

/// The last settings that worked, where a history was handed over.
pub(crate) fn last_settings(received: &Received) -> Option<String> {
    let history = received.history.as_ref()?.try_clone().ok()?;
    let history = History::adopt(history).ok()?;
    String::from_utf8(history.settings()?.to_vec()).ok()
}

/// Where a new lineage's secrets are to live.
pub(crate) fn memory_kind(setting: MemorySetting) -> MemoryKind {
    match setting {
        MemorySetting::Secret => MemoryKind::Secret,
        MemorySetting::Locked => MemoryKind::Locked,
        // while there is secret memory in use the kernel refuses to hibernate
        MemorySetting::Auto if can_hibernate() || !has_secret_memory() => MemoryKind::Locked,
        MemorySetting::Auto => MemoryKind::Secret,
    }
}

/// Whether the machine could hibernate, were it not for secret memory: the kernel has it, and there is swap to write to.
fn can_hibernate() -> bool {
    let has = |file: &str, word: &str| {
        fs::read_to_string(file).is_ok_and(|text| text.split_whitespace().any(|found| found == word))
    };
    let swaps = fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1);
    has("/sys/power/state", "disk") && swaps
}

/// The origin of a lineage that follows one that was handed over and can't be gone on with.
pub(crate) fn origin_after(last: Origin, why: &NotResumed) -> Origin {
    Origin::new(why.reason(), last.predecessor().copied())
}

/// A pause between the clock's readings puts it behind (protocol section 7, check 6: a second).
const BACKWARDS_TICKS: u64 = 4096;
