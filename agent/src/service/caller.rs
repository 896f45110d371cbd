//! Who is asking, by the bus's word and the kernel's; the caller cannot name itself.
//!
//! The uid is the boundary, and the bus's word. All else is a label, since processes of one uid can get into each other;
//! SECURITY.md says what each is worth. It is the *process that connected* that is told, as it is now, whoever holds the
//! connection by now; and what can't be known to be that process's is left out:
//!
//! - Where the bus pins the process (`ProcessFD`, dbus 1.16), the pid and what hangs on it are of that very process,
//!   and left out once it has ended.
//! - Where it gives a pid alone (dbus 1.14), that may be another process's by now. What hangs on it is left out unless
//!   the process began before the agent saw the connection appear, and is of the connection's user. Of a connection that
//!   was there before the agent, all of it is left out.
//!
//! There is no app id of a flatpak: its cgroup has a name that the user's own service manager was told by whoever asked,
//! and the file `.flatpak-info` is wherever a process has mounted one. Either way the caller could name itself. Such an
//! app reaches the bus through xdg-dbus-proxy, which is the process that is told.

mod credentials;
mod label;
mod systemd;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use selfsame::Subject;
use selfsame_dbus::Error;
use tokio::sync::Semaphore;
use zbus::{
    Connection,
    fdo::DBusProxy,
    message::Header,
    names::{BusName, OwnedUniqueName, UniqueName},
};

use super::process::{Facts, Pinned, StartTime, Unit};
use credentials::{Credentials, Pids, Process};

/// The callers that the agent knows, by their unique names. Clones share them.
#[derive(Clone)]
pub(crate) struct Callers(Arc<Shared>);

struct Shared {
    connections: Mutex<HashMap<OwnedUniqueName, Connected>>,
    /// Set once, when the agent has connected.
    bus: OnceLock<OurBus>,
    /// How many the bus may be asked for at once: each answer may have a descriptor.
    asking: Arc<Semaphore>,
    /// How many processes may be kept pinned.
    pinning: Arc<Semaphore>,
}

/// The bus that the agent is on.
struct OurBus {
    pids: Pids,
    /// It is the system's, where `org.freedesktop.systemd1` is the system's manager.
    is_system: bool,
}

/// A connection to the bus.
#[derive(Clone)]
struct Connected {
    /// When the agent saw it appear; `None`: it was there before.
    appeared: Option<StartTime>,
    /// Who it is by the bus's word; `None`: not asked for yet.
    credentials: Option<Credentials>,
    /// What systemd has said of a process that is hidden; `None`: not asked for yet.
    by_systemd: Option<Option<Unit>>,
}

/// Who made a call.
pub(crate) struct Caller {
    /// The user, always known.
    pub(crate) uid: u32,
    /// The process's group, where the bus, too, says that it is one of the caller's.
    gid: Option<u32>,
    /// Its groups when it connected, by the bus's word.
    groups: Vec<u32>,
    pid: Option<u32>,
    unit: Option<Unit>,
    exe: Option<String>,
    label: Option<String>,
}

impl Caller {
    /// Whether it was in this group when it connected.
    pub(crate) fn is_in(&self, gid: u32) -> bool {
        self.groups.contains(&gid)
    }

    /// What is known of it, for a statement.
    pub(crate) fn subject(&self) -> Subject {
        Subject {
            uid: Some(self.uid),
            gid: self.gid,
            pid: self.pid,
            unit: self.unit.as_ref().map(|unit| unit.name.clone()),
            exe: self.exe().map(str::to_owned),
            label: self.label.clone(),
            app: self.label.as_deref().and_then(label::app),
            invocation: self.unit.as_ref().and_then(|unit| unit.invocation),
        }
    }

    /// The unit, for the journal.
    pub(crate) fn unit(&self) -> &str {
        self.unit.as_ref().map_or("unknown", |unit| &unit.name)
    }

