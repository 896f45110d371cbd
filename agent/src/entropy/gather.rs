//! The entropy thread: gathers for a birth, then goes on drawing, and never waits on a source that hangs.
//!
//! Sources that are quick are drawn in this thread, at every beat. Those that may block have a
//! thread each ([`Slow`]), and a helper process: when one hangs, nothing but itself does. Of each only that is taken
//! which has passed its health tests ([`Tested`]).

use std::{
    collections::BTreeSet,
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    Afresh, Class, Contribution, DrawError, EntropySource, Health, Require, SourceStatus, Status, Unmet,
    slow::{Event, Slow},
    tested::{Drawn, Tested},
};

/// When sources are asked, and how long for an answer.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// Between two draws of the quick sources.
    pub(crate) beat: Duration,
    /// Between two draws of a slow source; none: once it has given, it is left alone.
    pub(crate) interval: Option<Duration>,
    /// After a first failure; doubled with each one more.
    pub(crate) retry_first: Duration,
    /// The longest time between two attempts.
    pub(crate) retry_most: Duration,
    /// After this long without an answer a slow source counts as failed.
    pub(crate) patience: Duration,
    /// How long a birth waits for sources that `require` does not need.
    pub(crate) birth_optional: Duration,
    /// How long a birth waits for sources that `require` needs.
    pub(crate) birth_required: Duration,
}

impl Pace {
    /// The usual pace, with what is configured: `beat_s`, and `tpm_interval_s` unless it is 0.
    pub(crate) fn new(beat: Duration, interval: Option<Duration>) -> Self {
        Self {
            beat,
            interval,
            retry_first: RETRY_FIRST,
            retry_most: RETRY_MOST,
            patience: PATIENCE,
            birth_optional: BIRTH_OPTIONAL,
            birth_required: BIRTH_REQUIRED,
        }
    }
}

/// What the entropy thread has to say.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A source has given something to stir in.
    Drawn(Contribution),
    /// A source has failed or recovered: look at the [`Status`].
    Changed,
}

/// A source that is drawn in this thread.
struct Quick {
    place: usize,
    class: Class,
    tested: Tested,
}

/// Sources that have been asked, before the entropy thread takes over.
pub(crate) struct Gathering {
    quick: Vec<Quick>,
    slow: Vec<Slow>,
    events: Receiver<Event>,
    to_events: Sender<Event>,
    status: Status,
    pace: Pace,
    begun: Instant,
    born: bool,
    changed: bool,
    /// Where the answers of these go, as of sources that were asked for a birth.
    afresh: Option<(Sender<Contribution>, BTreeSet<usize>)>,
}

