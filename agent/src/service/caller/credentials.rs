//! What the bus says of a connection.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zbus::{
    Connection,
    fdo::DBusProxy,
    names::{BusName, UniqueName},
};

use super::{super::process::Pinned, label};

/// What the bus says of a connection: what the kernel said to it when that was made.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) uid: u32,
    /// All its groups, the primary one among them, as they were when it connected.
    pub(super) groups: Vec<u32>,
    /// The security label.
    pub(super) label: Option<String>,
    pub(super) process: Process,
}

/// The process that made a connection.
#[derive(Clone)]
pub(super) enum Process {
    /// Not known.
    Unknown,
    /// The one that had this pid when it connected.
    Pid(u32),
    /// This very one.
    Pinned {
        pinned: Pinned,
        /// One of the few descriptors that may be open.
        _place: Arc<OwnedSemaphorePermit>,
    },
    /// It was pinned, and is no more: to be asked for again.
    LetGo,
}

/// What the pids that the bus gives are to the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pids {
    /// It pins processes. One of which it gives a pid alone had ended before it was looked at.
    Pinned,
    /// It has pids alone, of the agent's own namespace.
    Ours,
    /// It has pids alone, of another namespace: here they are others'.
    Foreign,
}

impl Pids {
    /// Asks the bus for what it says of the agent itself.
    ///
    /// # Errors
    /// Where the bus does not say.
    pub(super) async fn given_by(bus: &Connection) -> zbus::Result<Self> {
        let Some(own) = bus.unique_name() else { return Ok(Self::Foreign) };
        let proxy = DBusProxy::new(bus).await?;
        let said = proxy.get_connection_credentials(BusName::Unique(own.as_ref())).await?;
        let pids = match said.process_id() {
            _ if said.process_fd().is_some() => Self::Pinned,
            Some(pid) if pid == std::process::id() => Self::Ours,
            pid => {
                let (pid, own) = (pid.unwrap_or_default(), std::process::id());
                tracing::warn!(
                    pid,
                    own,
                    "the bus gives pids of another namespace: of callers, the users alone are known"
                );
                Self::Foreign
            }
        };
        Ok(pids)
    }
}

impl Credentials {
    /// Asks the bus. `place` is given up with the last clone of what it answers.
    ///
    /// # Errors
    /// The text says what is missing.
    pub(super) async fn ask(
        name: &UniqueName<'_>,
        bus: &Connection,
        pids: Pids,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, String> {
        let proxy = DBusProxy::new(bus).await.map_err(|error| error.to_string())?;
        let asked = proxy.get_connection_credentials(BusName::Unique(name.to_owned())).await;
        let said = asked.map_err(|error| error.to_string())?;
        let uid = said.unix_user_id().ok_or("no uid")?;
        let label = said.linux_security_label().cloned().and_then(label::text);
        let (pid, groups) = (said.process_id(), said.unix_group_ids().cloned().unwrap_or_default());
        let process = match (said.into_process_fd(), pid) {
            (Some(descriptor), _) => {
                Process::Pinned { pinned: Pinned::new(descriptor.into()), _place: Arc::new(place) }
            }
            // of a process outside of the bus's namespace of pids the kernel tells it 0
            (None, Some(pid)) if pids == Pids::Ours && pid != 0 => Process::Pid(pid),
            (None, _) => Process::Unknown,
        };
        Ok(Self { uid, groups, label, process })
    }

    /// The same, to keep: pinned if there is a place among those that are kept.
    pub(super) fn to_keep(&self, places: &Arc<Semaphore>) -> Self {
        let mut kept = self.clone();
        if let Process::Pinned { pinned, .. } = &self.process {
            kept.process = match Arc::clone(places).try_acquire_owned() {
                Ok(place) => Process::Pinned { pinned: pinned.clone(), _place: Arc::new(place) },
                Err(_) => Process::LetGo,
            };
        }
        kept
    }
}
