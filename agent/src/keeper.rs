//! The keeper: one plain thread, the only owner of the lineage and its secrets.
//!
//! It waits on a bounded channel. All that is waiting when it wakes becomes one moment (group commit), so
//! throughput is the bus's and not the hash function's. Nobody else ever sees the lineage; what others may read of
//! it is [`Published`].

mod handle;
mod published;

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use selfsame::{
    Behaviour, Evidence, EvidenceFields, HopAnswer, HopError, Introduction, Lineage, Memory, MomentError,
    Proof, ProveRefusal, Request, Step,
};
use tokio::sync::{oneshot, watch};
use zeroize::Zeroizing;

use crate::{
    behaviour::Sample,
    clock::{AgeTime, Clock, nanos_of_ticks},
    entropy::{ClockReading, Contribution, Status},
    page::{lock_stack, wipe_stack},
};

pub(crate) use handle::{Keeper, KeeperError};
pub(crate) use published::Published;

/// What the keeper is told.
enum Message {
    Prove { request: Box<Request>, reply: oneshot::Sender<Result<Proof, ProveRefusal>> },
    Introduce { reply: oneshot::Sender<Introduction> },
    Hop { index: u64, tier: u8, way: bool, reply: oneshot::Sender<Result<HopAnswer, HopError>> },
    Stir(Contribution),
    Beat(Sample),
    Stop,
}

/// Why the keeper's thread ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Ended {
    /// The age clock stands behind the lineage's own age, by more than a pause of the clock's own kind.
    #[error("the age clock went backwards: it stands at tick {now}, the lineage at {head}")]
    ClockBackwards {
        /// The age clock, in the lineage's ticks.
        now: u64,
        /// The head's index.
        head: u64,
    },
    /// The lineage can't take another step.
    #[error("no further moment can be made: {why}")]
    NoMoment {
        /// Why.
        why: String,
    },
    /// The kernel gives no randomness.
    #[error("the kernel gives no random bytes: {0}")]
    Kernel(getrandom::Error),
}

/// The lineage, and what its moments are made from.
pub(crate) struct Kept<M> {
    /// The lineage.
    pub(crate) lineage: Lineage<M>,
    /// The age clock's reading at its birth.
    pub(crate) born: AgeTime,
    /// The host's clocks.
    pub(crate) clock: Clock,
    /// How the sources are.
    pub(crate) sources: Status,
    /// Where the secrets live, as the bus has it.
    pub(crate) memory: &'static str,
}

/// Starts the keeper's thread.
///
/// # Errors
/// Where no thread can be started.
pub(crate) fn start<M>(kept: Kept<M>) -> io::Result<(Keeper, JoinHandle<Result<(), Ended>>)>
where
    M: Memory + Send + 'static,
{
    let (sender, receiver) = sync_channel(WAITING_MOST);
    let (alive, ends) = watch::channel(());
    let published = Arc::new(Published::of(&kept.lineage, kept.memory));
    let work = Work {
        kept,
        receiver,
        published: published.clone(),
        _alive: alive,
        names: BTreeSet::new(),
        samples: 0,
        tpm_clock: None,
    };
    let thread = thread::Builder::new().name("keeper".into()).spawn(move || work.run())?;
    Ok((Keeper::new(sender, published, ends), thread))
}

struct Work<M> {
    kept: Kept<M>,
    receiver: Receiver<Message>,
    published: Arc<Published>,
    /// Goes with the thread: who waits for its end sees it.
    _alive: watch::Sender<()>,
    /// Sources mixed in since the last moment.
    names: BTreeSet<String>,
    /// Samples of behaviour so far.
    samples: u64,
    /// The TPM's clock, where it was read since the last moment.
    tpm_clock: Option<ClockReading>,
}

/// What is waiting, sorted.
#[derive(Default)]
struct Waiting {
    requests: Vec<(Request, oneshot::Sender<Result<Proof, ProveRefusal>>)>,
    beat: bool,
    stop: bool,
}

impl<M: Memory> Work<M> {
    fn run(mut self) -> Result<(), Ended> {
        if let Err(error) = lock_stack() {
            tracing::warn!("what the keeper computes with may be swapped: {error}");
        }
        while let Ok(first) = self.receiver.recv() {
            let mut waiting = Waiting::default();
            self.sort(first, &mut waiting)?;
            if waiting.stop {
                break;
            }
            if waiting.requests.is_empty() && !waiting.beat {
                continue;
            }
            self.wait_for_tick()?;
            for next in self.receiver.try_iter().take(BATCH_MOST).collect::<Vec<_>>() {
                self.sort(next, &mut waiting)?;
            }
            self.moment(waiting.requests, waiting.beat)?;
            // its pledges were made after the last change of the secrets, which wipes as well
            wipe_stack();
            if waiting.stop {
                break;
            }
        }
        Ok(())
    }

