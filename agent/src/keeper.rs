//! The keeper: one plain thread, the only owner of the lineage and its secrets.
//!
//! It waits on a bounded channel. All that is waiting when it wakes becomes one moment (group commit), so
//! throughput is the bus's and not the hash function's. Nobody else ever sees the lineage; what others may read of
//! it is [`Published`]. When a lineage ends, the keeper goes on with its successor ([`succession`]).

mod handle;
mod published;
mod succession;
mod turns;

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
    Proof, ProveRefusal, Reason, Request, Step,
};
use tokio::sync::{mpsc, oneshot, watch};
use zeroize::Zeroizing;

use crate::{
    behaviour::{Blinded, Observed, Seen},
    breaks::{Breaks, Found},
    clock::{AgeTime, Clock, nanos_of_ticks},
    entropy::{ClockReading, Contribution, Status},
    page::{lock_stack, wipe_stack},
};

pub(crate) use handle::{Keeper, KeeperError};
pub(crate) use published::Published;
pub(crate) use succession::{Births, Newborn};
use turns::Turns;

/// What the keeper is told.
enum Message {
    Prove { request: Box<Request>, reply: oneshot::Sender<Result<Proof, ProveRefusal>> },
    Introduce { reply: oneshot::Sender<Introduction> },
    Hop { index: u64, tier: u8, way: bool, reply: oneshot::Sender<Result<HopAnswer, HopError>> },
    Stir(Contribution),
    Beat(Box<Observed>),
    Moment { is_afresh: bool, reply: oneshot::Sender<()> },
    End { reason: Reason, reply: oneshot::Sender<()> },
    Alive { reply: oneshot::Sender<()> },
    Stop,
}

/// What the keeper tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A lineage ended, and another began.
    Ended {
        /// The one that ended, as the bus has it.
        lineage: String,
        /// Why.
        reason: Reason,
        /// The one that began.
        successor: String,
    },
    /// Something degrades the lineage: look at the [`Status`].
    Marked,
}

/// Why the keeper's thread ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Ended {
    /// The lineage can't take another step.
    #[error("no further moment can be made: {why}")]
    NoMoment {
        /// Why.
        why: String,
    },
    /// No lineage can succeed the one that ended.
    #[error("no lineage can be born after the one that ended: {why}")]
    NoSuccessor {
        /// Why.
        why: String,
    },
    /// The kernel gives no randomness.
    #[error("the kernel gives no random bytes: {0}")]
    Kernel(#[from] getrandom::Error),
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
    /// What was seen of the host.
    pub(crate) seen: Arc<Seen>,
    /// Where the secrets live, as the bus has it.
    pub(crate) memory: &'static str,
    /// What the platform says of copies and resets.
    pub(crate) breaks: Breaks,
    /// How a lineage is ended, and the next one born.
    pub(crate) births: Box<dyn Births<M>>,
}

/// Starts the keeper's thread. What it has to tell comes out of the receiver.
///
/// # Errors
/// Where no thread can be started.
#[expect(clippy::type_complexity, reason = "a handle, what it tells, and a thread")]
pub(crate) fn start<M>(
    kept: Kept<M>,
) -> io::Result<(Keeper, mpsc::Receiver<Told>, JoinHandle<Result<(), Ended>>)>
where
    M: Memory + Send + 'static,
{
    let (sender, receiver) = sync_channel(WAITING_MOST);
    let (alive, ends) = watch::channel(());
    let (tell, told) = mpsc::channel(TOLD_MOST);
    let published = Arc::new(Published::of(&kept.lineage, kept.memory));
    let work = Work {
        kept,
        receiver,
        published: published.clone(),
        _alive: alive,
        tell,
        names: BTreeSet::new(),
        behaviour: Behaviour { samples: Some(0), ..Behaviour::default() },
        blinded: None,
        tpm_clock: None,
        broken: None,
    };
    let thread = thread::Builder::new().name("keeper".into()).spawn(move || work.run())?;
    Ok((Keeper::new(sender, published, ends), told, thread))
}

struct Work<M> {
    kept: Kept<M>,
    receiver: Receiver<Message>,
    published: Arc<Published>,
    /// Goes with the thread: who waits for its end sees it.
    _alive: watch::Sender<()>,
    tell: mpsc::Sender<Told>,
    /// Sources mixed in since the last moment.
    names: BTreeSet<String>,
    /// What the host was doing; with the commitment to the sample that was stirred in since the last moment.
    behaviour: Behaviour,
    /// That sample, for whoever audits the moment that commits to it.
    blinded: Option<Blinded>,
    /// The TPM's clock, where it was read since the last moment.
    tpm_clock: Option<ClockReading>,
    /// Why the lineage has to end before its next moment.
    broken: Option<Reason>,
}