    /// The path of its executable, where it is known.
    pub(crate) fn exe(&self) -> Option<&str> {
        self.exe.as_deref()
    }

    /// Of whom nothing is known but what the bus says.
    fn by_the_bus(credentials: &Credentials) -> Self {
        let Credentials { uid, groups, label, .. } = credentials;
        let (groups, label) = (groups.clone(), label.clone());
        Self { uid: *uid, gid: None, groups, pid: None, unit: None, exe: None, label }
    }

    /// With what is known of its process.
    fn with(self, facts: Facts) -> Self {
        let is_same_user = facts.uid == self.uid;
        Self {
            // a program that is setgid has a group that its caller has not
            gid: Some(facts.gid).filter(|gid| is_same_user && self.groups.contains(gid)),
            pid: Some(facts.pid),
            unit: facts.unit,
            // nor does a program that is setuid speak for who started it
            exe: facts.exe.filter(|_| is_same_user),
            ..self
        }
    }
}

impl Callers {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            connections: Mutex::default(),
            bus: OnceLock::new(),
            asking: Arc::new(Semaphore::new(ASKING_MOST)),
            pinning: Arc::new(Semaphore::new(PINNED_MOST)),
        }))
    }

    /// Takes note of the bus, and of the connections that are on it already.
    ///
    /// # Errors
    /// Where the bus does not say.
    pub(crate) async fn connect(&self, connection: &Connection, is_system: bool) -> zbus::Result<()> {
        let pids = Pids::given_by(connection).await?;
        // a second connection would be to the same bus
        let _ = self.0.bus.set(OurBus { pids, is_system });
        let names = DBusProxy::new(connection).await?.list_names().await?;
        let mut connections = self.lock();
        for name in names {
            if let BusName::Unique(name) = name.inner() {
                connections.entry(name.to_owned().into()).or_insert(Connected::since(None));
            }
        }
        Ok(())
    }

    /// Takes note that a name has appeared on the bus, or has gone.
    pub(crate) fn changed(&self, name: &BusName<'_>, is_there: bool) {
        let BusName::Unique(name) = name else { return };
        if is_there {
            self.appeared(name);
        } else {
            self.lock().remove(name.as_str());
        }
    }

    fn appeared(&self, name: &UniqueName<'_>) -> Connected {
        let new = || Connected::since(Some(StartTime::now()));
        self.lock().entry(name.to_owned().into()).or_insert_with(new).clone()
    }

    /// What `tell` makes of the user whose connection the call with this header came by, and of the groups that it had when it
    /// connected, where the bus has said so before.
    pub(crate) fn known<T>(&self, header: &Header<'_>, tell: impl FnOnce(u32, &[u32]) -> T) -> Option<T> {
        let name = header.sender()?;
        let connections = self.lock();
        let credentials = connections.get(name.as_str())?.credentials.as_ref()?;
        Some(tell(credentials.uid, &credentials.groups))
    }

    /// Whose connection the call with this header came by. The bus is asked where it has not said so before; of the process
    /// nothing is looked up.
    ///
    /// # Errors
    /// As [`caller`](Self::caller).
    pub(crate) async fn uid(&self, header: &Header<'_>, bus: &Connection) -> Result<u32, Error> {
        match self.known(header, |uid, _| uid) {
            Some(uid) => Ok(uid),
            None => Ok(self.ask_or_forget(sender(header)?, bus).await?.uid),
        }
    }

    /// Who made the call with this header.
    ///
    /// # Errors
    /// Where the bus does not say whose the connection is: it has gone, say.
    pub(crate) async fn caller(&self, header: &Header<'_>, bus: &Connection) -> Result<Caller, Error> {
        let name = sender(header)?;
        let connected = self.appeared(name);
        let credentials = match connected.credentials {
            Some(credentials) if !matches!(credentials.process, Process::LetGo) => credentials,
            _ => self.ask_or_forget(name, bus).await?,
        };
        let caller = Caller::by_the_bus(&credentials);
        Ok(match &credentials.process {
            Process::Pinned { pinned, .. } => self.pinned(caller, pinned, name, bus).await,
            Process::Pid(pid) => {
                let facts = Facts::of(*pid).filter(|facts| {
                    // another's, if it began after the connection, or is another user's
                    connected.appeared.is_some_and(|appeared| facts.started <= appeared)
                        && facts.uid == credentials.uid
                });
                match facts {
                    Some(facts) => caller.with(facts),
                    None => caller,
                }
            }
            Process::Unknown | Process::LetGo => caller,
        })
    }

    /// The caller with what is known of its process, which is pinned. As long as that has not ended, its pid is its own.
    async fn pinned(
        &self,
        caller: Caller,
        pinned: &Pinned,
        name: &UniqueName<'_>,
        bus: &Connection,
    ) -> Caller {
        let Some(pid) = pinned.pid() else { return caller };
        let known = Facts::of(pid);
        let is_hidden = known.is_none();
        let unit = if is_hidden { self.by_systemd(pinned, name, bus).await } else { None };
        // looked at last: what was read above was of this process
        if pinned.has_ended() {
            return caller;
        }
        match known {
            Some(facts) => caller.with(facts),
            None => Caller { pid: Some(pid), unit, ..caller },
        }
    }

    /// The unit of a process that `/proc` hides, by systemd's word, which is asked for once a connection.
    async fn by_systemd(&self, pinned: &Pinned, name: &UniqueName<'_>, bus: &Connection) -> Option<Unit> {
        if !self.0.bus.get().is_some_and(|bus| bus.is_system) || pinned.has_ended() {
            return None;
        }
        let told = self.lock().get(name.as_str()).and_then(|connected| connected.by_systemd.clone());
        if let Some(told) = told {
            return told;
        }
        let told = systemd::unit(pinned, bus).await?;
        if let Some(connected) = self.lock().get_mut(name.as_str()) {
            connected.by_systemd = Some(told.clone());
        }
        told
    }

    /// Asks the bus. One that it does not know has gone, perhaps before its call was looked at: nothing of it is kept.
    async fn ask_or_forget(&self, name: &UniqueName<'_>, bus: &Connection) -> Result<Credentials, Error> {
        self.appeared(name);
        self.ask(name, bus).await.inspect_err(|_| drop(self.lock().remove(name.as_str())))
    }

    /// Asks the bus, and keeps its answer for as long as the connection is there.
    async fn ask(&self, name: &UniqueName<'_>, bus: &Connection) -> Result<Credentials, Error> {
        let place = Arc::clone(&self.0.asking).acquire_owned().await;
        let place = place.expect("nobody closes the semaphore");
        let pids = self.0.bus.get().map_or(Pids::Foreign, |bus| bus.pids);
        let asked = Credentials::ask(name, bus, pids, place).await;
        let credentials =
            asked.map_err(|why| Error::Failed(format!("the bus does not say who {name} is: {why}")))?;
        if let Some(connected) = self.lock().get_mut(name.as_str()) {
            connected.credentials = Some(credentials.to_keep(&self.0.pinning));
        }
        Ok(credentials)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OwnedUniqueName, Connected>> {
        self.0.connections.lock().expect("no thread panics while it holds the callers")
    }
}

fn sender<'h>(header: &'h Header<'_>) -> Result<&'h UniqueName<'h>, Error> {
    header.sender().ok_or_else(|| Error::Failed("a call without a sender".into()))
}

impl Connected {
    fn since(appeared: Option<StartTime>) -> Self {
        Self { appeared, credentials: None, by_systemd: None }
    }
}

/// How many the bus is asked for at once, and how many processes are kept pinned. Each is a descriptor, of which a
/// service has 1,024 by default (systemd.exec(5), `LimitNOFILE=`). Of those who are not kept, the bus is asked at each
/// call.
const ASKING_MOST: usize = 64;
const PINNED_MOST: usize = 256;
