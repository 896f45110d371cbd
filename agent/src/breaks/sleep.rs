//! Suspend: a last moment before the machine sleeps, and a freshly stirred one after. logind is asked to wait for the first
//! (a delay inhibitor: org.freedesktop.login1(5)). It does not say which sleep it is: a hibernation is told by its own unit.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::StreamExt;
use selfsame_dbus::Bus;
use zbus::{Connection, OwnedFd, proxy::CacheProperties};

use crate::{clock::Clock, keeper::Keeper};

/// What is asked of logind.
#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait Logind {
    /// Has logind wait, for as long as the descriptor is open and for some seconds at most.
    fn inhibit(&self, what: &str, who: &str, why: &str, mode: &str) -> zbus::Result<OwnedFd>;

    /// The machine is about to sleep, or is awake again.
    #[zbus(signal)]
    fn prepare_for_sleep(&self, start: bool) -> zbus::Result<()>;
}

/// Whether logind waits for a last moment: for a diagnosis.
#[derive(Clone, Default)]
pub(crate) struct Inhibiting(Arc<AtomicBool>);

impl Inhibiting {
    /// Whether it does now.
    pub(crate) fn is_held(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, is_held: bool) {
        self.0.store(is_held, Ordering::Relaxed);
    }
}

/// Watches over sleeps, for ever. `bus` is where `connection` leads: on a session bus there is no logind, and the system's is
/// asked.
pub(crate) async fn watch(
    bus: Bus,
    connection: Connection,
    keeper: Keeper,
    clock: Clock,
    inhibiting: Inhibiting,
) {
    let connection = match bus {
        Bus::Session => Bus::System.builder().build().await,
        Bus::System | Bus::Address(_) => Ok(connection),
    };
    let watched = match connection {
        Ok(connection) => watch_on(&connection, keeper, clock, &inhibiting).await,
        Err(error) => Err(error),
    };
    inhibiting.set(false);
    if let Err(error) = watched {
        tracing::info!(%error, "no logind: there is no last moment before a sleep");
    }
    std::future::pending().await
}

async fn watch_on(
    connection: &Connection,
    keeper: Keeper,
    clock: Clock,
    inhibiting: &Inhibiting,
) -> zbus::Result<()> {
    let logind = LogindProxy::builder(connection).cache_properties(CacheProperties::No).build().await?;
    // subscribed first, so that none goes unseen between the inhibitor and the first sleep
    let mut sleeps = logind.receive_prepare_for_sleep().await?;
    let mut owners = logind.inner().receive_owner_changed().await?;
    let mut inhibitor = take(&logind, inhibiting).await;
    let mut slept_before = clock.slept_nanos();
    loop {
        tokio::select! {
            Some(owner) = owners.next() => if owner.is_some() && inhibitor.is_none() {
                // it has come, or has come back
                inhibitor = take(&logind, inhibiting).await;
            },
            Some(sleep) = sleeps.next() => {
                if sleep.args()?.start {
                    slept_before = clock.slept_nanos();
                    let made = keeper.before_sleep().await;
                    tracing::info!(is_made = made.is_ok(), "the machine is about to sleep: a last moment");
                    // lets it sleep
                    drop(inhibitor.take());
                    inhibiting.set(false);
                } else {
                    let made = keeper.after_sleep().await;
                    let slept_ms = clock.slept_nanos().saturating_sub(slept_before) / 1_000_000;
                    tracing::info!(is_made = made.is_ok(), slept_ms, "awake again: stirred, and a moment");
                    inhibitor = take(&logind, inhibiting).await;
                }
            },
            else => return Ok(()),
        }
    }
}

/// Takes the inhibitor; without one the machine sleeps when it wants to, and the moment may come too late.
async fn take(logind: &LogindProxy<'_>, inhibiting: &Inhibiting) -> Option<OwnedFd> {
    let taken = logind.inhibit("sleep", "selfsame", "a last moment before it", "delay").await;
    inhibiting.set(taken.is_ok());
    match &taken {
        Ok(_) => tracing::debug!("logind waits for a last moment before a sleep"),
        Err(error) => tracing::info!(%error, "logind does not wait for a last moment before a sleep"),
    }
    taken.ok()
}