impl Gathering {
    /// Asks the slow sources, each in a thread of its own, and returns at once.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn begin(
        sources: Vec<Box<dyn EntropySource>>,
        require: Require,
        pace: Pace,
    ) -> io::Result<Self> {
        let begun = Instant::now();
        let (to_events, events) = channel();
        let (mut quick, mut slow, mut list) = (Vec::new(), Vec::new(), Vec::new());
        for (place, source) in sources.into_iter().enumerate() {
            let (name, class) = (source.name().to_owned(), source.class());
            list.push(SourceStatus::waiting(name, class));
            if class.may_block() {
                slow.push(Slow::start(place, source, to_events.clone())?);
            } else {
                quick.push(Quick { place, class, tested: Tested::new(source) });
            }
        }
        let status = Status::new(list, require);
        let (born, changed, afresh) = (false, false, None);
        Ok(Self { quick, slow, events, to_events, status, pace, begun, born, changed, afresh })
    }

    /// How the sources are, now and later.
    pub(crate) fn status(&self) -> Status {
        self.status.clone()
    }

    /// What later births draw from: `quick` sources of their own, and the slow ones that are drawn from here.
    pub(crate) fn afresh(&self, quick: Vec<Box<dyn EntropySource>>) -> Afresh {
        Afresh::new(quick, self.to_events.clone(), self.pace.birth_optional)
    }

    /// What the sources give for a birth. Waits until `require` is met, a short while longer for
    /// sources that it does not need, and for none that hangs.
    ///
    /// # Errors
    /// Where `require` is still unmet, or the kernel gives nothing: the agent can't be born.
    pub(crate) fn birth(&mut self) -> Result<Vec<Contribution>, BirthError> {
        let mut drawn = Vec::new();
        for (class, result) in self.draw_quick() {
            match result {
                Ok(contribution) => drawn.push(contribution),
                Err(error) if class == Class::Kernel => return Err(BirthError::Kernel(error)),
                Err(_) => {}
            }
        }
        while let Some(until) = self.birth_waits_until() {
            let now = Instant::now();
            let missing = self.status.missing();
            for slow in self.slow.iter_mut().filter(|slow| missing.contains(&slow.class)) {
                slow.ask_if_due(now);
            }
            if until <= now {
                break;
            }
            let next = self.slow.iter().filter_map(|slow| slow.next(&self.pace)).filter(|at| *at > now).min();
            let wait = next.map_or(until, |at| at.min(until)).duration_since(now);
            match self.events.recv_timeout(wait) {
                Ok(Event::Answer { source, drawn: answer }) => drawn.extend(self.answered(source, answer)),
                // nobody asks for another birth yet
                Ok(Event::Afresh(_)) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Some(unmet) = self.status.unmet() {
            return Err(BirthError::Unmet(unmet));
        }
        self.born = true;
        Ok(drawn)
    }

    /// Asks all sources, and waits until each has answered, well or not, for `limit` at most: how they are is what
    /// [`Gathering::status`] says then. What they gave is dropped.
    pub(crate) fn survey(mut self, limit: Duration) -> Status {
        self.draw_quick();
        while self.slow.iter().any(Slow::is_asked) {
            match self.events.recv_timeout((self.begun + limit).saturating_duration_since(Instant::now())) {
                Ok(Event::Answer { source, drawn }) => drop(self.answered(source, drawn)),
                Ok(Event::Stop | Event::Afresh(_)) | Err(_) => break,
            }
        }
        let status = self.status();
        self.wind_up();
        status
    }

    /// Starts the entropy thread: at once where there was no birth, else from the next beat on.
    ///
    /// It tells `tell` of everything; where that blocks, so does the thread.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn run(mut self, tell: impl FnMut(Notice) + Send + 'static) -> io::Result<Running> {
        let to_events = self.to_events.clone();
        let first_beat = Instant::now() + if self.born { self.pace.beat } else { Duration::ZERO };
        let thread = thread::Builder::new().name("entropy".to_owned()).spawn(move || {
            self.go_on(first_beat, tell);
            self.wind_up();
        })?;
        Ok(Running { to_events, thread: Some(thread) })
    }

    fn go_on(&mut self, first_beat: Instant, mut tell: impl FnMut(Notice)) {
        let mut next_beat = first_beat;
        loop {
            let now = Instant::now();
            if next_beat <= now {
                next_beat = (next_beat + self.pace.beat).max(now);
                for (_, result) in self.draw_quick() {
                    result.into_iter().for_each(|contribution| tell(Notice::Drawn(contribution)));
                }
            }
            self.tend_slow(now);
            if std::mem::take(&mut self.changed) {
                tell(Notice::Changed);
            }
            let next = self.slow.iter().filter_map(|slow| slow.next(&self.pace)).min();
            let wait =
                next.map_or(next_beat, |at| at.min(next_beat)).saturating_duration_since(Instant::now());
            match self.events.recv_timeout(wait) {
                Ok(Event::Answer { source, drawn }) => {
                    let contribution = self.answered(source, drawn);
                    if let Some(contribution) = self.for_birth(source, contribution) {
                        tell(Notice::Drawn(contribution));
                    }
                }
                Ok(Event::Afresh(to)) => {
                    let now = Instant::now();
                    let asked =
                        self.slow.iter_mut().filter_map(|slow| slow.ask_afresh(now).then_some(slow.source));
                    let asked: BTreeSet<usize> = asked.collect();
                    self.afresh = (!asked.is_empty()).then_some((to, asked));
                }
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Lets the slow sources go: they put their devices in order, if they don't hang.
    fn wind_up(self) {
        let Self { slow, events, to_events, .. } = self;
        drop((slow, to_events));
        let deadline = Instant::now() + WIND_UP;
        // Each of their threads holds a sender until its source is dropped.
        while events.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
    }

    /// Until when a birth still waits; none if there is nothing to wait for.
    fn birth_waits_until(&self) -> Option<Instant> {
        let missing = self.status.missing();
        if missing.is_empty() {
            return self.slow.iter().any(Slow::is_asked).then(|| self.begun + self.pace.birth_optional);
        }
        let hope = |slow: &Slow| {
            missing.contains(&slow.class) && (slow.is_asked() || slow.failures < BIRTH_ATTEMPTS)
        };
        self.slow.iter().any(hope).then(|| self.begun + self.pace.birth_required)
    }

    fn draw_quick(&mut self) -> Vec<(Class, Result<Contribution, DrawError>)> {
        let draws: Vec<(usize, Class, Drawn)> =
            self.quick.iter_mut().map(|quick| (quick.place, quick.class, quick.tested.draw())).collect();
        let take = |(place, class, drawn): (usize, Class, Drawn)| {
            self.note(place, drawn.result.as_ref().err().map(ToString::to_string));
            (class, drawn.result)
        };
        draws.into_iter().map(take).collect()
    }

    fn tend_slow(&mut self, now: Instant) {
        let mut over = Vec::new();
        for slow in &mut self.slow {
            slow.ask_if_due(now);
            if slow.runs_over(now, self.pace.patience) {
                over.push(slow.source);
            }
        }
        for place in over {
            self.note(place, Some(format!("no answer within {} s", self.pace.patience.as_secs_f32())));
        }
    }

    fn answered(&mut self, place: usize, drawn: Drawn) -> Option<Contribution> {
        let Drawn { result, remarks } = drawn;
        if let Some(slow) = self.slow.iter_mut().find(|slow| slow.source == place) {
            slow.answered(result.is_ok(), Instant::now(), &self.pace);
        }
        self.status.remark(place, remarks);
        self.note(place, result.as_ref().err().map(ToString::to_string));
        result.ok()
    }

    /// Gives what a source was asked for by a birth to that birth; what nobody there waits for any more comes back.
    fn for_birth(&mut self, source: usize, contribution: Option<Contribution>) -> Option<Contribution> {
        let Some((to, asked)) = self.afresh.as_mut().filter(|(_, asked)| asked.contains(&source)) else {
            return contribution;
        };
        asked.remove(&source);
        let back = contribution.and_then(|contribution| to.send(contribution).err()).map(|back| back.0);
        if asked.is_empty() {
            // the birth sees that no more will come
            self.afresh = None;
        }
        back
    }

    /// Takes note of how a source is: `why` it failed, or none. Logged when it changes, and only then.
    fn note(&mut self, place: usize, why: Option<String>) {
        let health = why.clone().map_or(Health::Healthy, Health::Failed);
        let before = self.status.set(place, health);
        let name = self.status.sources().into_iter().nth(place).map(|source| source.name).unwrap_or_default();
        match (before, why) {
            (Some(Health::Failed(_)), Some(why)) => tracing::debug!(source = name, why, "source still fails"),
            (_, Some(why)) => {
                tracing::warn!("entropy source {name} failed: {why}");
                self.changed = true;
            }
            (Some(Health::Failed(_)), None) => {
                tracing::info!("entropy source {name} works again");
                self.changed = true;
            }
            (Some(Health::Healthy), None) => {}
            (_, None) => {
                tracing::debug!(source = name, "entropy source works");
                self.changed = true;
            }
        }
    }
}

/// The entropy thread. Dropped, it is stopped.
pub(crate) struct Running {
    to_events: Sender<Event>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Stops the thread, and gives the sources [`WIND_UP`] to put their devices in order.
    pub(crate) fn stop(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Replaced, so that no sender of ours is left, and the thread sees the last of them go.
        let (unused, _) = channel();
        let stopped = std::mem::replace(&mut self.to_events, unused).send(Event::Stop);
        if let (Ok(()), Some(thread)) = (stopped, self.thread.take()) {
            // A thread that has panicked has nothing left to stop.
            let _ = thread.join();
        }
    }
}

/// Why a lineage can't be born.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BirthError {
    /// `require` is not met.
    #[error(transparent)]
    Unmet(#[from] Unmet),
    /// The kernel's generator is always mixed in.
    #[error("the kernel gives no random bytes: {0}")]
    Kernel(DrawError),
}

/// How long one draw of a slow source may take before it counts as failed. A helper's watchdog gives up before: within
/// seconds where nothing moves, and within two minutes in all. So this is reached by none that keeps to that.
const PATIENCE: Duration = Duration::from_secs(150);

/// How long a birth waits for sources that `require` needs: a hardware TPM's start-up test is 16 to 32 commands of 10
/// to 500 ms (architecture, Entropy), and systemd gives a start 90 s.
const BIRTH_REQUIRED: Duration = Duration::from_secs(60);

/// How long a birth waits for a source that it could do without: half of what a start may take
/// until the name is on the bus (300 ms, architecture, Ceilings). swtpm needs about 100 ms for its start-up test.
const BIRTH_OPTIONAL: Duration = Duration::from_millis(150);

/// Attempts at a required source before a birth is given up: a TPM that is still being
/// set up gets 3 s, and one that is not there does not keep anybody waiting for [`BIRTH_REQUIRED`].
const BIRTH_ATTEMPTS: u32 = 3;

/// A disturbed answer costs a second without the source.
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// As often as a healthy TPM is drawn from by default (architecture, Configuration).
const RETRY_MOST: Duration = Duration::from_secs(60);

/// How long a stop waits for sources: one FlushContext of the slowest TPM (500 ms: architecture, Entropy).
const WIND_UP: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
