//! Who is asking, by the bus's word and the kernel's; the caller cannot name itself.
//!
//! The uid is the boundary. Unit and executable are labels, since processes of one uid can get into each other. A
//! pid that the bus gives may be another process's by now: what hangs on it is left out unless that process began
//! before the agent saw the caller's connection appear.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use selfsame::Subject;
use selfsame_dbus::Error;
use zbus::{
    Connection,
    fdo::DBusProxy,
    message::Header,
    names::{BusName, OwnedUniqueName, UniqueName},
};

use super::process::{Facts, StartTime};

/// The callers that the agent knows, by their unique names. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Callers(Arc<Mutex<HashMap<OwnedUniqueName, Connected>>>);

/// A connection to the bus.
#[derive(Clone)]
struct Connected {
    /// When the agent saw it appear.
    appeared: StartTime,
    /// Who it is by the bus's word; `None`: not asked for yet.
    credentials: Option<Credentials>,
}

/// What the bus says of a connection.
#[derive(Clone)]
struct Credentials {
    uid: u32,
    /// All its groups, the primary one among them, as they were when it connected.
    groups: Vec<u32>,
    pid: Option<u32>,
}

/// Who made a call.
pub(crate) struct Caller {
    /// The user, always known.
    pub(crate) uid: u32,
    /// The process's group, where the bus, too, says that it is one of the caller's.
    gid: Option<u32>,
    /// Its groups when it connected, by the bus's word.
    groups: Vec<u32>,
    process: Option<Facts>,
}

impl Caller {
    /// Whether it was in this group when it connected.
    pub(crate) fn is_in(&self, gid: u32) -> bool {
        self.groups.contains(&gid)
    }

    /// What is known of it, for a statement.
    pub(crate) fn subject(&self) -> Subject {
        let process = self.process.as_ref();
        Subject {
            uid: Some(self.uid),
            gid: self.gid,
            pid: process.map(|process| process.pid),
            unit: process.and_then(|process| process.unit.clone()),
            exe: process.and_then(|process| process.exe.clone()),
            ..Subject::default()
        }
    }

    /// The unit, for the journal.
    pub(crate) fn unit(&self) -> &str {
        self.process.as_ref().and_then(|process| process.unit.as_deref()).unwrap_or("unknown")
    }
}

impl Callers {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes note of the connections that are on the bus already.
    ///
    /// # Errors
    /// Where the bus does not say.
    pub(crate) async fn connect(&self, connection: &Connection) -> zbus::Result<()> {
        let names = DBusProxy::new(connection).await?.list_names().await?;
        for name in names {
            self.changed(&name, true);
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
        let new = || Connected { appeared: StartTime::now(), credentials: None };
        self.lock().entry(name.to_owned().into()).or_insert_with(new).clone()
    }

    /// Whose connection the call with this header came by, where the bus has said so before.
    pub(crate) fn known(&self, header: &Header<'_>) -> Option<u32> {
        let name = header.sender()?;
        self.lock().get(name.as_str())?.credentials.as_ref().map(|credentials| credentials.uid)
    }

    /// Who made the call with this header.
    ///
    /// # Errors
    /// Where the bus does not say whose the connection is: it has gone, say.
    pub(crate) async fn caller(&self, header: &Header<'_>, bus: &Connection) -> Result<Caller, Error> {
        let name = header.sender().ok_or_else(|| Error::Failed("a call without a sender".into()))?;
        let connected = self.appeared(name);
        let asked = match connected.credentials {
            Some(credentials) => Ok(credentials),
            None => self.ask(name, bus).await,
        };
        // the bus does not know it: it has gone, perhaps before this call was looked at
        let Credentials { uid, groups, pid } =
            asked.inspect_err(|_| drop(self.lock().remove(name.as_str())))?;
        let process = pid.and_then(Facts::of);
        // another's, if it began after the connection, or is another user's
        let process = process.filter(|process| process.started <= connected.appeared && process.uid == uid);
        // a program that is setgid has a group that its caller has not
        let gid = process.as_ref().map(|process| process.gid).filter(|gid| groups.contains(gid));
        Ok(Caller { uid, gid, groups, process })
    }

    async fn ask(&self, name: &UniqueName<'_>, bus: &Connection) -> Result<Credentials, Error> {
        let unknown = |why: String| Error::Failed(format!("the bus does not say who {name} is: {why}"));
        let proxy = DBusProxy::new(bus).await.map_err(|error| unknown(error.to_string()))?;
        let asked = proxy.get_connection_credentials(BusName::Unique(name.to_owned())).await;
        let credentials = asked.map_err(|error| unknown(error.to_string()))?;
        let uid = credentials.unix_user_id().ok_or_else(|| unknown("no uid".into()))?;
        let pid = credentials.process_id();
        let credentials =
            Credentials { uid, groups: credentials.into_unix_group_ids().unwrap_or_default(), pid };
        if let Some(connected) = self.lock().get_mut(name.as_str()) {
            connected.credentials = Some(credentials.clone());
        }
        Ok(credentials)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OwnedUniqueName, Connected>> {
        self.0.lock().expect("no thread panics while it holds the callers")
    }
}
