//! The service: what the agent serves on the bus, on a current-thread runtime. Its handlers hash no openings and
//! make no call that may block for long.

mod caller;
mod diagnosing;
mod given;
mod identity;
mod limits;
mod once_a_minute;
mod process;
mod proofs;
mod report;
mod rights;
mod verifier;
mod waiting;

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::StreamExt;
use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH, Bus};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use zbus::{
    Connection, MessageStream,
    fdo::{DBusProxy, NameOwnerChangedStream, RequestNameFlags, RequestNameReply},
    object_server::SignalEmitter,
};

use crate::{
    behaviour::{Drift, Seen},
    entropy::Status,
    keeper::{Keeper, Told},
    verifier::Verifier,
};
pub(crate) use caller::Caller;
use caller::Callers;
pub(crate) use diagnosing::Diagnosing;
pub(crate) use identity::Identity;
pub(crate) use report::TeeReports;
use rights::Rights;
use verifier::VerifierObject;

/// Why the agent can't be on the bus.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BusError {
    /// There is no bus, or it refuses us.
    #[error("no connection to {bus}: {why}; {remedy}")]
    NoBus {
        /// Which bus.
        bus: String,
        /// What zbus says.
        why: zbus::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// Another agent is there already.
    #[error(
        "the name {AGENT_BUS_NAME} is taken on {bus}: another agent runs there; stop it, or choose another bus"
    )]
    NameTaken {
        /// Which bus.
        bus: String,
    },
    /// The bus was there, and went.
    #[error("the connection to {bus} ended; {remedy}")]
    Gone {
        /// Which bus.
        bus: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// A bus that is there, before there is anything to serve on it.
pub(crate) struct Connected {
    connection: Connection,
    callers: Callers,
    rights: Rights,
    bus: Bus,
    changes: Changes,
}

/// What the bus tells that bears on who may.
pub(crate) struct Changes {
    /// Who comes to the bus, and goes.
    names: NameOwnerChangedStream,
    /// That polkit's answers may be others now.
    polkit: MessageStream,
}

impl Connected {
    /// Connects, before a lineage is born: without a bus none is needed.
    ///
    /// # Errors
    /// Where there is no bus, or it refuses us.
    pub(crate) async fn to(bus: Bus) -> Result<Self, BusError> {
        let connection = bus.builder().build().await.map_err(|why| no_bus(&bus, why))?;
        let callers = Callers::new();
        // subscribed first, so that none goes unseen between the list and the first change
        let proxy = DBusProxy::new(&connection).await.map_err(|why| no_bus(&bus, why))?;
        let names = proxy.receive_name_owner_changed().await.map_err(|why| no_bus(&bus, why))?;
        let polkit = Rights::changes(&connection).await.map_err(|why| no_bus(&bus, why))?;
        let is_system = matches!(bus, Bus::System);
        callers.connect(&connection, is_system).await.map_err(|why| no_bus(&bus, why))?;
        let rights = Rights::new(callers.clone(), owner(&bus));
        Ok(Self { connection, callers, rights, bus, changes: Changes { names, polkit } })
    }

    /// Serves the identity and the verifier, whose store is the file `store`: the object first, the name last.
    ///
    /// # Errors
    /// Where the bus refuses, or another agent has the name.
    pub(crate) async fn serve(
        self,
        parts: Parts,
        (verifier, store): (Verifier, PathBuf),
    ) -> Result<(Service, Changes), BusError> {
        let Self { connection, callers, rights, bus, changes } = self;
        let identity = Identity::new(parts, callers.clone(), rights.clone());
        let served = connection.object_server().at(AGENT_PATH, identity).await;
        served.map_err(|why| no_bus(&bus, why))?;
        let verifier = VerifierObject::new(verifier, store, callers.clone(), rights.clone());
        let served = connection.object_server().at(AGENT_PATH, verifier).await;
        served.map_err(|why| no_bus(&bus, why))?;
        match connection.request_name_with_flags(AGENT_BUS_NAME, RequestNameFlags::DO_NOT_QUEUE).await {
            Ok(RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner) => {}
            Ok(_) | Err(zbus::Error::NameTaken) => return Err(BusError::NameTaken { bus: bus.to_string() }),
            Err(why) => return Err(no_bus(&bus, why)),
        }
        Ok((Service { connection, callers, rights, bus }, changes))
    }
}

/// What the identity is made of, beside the bus.
pub(crate) struct Parts {
    /// The way to the lineage.
    pub(crate) keeper: Keeper,
    /// How the sources are.
    pub(crate) sources: Status,
    /// What the host does.
    pub(crate) seen: Arc<Seen>,
    /// Prove calls of one uid that may wait.
    pub(crate) waiting_per_uid: u32,
    /// What looks at all that the agent needs.
    pub(crate) diagnosing: Diagnosing,
    /// What asks the TEE.
    pub(crate) reports: TeeReports,
}

async fn tell_of(told: Told, identity: &Identity, emitter: &SignalEmitter<'_>) -> zbus::Result<()> {
    if let Told::Ended { lineage, reason, successor } = told {
        Identity::lineage_ended(emitter, &lineage, reason.as_str(), &successor).await?;
        identity.lineage_changed(emitter).await?;
        identity.born_changed(emitter).await?;
        identity.origin_changed(emitter).await?;
        identity.memory_changed(emitter).await?;
    }
    identity.condition_changed(emitter).await
}

fn no_bus(bus: &Bus, why: zbus::Error) -> BusError {
    BusError::NoBus { bus: bus.to_string(), why, remedy: remedy(bus) }
}

/// The agent on its bus.
pub(crate) struct Service {
    connection: Connection,
    callers: Callers,
    rights: Rights,
    bus: Bus,
}

impl Service {
    /// The connection.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Serves until the connection ends, and says why.
    pub(crate) async fn run(&self, mut changes: Changes) -> BusError {
        loop {
            tokio::select! {
                change = changes.names.next() => {
                    let Some(change) = change else { break };
                    if let Ok(change) = change.args() {
                        self.callers.changed(&change.name, change.new_owner.is_some());
                        self.rights.changed(&change.name);
                    }
                }
                Some(_) = changes.polkit.next() => self.rights.forget(),
            }
        }
        BusError::Gone { bus: self.bus.to_string(), remedy: remedy(&self.bus) }
    }

    /// Tells of changed properties, for ever: of the sources whenever `sources` changes, of the foreign anchors
    /// whenever one more is counted, of a drift that reaches the threshold, of another lineage when the keeper tells it;
    /// `on_end` is called then.
    pub(crate) async fn tell(
        &self,
        mut sources: watch::Receiver<()>,
        mut foreign: watch::Receiver<u64>,
        mut exceeded: watch::Receiver<Drift>,
        mut keeper: mpsc::Receiver<Told>,
        on_end: impl Fn(),
    ) {
        let server = self.connection.object_server();
        let Ok(identity) = server.interface::<_, Identity>(AGENT_PATH).await else { return };
        let emitter = identity.signal_emitter();
        // whoever may call Prove can provoke these: one a second tells as much as all
        let mut next_foreign = Instant::now();
        loop {
            let told = tokio::select! {
                Ok(()) = sources.changed() => {
                    let identity = identity.get().await;
                    let condition = identity.condition_changed(emitter).await;
                    condition.and(identity.sources_changed(emitter).await)
                }
                Some(told) = keeper.recv() => {
                    if matches!(told, Told::Ended { .. }) {
                        on_end();
                    }
                    tell_of(told, &*identity.get().await, emitter).await
                }
                Ok(()) = async { sleep_until(next_foreign).await; foreign.changed().await } => {
                    next_foreign = Instant::now() + TELL_FOREIGN_EVERY;
                    identity.get().await.foreign_anchors_changed(emitter).await
                }
                Ok(()) = exceeded.changed() => {
                    let drift = exceeded.borrow_and_update().as_f64();
                    Identity::drift_exceeded(emitter, drift).await
                }
                else => return,
            };
            if let Err(error) = told {
                tracing::debug!(%error, "a changed property could not be told");
            }
        }
    }

    /// Gives the name up, so that callers learn at once that the agent ends.
    pub(crate) async fn release(&self) {
        let release = timeout(CLOSE_MOST, self.connection.release_name(AGENT_BUS_NAME));
        if !matches!(release.await, Ok(Ok(_))) {
            tracing::debug!("the name could not be given up");
        }
    }

    /// Lets the calls that are under way get their answers, for a second at most, and closes the connection.
    pub(crate) async fn close(self) {
        let closing = timeout(CLOSE_MOST, self.connection.graceful_shutdown());
        if closing.await.is_err() {
            tracing::debug!("some calls got no answer");
        }
    }
}

/// Between two signals that tell of foreign anchors.
const TELL_FOREIGN_EVERY: Duration = Duration::from_secs(1);

/// How long an end waits for the bus, and for answers that are on their way: they take a millisecond.
const CLOSE_MOST: Duration = Duration::from_secs(1);

/// Who has all rights beside root: on a bus that is a person's own, who runs the agent there. The agent's helpers, too, run
/// as the service's user, so on the system bus that has none.
fn owner(bus: &Bus) -> Option<u32> {
    let user = nix::unistd::geteuid();
    (*bus != Bus::System && !user.is_root()).then(|| user.as_raw())
}

fn remedy(bus: &Bus) -> &'static str {
    match bus {
        Bus::System => "check that it runs: systemctl status dbus",
        Bus::Session => "check DBUS_SESSION_BUS_ADDRESS, or start one: dbus-run-session",
        Bus::Address(_) => "check that a bus listens at that address",
    }
}