/// A request, and who waits for its answer.
type Asked = (Request, oneshot::Sender<Result<Proof, ProveRefusal>>);

/// What is waiting, sorted.
struct Waiting {
    turns: Turns<Asked>,
    /// A moment is to be made, asked for or not.
    moment: bool,
    /// Who waits for a moment, and not for an answer.
    replies: Vec<oneshot::Sender<()>>,
    /// The lineage is to end, once what waits is answered.
    end: Option<(Reason, oneshot::Sender<()>)>,
    stop: bool,
}

impl Waiting {
    /// What is waiting is answered first; what comes after that waits for what comes after that.
    fn is_closed(&self) -> bool {
        self.stop || self.end.is_some()
    }
}

impl<M: Memory> Work<M> {
    fn run(mut self) -> Result<(), Ended> {
        if let Err(error) = lock_stack() {
            tracing::warn!("what the keeper computes with may be swapped: {error}");
        }
        let none =
            || Waiting { turns: Turns::new(), moment: false, replies: Vec::new(), end: None, stop: false };
        let mut waiting = none();
        loop {
            if waiting.turns.is_empty() && self.broken.is_none() {
                let Ok(first) = self.receiver.recv() else { return Ok(()) };
                self.sort(first, &mut waiting)?;
            }
            if self.broken.is_some() || !waiting.turns.is_empty() || waiting.moment {
                while let Some(reason) = self.why_broken() {
                    if !self.succeed(reason, None)? {
                        return Ok(());
                    }
                }
                for _ in 0..WAITING_MOST {
                    let next = if waiting.is_closed() { None } else { self.receiver.try_recv().ok() };
                    let Some(next) = next else { break };
                    self.sort(next, &mut waiting)?;
                }
                self.moment(waiting.turns.take(BATCH_MOST), std::mem::take(&mut waiting.moment))?;
                // its pledges were made after the last change of the secrets, which wipes as well
                wipe_stack();
                waiting.replies.drain(..).for_each(done);
            }
            if !waiting.turns.is_empty() {
                continue;
            }
            if let Some((reason, reply)) = waiting.end.take()
                && !self.succeed(reason, Some(reply))?
            {
                return Ok(());
            }
            if waiting.stop {
                return Ok(());
            }
        }
    }

    /// Does at once what needs no moment, and puts the rest with what waits for one.
    fn sort(&mut self, message: Message, waiting: &mut Waiting) -> Result<(), Ended> {
        match message {
            Message::Prove { request, reply } => {
                // a request without a uid is none of the service's
                let uid = request.subject.uid.unwrap_or(u32::MAX);
                waiting.turns.push(uid, (*request, reply));
            }
            Message::Introduce { reply } => drop(reply.send(self.kept.lineage.introduce())),
            Message::Hop { index, tier, way, reply } => {
                drop(reply.send(self.kept.lineage.hop(index, tier, way)));
            }
            Message::Stir(contribution) => self.contribution(contribution)?,
            Message::Beat(observed) => {
                let Observed { sample, behaviour, blinded, .. } = *observed;
                self.stir(BEHAVIOUR.to_owned(), sample.bytes())?;
                // of two samples in one moment it commits to the later
                (self.behaviour, self.blinded) = (behaviour, blinded);
                waiting.moment = true;
            }
            Message::Moment { is_afresh, reply } => {
                if is_afresh {
                    for contribution in self.kept.births.quick() {
                        self.contribution(contribution)?;
                    }
                }
                waiting.moment = true;
                waiting.replies.push(reply);
            }
            Message::Alive { reply } => done(reply),
            Message::End { reason, reply } => waiting.end = Some((reason, reply)),
            Message::Stop => waiting.stop = true,
        }
        Ok(())
    }