    /// Does at once what needs no moment, and puts the rest with what waits for one.
    fn sort(&mut self, message: Message, waiting: &mut Waiting) -> Result<(), Ended> {
        match message {
            Message::Prove { request, reply } => waiting.requests.push((*request, reply)),
            Message::Introduce { reply } => drop(reply.send(self.kept.lineage.introduce())),
            Message::Hop { index, tier, way, reply } => {
                drop(reply.send(self.kept.lineage.hop(index, tier, way)));
            }
            Message::Stir(Contribution { name, bytes, clock }) => {
                self.stir(name, &bytes)?;
                if let Some(reading) = clock {
                    self.tpm_clock = Some(reading);
                    self.published.note_tpm_clock(reading);
                }
            }
            Message::Beat(sample) => {
                self.samples += 1;
                self.stir(BEHAVIOUR.to_owned(), sample.bytes())?;
                waiting.beat = true;
            }
            Message::Stop => waiting.stop = true,
        }
        Ok(())
    }

    /// (As `moment`, a call of its own: what it computes lies below the frame that the stack is locked and wiped from.)
    #[inline(never)]
    fn stir(&mut self, name: String, bytes: &[u8]) -> Result<(), Ended> {
        let stirred = self.kept.lineage.stir(&[(&name, bytes)]);
        stirred.map_err(|error| Ended::NoMoment { why: error.to_string() })?;
        self.names.insert(name);
        Ok(())
    }

    /// Waits until the age clock has passed the head's tick: each moment's index is greater than the one before.
    fn wait_for_tick(&self) -> Result<(), Ended> {
        let head = self.kept.lineage.head().index;
        let mut backwards = 0;
        loop {
            let age = self.age_nanos();
            let wait = nanos_of_ticks(head + 1).saturating_sub(age);
            if wait == 0 {
                return Ok(());
            }
            if wait > BACKWARDS_NANOS {
                // a pause between the clock's readings puts it behind as well, once
                backwards += 1;
                if backwards == BACKWARDS_READINGS {
                    return Err(Ended::ClockBackwards { now: crate::clock::ticks(age), head });
                }
                continue;
            }
            thread::sleep(Duration::from_nanos(wait));
        }
    }

    /// The lineage's age in nanoseconds: 0 where the clock stands before its birth.
    fn age_nanos(&self) -> u64 {
        self.kept.clock.age().nanos_since(self.kept.born).unwrap_or(0)
    }

    #[inline(never)]
    fn moment(
        &mut self,
        requests: Vec<(Request, oneshot::Sender<Result<Proof, ProveRefusal>>)>,
        beat: bool,
    ) -> Result<(), Ended> {
        let randomness = random()?;
        let step = Step {
            index: crate::clock::ticks(self.age_nanos()),
            wall_ms: self.kept.clock.wall_ms(),
            randomness: &randomness,
            evidence: self.evidence(),
        };
        let (requests, replies): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
        let no_moment = |error: MomentError<M::Error>| Ended::NoMoment { why: error.to_string() };
        let before = self.kept.lineage.head();
        let answers = if requests.is_empty() {
            if beat {
                self.kept.lineage.moment(step).map_err(no_moment)?;
            }
            Vec::new()
        } else {
            self.kept.lineage.prove(step, requests).map_err(no_moment)?
        };
        if self.kept.lineage.head() != before {
            self.names.clear();
            self.tpm_clock = None;
            self.published.update(&self.kept.lineage);
        }
        for (answer, reply) in answers.into_iter().zip(replies) {
            if matches!(answer, Err(ProveRefusal::ForeignAnchor { .. })) {
                self.published.count_foreign_anchor();
            }
            // a caller that has gone needs no answer
            let _ = reply.send(answer);
        }
        if let Err(error) = self.kept.lineage.tidy_record() {
            // it grows on, and this is tried again after the next moment
            tracing::warn!(error = crate::run::chain(&error), "the public history can't be written anew");
        }
        let randomness = random()?;
        self.kept
            .lineage
            .prepare(&randomness, TIERS_AHEAD)
            .map_err(|error| Ended::NoMoment { why: error.to_string() })
    }

    /// What the host says of itself, in the next moment.
    fn evidence(&self) -> Evidence {
        let mut sources: Vec<String> = self.names.iter().cloned().collect();
        sources.push("kernel".to_owned());
        sources.sort_unstable();
        sources.dedup();
        let behaviour = Behaviour { samples: Some(self.samples), ..Behaviour::default() };
        Evidence::new(EvidenceFields {
            sources: Some(sources),
            behaviour: Some(behaviour),
            tpm_clock: self.tpm_clock.map(Into::into),
            condition: Some(self.kept.sources.condition().in_evidence()),
        })
        .expect("a handful of short names stays below 1,024 bytes")
    }
}

/// 32 bytes of the kernel's getrandom.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, Ended> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(Ended::Kernel)?;
    Ok(bytes)
}

/// Name under which samples are stirred in. Source: protocol section 5, evidence.
const BEHAVIOUR: &str = "behaviour";

/// Messages that may wait: several times what one uid may have waiting (1,024 by default); beyond it callers get
/// Busy.
const WAITING_MOST: usize = 8192;

/// Messages before one moment at most, far below the protocol's 65,536: so that the first does not wait long.
const BATCH_MOST: usize = 2048;

/// Pledges of so many tiers are made ahead: 255 of 256 moments at random need no more.
const TIERS_AHEAD: usize = 4;

/// Waiting longer than this for a tick of 0.24 ms says that the clock went backwards: a second, the protocol's own
/// slack for clocks (section 7, check 6).
const BACKWARDS_NANOS: u64 = 1_000_000_000;

/// So many readings in a row have to say so.
const BACKWARDS_READINGS: u32 = 3;

#[cfg(test)]
mod tests;
