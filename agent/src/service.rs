//! The service: what the agent serves on the bus, on a current-thread runtime. Its handlers hash no openings and
//! make no call that may block for long.

mod caller;
mod diagnosing;
mod identity;
mod process;
mod report;
mod waiting;

use std::time::Duration;

use futures_util::StreamExt;
use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH, Bus};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use zbus::{
    Connection,
    fdo::{DBusProxy, NameOwnerChangedStream, RequestNameFlags, RequestNameReply},
    object_server::SignalEmitter,
};

use crate::{
    entropy::Status,
    keeper::{Keeper, Told},
};
use caller::Callers;
pub(crate) use diagnosing::Diagnosing;
pub(crate) use identity::Identity;
pub(crate) use report::TeeReports;

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
    bus: Bus,
    changes: NameOwnerChangedStream,
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
        let changes = proxy.receive_name_owner_changed().await.map_err(|why| no_bus(&bus, why))?;
        let is_system = matches!(bus, Bus::System);
        callers.connect(&connection, is_system).await.map_err(|why| no_bus(&bus, why))?;
        Ok(Self { connection, callers, bus, changes })
    }

    /// Serves the identity: the object first, the name last.
    ///
    /// # Errors
    /// Where the bus refuses, or another agent has the name.
    pub(crate) async fn serve(
        self,
        keeper: Keeper,
        sources: Status,
        waiting_per_uid: u32,
        diagnosing: Diagnosing,
        reports: TeeReports,
    ) -> Result<(Service, NameOwnerChangedStream), BusError> {
        let Self { connection, callers, bus, changes } = self;
        let identity = Identity::new(keeper, sources, callers.clone(), waiting_per_uid, diagnosing, reports);
        let served = connection.object_server().at(AGENT_PATH, identity).await;
        served.map_err(|why| no_bus(&bus, why))?;
        match connection.request_name_with_flags(AGENT_BUS_NAME, RequestNameFlags::DO_NOT_QUEUE).await {
            Ok(RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner) => {}
            Ok(_) | Err(zbus::Error::NameTaken) => return Err(BusError::NameTaken { bus: bus.to_string() }),
            Err(why) => return Err(no_bus(&bus, why)),
        }
        Ok((Service { connection, callers, bus }, changes))
    }
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
    bus: Bus,
}

impl Service {
    /// The connection.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Serves until the connection ends, and says why. `changes` tells who comes to the bus, and goes.
    pub(crate) async fn run(&self, mut changes: NameOwnerChangedStream) -> BusError {
        while let Some(change) = changes.next().await {
            if let Ok(change) = change.args() {
                self.callers.changed(&change.name, change.new_owner.is_some());
            }
        }
        BusError::Gone { bus: self.bus.to_string(), remedy: remedy(&self.bus) }
    }

    /// Tells of changed properties, for ever: of the sources whenever `sources` changes, of the foreign anchors
    /// whenever one more is counted, of another lineage when the keeper tells it; `on_end` is called then.
    pub(crate) async fn tell(
        &self,
        mut sources: watch::Receiver<()>,
        mut foreign: watch::Receiver<u64>,
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

fn remedy(bus: &Bus) -> &'static str {
    match bus {
        Bus::System => "check that it runs: systemctl status dbus",
        Bus::Session => "check DBUS_SESSION_BUS_ADDRESS, or start one: dbus-run-session",
        Bus::Address(_) => "check that a bus listens at that address",
    }
}
