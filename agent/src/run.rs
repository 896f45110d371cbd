//! Puts the parts together, runs them, and takes them apart.

use std::{io, sync::Arc, thread::JoinHandle, time::Duration};

use selfsame::{
    Birth, BirthError as LineageError, Evidence, EvidenceError, EvidenceFields, Lineage, Memory, Origin, Salt,
};
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::{
    beat::Beat,
    clock::{self, Clock},
    config::Config,
    diagnose,
    entropy::{BirthError, Contribution, Gathering, Health, Notice, Pace, Running, Status},
    handover::{self, Received},
    hardening::{self, HardenError},
    keeper::{self, Ended, Keeper, Kept, random},
    last_head::{HeadWriter, LastHead, Latest, WRITE_EVERY},
    lineage::{self, Living, NotResumed},
    notify,
    options::{EX_CONFIG, Options},
    page::{AdoptError, MemoryKind, SecretPage, lock_stack, wipe_stack},
    service::{BusError, Connected, Diagnosing, TeeReports},
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
    /// There is no memory for secrets as it is asked for.
    #[error("no memory for secrets")]
    Memory(#[source] AdoptError),
    /// Another live agent has the lineage that was handed to this one.
    #[error(transparent)]
    Held(NotResumed),
    /// The process can't be kept from being looked into.
    #[error("the process can't be hardened")]
    Harden(#[from] HardenError),
    /// The lineage could not be made of what was gathered.
    #[error("no lineage can be born")]
    Lineage(#[source] LineageError<<SecretPage as Memory>::Error>),
    /// The evidence of the genesis would be too long.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
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
            Self::Birth(_) | Self::Memory(_) => EX_CONFIG,
            Self::Bus(_) | Self::Held(_) => EX_UNAVAILABLE,
            Self::System(_) | Self::Harden(_) => EX_OSERR,
            Self::Keeper(_) | Self::Lineage(_) | Self::Evidence(_) | Self::Panicked => EX_SOFTWARE,
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
    for key in &config.without_effect {
        tracing::warn!("`{key}` is set, and this version does not act on it yet");
    }
    // the one blocking task is the wait for a birth: its thread is not kept for another
    let runtime =
        runtime::Builder::new_current_thread().enable_all().thread_keep_alive(Duration::ZERO).build()?;
    let mut signals = runtime.block_on(Signals::new())?;
    let bus = runtime.block_on(Connected::to(options.bus()))?;
    let clock = Clock::system();
    let boot_id = clock::boot_id()?;
    let last_head = LastHead::new(options.state_dir(), boot_id.clone());

    let sources = config.sources.attach(&config.tcti);
    let pace = Pace::new(config.beat, config.tpm_interval);
    let mut gathering = Gathering::begin(sources, config.require.clone(), pace)?;
    let sources = gathering.status();
    if config.is_fallback {
        sources.set_by_last_settings();
    }
    // this thread computes with secrets until the keeper has them
    if let Err(error) = lock_stack() {
        tracing::warn!("what the start computes with may be swapped: {error}");
    }
    let mut origin = last_head.origin();
    let resumed = match Living::resumed(received, &boot_id, &clock) {
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
    let mut living = match resumed {
        Some(living) => living,
        None => {
            let Some((waited, contributions)) = runtime.block_on(gather(gathering, &mut signals))? else {
                notify::stopping();
                // a source that hangs is left to the process's end
                runtime.shutdown_background();
                return Ok(());
            };
            gathering = waited;
            warn_of_failed(&sources);
            let kind = lineage::memory_kind(config.memory);
            let mut living = born(&contributions, &clock, &sources, origin, kind)?;
            living.record_birth(&boot_id)?;
            keep(&mut living);
            living
        }
    };
    // nor does it any more
    wipe_stack();
    living.record_settings(&config.text)?;
    let memory_kind = living.lineage.memory().kind();
    let memory = memory_kind.as_str();
    let Living { lineage, born } = living;
    let kept = Kept { lineage, born, clock: clock.clone(), sources: sources.clone(), memory };
    let (keeper, thread) = keeper::start(kept)?;
    let published = keeper.published().clone();
    tracing::info!(
        lineage = %published.lineage(),
        reason = published.genesis().origin().reason().as_str(),
        condition = sources.condition().as_str(),
        memory,
        "{}", if was_resumed { "gone on with" } else { "born" }
    );

    let (changed, changes) = watch::channel(());
    let entropy = gathering.run(teller(keeper.clone(), changed.clone()))?;
    let beat = Beat::start(config.beat, keeper.clone())?;
    let ended = runtime.block_on(async {
        let waiting = config.prove_waiting_per_uid;
        let (settings, status) = (config.clone(), sources.clone());
        let diagnosing =
            Diagnosing::new(Arc::new(move || diagnose::checks(&settings, &status, Ok(memory_kind))));
        let reports = TeeReports::new(options.tsm_report_socket().to_owned());
        let (service, connections) =
            bus.serve(keeper.clone(), sources.clone(), waiting, diagnosing, reports).await?;
        tracing::info!(bus = %options.bus(), "serving");
        notify::ready();
        // not before: a lineage that nobody could meet is nobody's predecessor
        let latest = latest(keeper.clone(), clock);
        let writing = HeadWriter::start(last_head, WRITE_EVERY, latest, move |is_kept| {
            sources.set_head_kept(is_kept);
            changed.send_replace(());
        })?;
        tokio::select! {
            error = service.run(connections) => return Err(RunError::Bus(error)),
            () = service.tell(changes, published.foreign_anchors()) => {}
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
        Latest {
            lineage: *published.lineage(),
            head: published.head(),
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
    drop(beat);
    entropy.stop();
    keeper.stop();
    match thread.join() {
        Ok(result) if ended.is_ok() => result.map_err(RunError::Keeper),
        Ok(_) => Ok(()),
        Err(_) => Err(RunError::Panicked),
    }
}

/// (A call of its own: what it computes lies below the frame that the stack is locked and wiped from.)
#[inline(never)]
fn born(
    contributions: &[Contribution],
    clock: &Clock,
    sources: &Status,
    origin: Origin,
    kind: MemoryKind,
) -> Result<Living, RunError> {
    let named: Vec<(&str, &[u8])> =
        contributions.iter().map(|given| (given.name.as_str(), given.bytes.as_slice())).collect();
    let evidence = Evidence::new(EvidenceFields {
        sources: Some(named.iter().map(|(name, _)| (*name).to_owned()).collect()),
        behaviour: None,
        tpm_clock: contributions.iter().find_map(|given| given.clock).map(Into::into),
        condition: Some(sources.condition().in_evidence()),
    })?;
    let page = SecretPage::create(kind).map_err(RunError::Memory)?;
    let (randomness, salt) = (random()?, random()?);
    let born = clock.age();
    let birth = Birth {
        contributions: &named,
        randomness: &randomness,
        salt: Salt::new(*salt),
        wall_ms: clock.wall_ms(),
        evidence,
        origin,
    };
    let lineage = Lineage::born(page, birth).map_err(RunError::Lineage)?;
    Ok(Living { lineage, born })
}

/// Has the service manager keep the lineage over this process's end, where there is one.
fn keep(living: &mut Living) {
    match handover::keep(living.lineage.memory().descriptors()) {
        Ok(true) => living.lineage.memory_mut().set_kept(),
        Ok(false) => tracing::info!("no service manager: the lineage ends with this process"),
        Err(error) => {
            tracing::error!(%error, "the service manager can't keep the lineage: it ends with this process")
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
