//! Puts the parts together, runs them, and takes them apart.

use std::{
    io,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::{
    beat::Beat,
    behaviour::Seen,
    births::{NotBorn, Nursery, Succession},
    breaks::{Breaks, Generations, Inhibiting, Listening, VmClock, sleep},
    clock::{self, Clock},
    config::{Config, OnChange},
    diagnose,
    entropy::{BirthError, Contribution, Gathering, Health, Notice, Pace, Running, Status},
    handover::Received,
    hardening::{self, HardenError},
    keeper::{self, Ended, Keeper, Kept},
    last_head::{HeadWriter, LastHead, Latest, WRITE_EVERY},
    lineage::{self, Living, NotResumed},
    notify,
    options::{EX_CONFIG, Options},
    page::{lock_stack, wipe_stack},
    service::{BusError, Connected, Diagnosing, Parts, TeeReports},
    status_line,
    verifier::{self, Verifier},
    watchdog,
};

/// Why the agent ends other than by being told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RunError {
    /// No lineage can be born from these sources.
    #[error(transparent)]
    Birth(#[from] BirthError),
    /// The bus is not there, or refuses.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The keeper can't go on.
    #[error(transparent)]
    Keeper(#[from] Ended),
    /// No lineage could be made of what was gathered.
    #[error(transparent)]
    NotBorn(#[from] NotBorn),
    /// Another live agent has the lineage that was handed to this one.
    #[error(transparent)]
    Held(NotResumed),
    /// The process can't be kept from being looked into.
    #[error("the process can't be hardened")]
    Harden(#[from] HardenError),
    /// The system refuses threads, signals or a runtime.
    #[error("the system refuses what the agent needs")]
    System(#[from] io::Error),
    /// A thread has panicked: a bug.
    #[error("a thread of the agent has panicked")]
    Panicked,
}

impl RunError {
    /// The process's exit code, after sysexits.h.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Birth(_) | Self::NotBorn(NotBorn::Memory(_)) => EX_CONFIG,
            Self::Bus(_) | Self::Held(_) => EX_UNAVAILABLE,
            Self::System(_) | Self::Harden(_) | Self::NotBorn(NotBorn::Record(_)) => EX_OSERR,
            Self::Keeper(_) | Self::NotBorn(_) | Self::Panicked => EX_SOFTWARE,
        }
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Runs the agent until it is told to end.
///
/// # Errors
/// Why it ended else.
pub(crate) fn run(options: &Options, config: &Config, received: Received) -> Result<(), RunError> {
    hardening::harden()?;
    // the one blocking task is the wait for a birth: its thread is not kept for another
    let runtime =
        runtime::Builder::new_current_thread().enable_all().thread_keep_alive(Duration::ZERO).build()?;
    let mut signals = runtime.block_on(Signals::new())?;
    let bus = runtime.block_on(Connected::to(options.bus()))?;
    let clock = Clock::system();
    let boot_id = clock::boot_id()?;
    let last_head = LastHead::new(options.state_dir(), boot_id.clone());
    let boot = clock::boot(&boot_id).ok_or_else(|| io::Error::other("the boot's id is no UUID"))?;
    let store = options.state_dir().join(verifier::FILE);
    let verifier = Verifier::start(store.clone(), clock.clone(), boot)?;

    let sources = config.sources.attach(&config.tcti, Some(options.tpm_helper_socket()));
    let pace = Pace::new(config.beat, config.tpm_interval);
    let mut gathering = Gathering::begin(sources, config.require.clone(), pace)?;
    let sources = gathering.status();
    if config.is_fallback {
        sources.set_by_last_settings();
    }
    sources.begin_warming();
    let seen = Arc::new(Seen::new(config.drift_threshold));
    // this thread computes with secrets until the keeper has them
    if let Err(error) = lock_stack() {
        tracing::warn!("what the start computes with may be swapped: {error}");
    }
    let told = Arc::new(AtomicU64::new(0));
    let _listening = Listening::start(told.clone(), clock.clone())?;
    let mut breaks = Breaks::of(vmclock(), told, config);
    let mut origin = last_head.origin();
    // one that changed while there was no agent ends the lineage, unless such a change is only to be marked
    let generation = breaks.generation().filter(|_| config.on_generation_change == OnChange::End);
    let resumed = match Living::resumed(received, &boot_id, generation, &clock) {
        Some(Err(why)) if why.is_held() => return Err(RunError::Held(why)),
        Some(Err(why)) => {
            tracing::error!(
                "a lineage was handed over and can't be gone on with, so a new one begins: {}",
                chain(&why)
            );
            origin = lineage::origin_after(origin, &why);
            None
        }
        Some(Ok(living)) => Some(living),
        None => None,
    };
    let was_resumed = resumed.is_some();
    let nursery = Nursery {
        clock: clock.clone(),
        sources: sources.clone(),
        boot_id,
        memory: lineage::memory_kind(config.memory),
        settings: config.text.clone(),
    };
    let living = match resumed {
        Some(mut living) => {
            living.keep_settings(&config.text);
            living
        }
        None => {
            let Some((waited, contributions)) = runtime.block_on(gather(gathering, &mut signals))? else {
                notify::stopping();
                // a source that hangs is left to the process's end
                runtime.shutdown_background();
                return Ok(());
            };
            gathering = waited;
            warn_of_failed(&sources);
            let living = nursery.born(&contributions, origin, breaks.generation())?;
            breaks.begin_tpm(living.lineage.genesis().evidence().fields(), clock.slept_nanos());
            living
        }
    };
    // nor does it any more
    wipe_stack();
    let memory_kind = living.lineage.memory().kind();
    let memory = memory_kind.as_str();
    let Living { lineage, born } = living;
    let afresh = gathering.afresh(config.sources.attach_quick());
    let births = Box::new(Succession { nursery, afresh });
    let (kept_clock, kept_sources, kept_seen) = (clock.clone(), sources.clone(), seen.clone());
    let kept = Kept {
        lineage,
        born,
        clock: kept_clock,
        sources: kept_sources,
        seen: kept_seen,
        memory,
        breaks,
        births,
    };
    let (keeper, ends, thread) = keeper::start(kept)?;
    let published = keeper.published().clone();
    let face = published.face();
    // in the message too: the journal shows fields only to who asks for them
    tracing::info!(
        lineage = %face.lineage,
        memory,
        "{} lineage {}: origin {}, memory {memory}, condition {}",
        if was_resumed { "gone on with" } else { "born:" },
        face.lineage,
        face.genesis.origin().reason().as_str(),
        sources.condition().as_str(),
    );

    let (changed, changes) = watch::channel(());
    let entropy = gathering.run(teller(keeper.clone(), changed.clone()))?;
    let beat = Beat::start(config.beat, keeper.clone(), seen.clone(), sources.clone(), changed.clone())?;
    let ended = runtime.block_on(async {
        let waiting = config.prove_waiting_per_uid;
        let (settings, status) = (config.clone(), sources.clone());
        let inhibiting = Inhibiting::default();
        let (inhibited, file) = (inhibiting.clone(), store.clone());
        let diagnosing = Diagnosing::new(Arc::new(move || {
            diagnose::checks(&settings, &status, Ok(memory_kind), Some(&inhibited), &file)
        }));
        let reports = TeeReports::new(options.tsm_report_socket().to_owned());
        let parts = Parts {
            keeper: keeper.clone(),
            sources: sources.clone(),
            seen: seen.clone(),
            waiting_per_uid: waiting,
            diagnosing,
            reports,
        };
        let (service, connections) = bus.serve(parts, (verifier, store)).await?;
        tracing::info!(bus = %options.bus(), "serving");
        notify::ready();
        let (sources_changed, status) = (changes.clone(), sources.clone());
        // not before: a lineage that nobody could meet is nobody's predecessor
        let connection = service.connection().clone();
        let sleep = sleep::watch(options.bus(), connection, keeper.clone(), clock.clone(), inhibiting);
        let latest = latest(keeper.clone(), clock);
        let writing = HeadWriter::start(last_head, WRITE_EVERY, latest, move |is_kept| {
            sources.set_head_kept(is_kept);
            changed.send_replace(());
        })?;
        tokio::select! {
            error = service.run(connections) => return Err(RunError::Bus(error)),
            () = service.tell(changes, published.foreign_anchors(), seen.exceeded(), ends, || writing.write_now()) => {}
            () = sleep => {}
            () = watchdog::watch(&keeper) => {}
            () = status_line::keep(sources_changed, status) => {}
            () = keeper.ended() => {}
            () = signals.told_to_end() => {}
        }
        notify::stopping();
        // no new callers; those who wait are answered before the keeper ends
        service.release().await;
        keeper.stop();
        keeper.ended().await;
        service.close().await;
        drop(writing);
        Ok(())
    });
    stop(beat, entropy, &keeper, thread, &ended)?;
    ended
}

/// Gathers for a birth, which may take long where a source does; none where the agent is told to end meanwhile.
async fn gather(
    mut gathering: Gathering,
    signals: &mut Signals,
) -> Result<Option<(Gathering, Vec<Contribution>)>, RunError> {
    let birth = tokio::task::spawn_blocking(move || gathering.birth().map(|drawn| (gathering, drawn)));
    tokio::select! {
        born = birth => Ok(Some(born.map_err(|_| RunError::Panicked)??)),
        () = signals.told_to_end() => Ok(None),
    }
}

/// The signals that tell the agent to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn told_to_end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        tracing::info!("told to end");
    }
}

/// What the last head is, and what is kept beside it.
fn latest(keeper: Keeper, clock: Clock) -> impl Fn() -> Latest + Send + 'static {
    move || {
        let published = keeper.published();
        let face = published.face();
        Latest {
            lineage: face.lineage,
            head: face.head,
            wall_ms: clock.wall_ms(),
            tpm_clock: published.tpm_clock(),
        }
    }
}

/// What the entropy thread calls with what it has to say.
fn teller(keeper: Keeper, changed: watch::Sender<()>) -> impl FnMut(Notice) + Send + 'static {
    move |notice| match notice {
        // where the keeper has ended, the agent is about to
        Notice::Drawn(contribution) => drop(keeper.stir(contribution)),
        Notice::Changed => changed.send_replace(()),
    }
}

/// Ends the threads, those first that feed the keeper.
fn stop(
    beat: Beat,
    entropy: Running,
    keeper: &Keeper,
    thread: JoinHandle<Result<(), Ended>>,
    ended: &Result<(), RunError>,
) -> Result<(), RunError> {
    // the keeper holds a way to the sources, for a birth: they are let go when that is gone
    keeper.stop();
    drop(beat);
    entropy.stop();
    match thread.join() {
        Ok(result) if ended.is_ok() => result.map_err(RunError::Keeper),
        Ok(_) => Ok(()),
        Err(_) => Err(RunError::Panicked),
    }
}

/// VMClock's page, where the hypervisor has one.
fn vmclock() -> Option<Box<dyn Generations>> {
    match VmClock::find(Path::new("/dev"))? {
        Ok(clock) => {
            tracing::info!(device = %clock.path().display(), "looked at before every moment");
            Some(Box::new(clock))
        }
        Err(why) => {
            tracing::warn!("{why}; a copy of this machine is not told by VMClock");
            None
        }
    }
}

fn warn_of_failed(sources: &Status) {
    if let Some(unmet) = sources.unmet() {
        tracing::warn!("{unmet}");
    }
    for source in sources.sources().into_iter().filter(|source| source.health == Health::Waiting) {
        tracing::warn!(source = source.name, "born before this source has answered");
    }
}
/// The bus is not there. Source: sysexits.h.
const EX_UNAVAILABLE: u8 = 69;

/// A bug, or a clock that runs backwards. Source: sysexits.h.
const EX_SOFTWARE: u8 = 70;

/// No threads, no file descriptors. Source: sysexits.h.
const EX_OSERR: u8 = 71;