    fn contribution(&mut self, contribution: Contribution) -> Result<(), Ended> {
        let Contribution { name, bytes, clock } = contribution;
        self.stir(name, &bytes)?;
        if let Some(clock) = clock {
            self.tpm_clock = Some(clock);
            self.published.note_tpm_clock(clock);
            let found = self.kept.breaks.tpm_clock(clock, self.kept.clock.slept_nanos());
            self.take(found);
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

    /// Takes note of what was found of the platform.
    fn take(&mut self, found: Option<Found>) {
        match found {
            None => {}
            Some(Found::End(reason)) => self.broken = Some(reason),
            Some(Found::Mark(why)) => {
                tracing::warn!("{why}; the lineage goes on, degraded");
                self.kept.sources.mark(why);
                self.tell(Told::Marked);
            }
            Some(Found::Note(what)) => tracing::info!("{what}"),
        }
    }

    fn tell(&self, told: Told) {
        if self.tell.try_send(told).is_err() {
            tracing::debug!("what the keeper tells can't be passed on: nobody takes it");
        }
    }

    /// Waits until the next moment may be made, and says why this lineage must not make it, where that is so.
    fn why_broken(&mut self) -> Option<Reason> {
        if self.broken.is_none() && !self.wait_for_tick() {
            self.broken = Some(Reason::Rollback);
        }
        self.look();
        self.broken.take()
    }

    /// Looks whether the platform says that this machine is a copy.
    fn look(&mut self) {
        if self.broken.is_none() {
            let found = self.kept.breaks.platform();
            self.take(found);
        }
    }

    /// Waits until the age clock has passed the head's tick: each moment's index is greater than the one before. False
    /// where that clock went backwards, by more than a pause of its own kind.
    fn wait_for_tick(&self) -> bool {
        let head = self.kept.lineage.head().index;
        let mut backwards = 0;
        loop {
            let age = self.age_nanos();
            let wait = nanos_of_ticks(head + 1).saturating_sub(age);
            if wait == 0 {
                return true;
            }
            if wait > BACKWARDS_NANOS {
                // a pause between the clock's readings puts it behind as well, once
                backwards += 1;
                if backwards == BACKWARDS_READINGS {
                    let now = crate::clock::ticks(age);
                    tracing::error!(now, head, "the age clock went backwards");
                    return false;
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
    fn moment(&mut self, asked: Vec<Asked>, is_due: bool) -> Result<(), Ended> {
        let randomness = random()?;
        let (requests, replies): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let no_moment = |error: MomentError<M::Error>| Ended::NoMoment { why: error.to_string() };
        let before = self.kept.lineage.head();
        let mut answers = Vec::new();
        if !requests.is_empty() {
            let step = self.step(&randomness);
            answers = self.kept.lineage.prove(step, requests).map_err(no_moment)?;
        }
        // where none of the requests could be answered, a moment may be due all the same
        if is_due && self.kept.lineage.head() == before {
            let step = self.step(&randomness);
            self.kept.lineage.moment(step).map_err(no_moment)?;
        }
        if self.kept.lineage.head() != before {
            self.names.clear();
            self.tpm_clock = None;
            self.behaviour.commitment = None;
            if let (Some(blinded), Some(moment)) = (self.blinded.take(), self.kept.lineage.latest()) {
                self.kept.seen.audit.keep(moment.index(), moment.body(), blinded);
            }
            self.published.update(&self.kept.lineage);
        }
        // copied between the first look and here, the copy may give the same answers: then nobody does
        self.look();
        let is_own = self.broken.is_none();
        for (answer, reply) in answers.into_iter().zip(replies).filter(|_| is_own) {
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

    fn step<'a>(&self, randomness: &'a [u8; 32]) -> Step<'a> {
        let index = crate::clock::ticks(self.age_nanos());
        Step { index, wall_ms: self.kept.clock.wall_ms(), randomness, evidence: self.evidence() }
    }

    /// What the host says of itself, in the next moment.
    fn evidence(&self) -> Evidence {
        let mut sources: Vec<String> = self.names.iter().cloned().collect();
        sources.push("kernel".to_owned());
        sources.sort_unstable();
        sources.dedup();
        Evidence::new(EvidenceFields {
            sources: Some(sources),
            behaviour: Some(self.behaviour),
            tpm_clock: self.tpm_clock.map(Into::into),
            condition: Some(self.kept.sources.condition().in_evidence()),
        })
        .expect("a handful of short names stays below 1,024 bytes")
    }
}

/// Says that it is done; who has gone needs no answer.
fn done(reply: oneshot::Sender<()>) {
    let _ = reply.send(());
}

/// 32 bytes of the kernel's getrandom.
///
/// # Errors
/// Where the kernel gives none.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes)?;
    Ok(bytes)
}

/// Name under which samples are stirred in. Source: protocol section 5, evidence.
const BEHAVIOUR: &str = "behaviour";

/// Messages that may wait: several times what one uid may have waiting (1,024 by default); beyond it callers get
/// Busy.
const WAITING_MOST: usize = 8192;

/// Requests of one moment at most, far below the protocol's 65,536: so that the first does not wait long.
const BATCH_MOST: usize = 2048;

/// What the keeper has told and nobody has taken: a break takes milliseconds, and is told at once.
const TOLD_MOST: usize = 64;

/// Pledges of so many tiers are made ahead: 255 of 256 moments at random need no more.
const TIERS_AHEAD: usize = 4;

/// Waiting longer than this for a tick of 0.24 ms says that the clock went backwards: a second, the protocol's own
/// slack for clocks (section 7, check 6).
const BACKWARDS_NANOS: u64 = 1_000_000_000;

/// So many readings in a row have to say so.
const BACKWARDS_READINGS: u32 = 3;

#[cfg(test)]
mod tests;
