//! Callers on a stand-in for a bus, which says of them what the test wants. With real buses: `tests/tests/callers`.

use std::{
    collections::HashMap,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use zbus::{
    Message, connection,
    fdo::ConnectionCredentials,
    interface,
    names::OwnedBusName,
    wire::{Fd, OwnedObjectPath},
};

use super::*;

/// What the bus says of each connection, and how often it was asked.
#[derive(Clone, Default)]
struct Said {
    of: Arc<Mutex<HashMap<String, Whose>>>,
    asked: Arc<AtomicUsize>,
    asked_systemd: Arc<AtomicUsize>,
}

/// Credentials in the making: a descriptor is new at each answer.
#[derive(Clone, Default)]
struct Whose {
    uid: u32,
    groups: Vec<u32>,
    pid: Option<u32>,
    pidfd_of: Option<Arc<OwnedFd>>,
    label: Option<Vec<u8>>,
}

struct Daemon(Said);

#[interface(name = "org.freedesktop.DBus")]
impl Daemon {
    fn get_connection_credentials(&self, name: OwnedBusName) -> zbus::fdo::Result<ConnectionCredentials> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        let whose = self.0.of.lock().unwrap().get(name.as_str()).cloned();
        let unknown = || zbus::fdo::Error::NameHasNoOwner(name.to_string());
        let Whose { uid, groups, pid, pidfd_of, label } = whose.ok_or_else(unknown)?;
        let mut said = ConnectionCredentials::default().set_unix_user_id(uid);
        for group in groups {
            said = said.add_unix_group_id(group);
        }
        if let Some(pid) = pid {
            said = said.set_process_id(pid);
        }
        if let Some(pidfd) = pidfd_of {
            said = said.set_process_fd(pidfd.try_clone().unwrap().into());
        }
        if let Some(label) = label {
            said = said.set_linux_security_label(label);
        }
        Ok(said)
    }

    fn list_names(&self) -> Vec<OwnedBusName> {
        let of = self.0.of.lock().unwrap();
        of.keys().map(|name| name.as_str().try_into().unwrap()).collect()
    }
}

struct Systemd(Said);

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Systemd {
    #[zbus(name = "GetUnitByPIDFD")]
    fn get_unit_by_pidfd(&self, pidfd: Fd<'_>) -> (OwnedObjectPath, String, Vec<u8>) {
        self.0.asked_systemd.fetch_add(1, Ordering::Relaxed);
        // which it is, it says by the id
        let pid = Pinned::new(OwnedFd::try_from(pidfd).unwrap()).pid().unwrap();
        let path = OwnedObjectPath::try_from("/org/freedesktop/systemd1/unit/a").unwrap();
        let mut id = vec![0; 12];
        id.extend(pid.to_be_bytes());
        (path, "a.service".to_owned(), id)
    }
}

/// A bus, and callers as an agent on it knows them.
struct Scene {
    said: Said,
    callers: Callers,
    agent: Connection,
    _bus: Connection,
}

/// The agent's own name.
const AGENT: &str = ":1.1";

impl Scene {
    /// A bus that says this of the agent itself.
    async fn of(agent: Whose, is_system: bool, there_before: &[(&str, Whose)]) -> Self {
        let said = Said::default();
        said.of.lock().unwrap().insert(AGENT.to_owned(), agent);
        for (name, whose) in there_before {
            said.say(name, whose.clone());
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        let guid = zbus::Guid::generate();
        let bus = connection::Builder::unix_stream(theirs).server(guid).p2p();
        let bus = bus
            .serve_at("/org/freedesktop/DBus", Daemon(said.clone()))
            .serve_at("/org/freedesktop/systemd1", Systemd(said.clone()));
        let agent = connection::Builder::unix_stream(ours).p2p();
        let (bus, agent) = tokio::try_join!(bus.build(), agent.build()).unwrap();
        agent.set_unique_name(AGENT).unwrap();
        let callers = Callers::new();
        callers.connect(&agent, is_system).await.unwrap();
        Self { said, callers, agent, _bus: bus }
    }

    /// One that pins processes.
    async fn pinning() -> Self {
        Self::of(Whose { pidfd_of: Some(pin(std::process::id())), ..ours() }, false, &[]).await
    }

    /// One that gives pids alone.
    async fn plain() -> Self {
        Self::of(ours(), false, &[]).await
    }

    /// Who has made a call by the connection of this name.
    async fn caller(&self, name: &str) -> Result<Caller, Error> {
        let call = Message::method_call("/", "A").sender(name).build(&()).unwrap();
        self.callers.caller(&call.header(), &self.agent).await
    }

    async fn subject(&self, name: &str) -> Subject {
        self.caller(name).await.unwrap().subject()
    }
}

impl Said {
    fn say(&self, name: &str, whose: Whose) {
        self.of.lock().unwrap().insert(name.to_owned(), whose);
    }
}

/// A process of our own, until its standard input is closed.
fn cat() -> Child {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    child.wait().unwrap();
}

fn pin(pid: u32) -> Arc<OwnedFd> {
    let pid = Pid::from_raw(pid as i32).unwrap();
    Arc::new(pidfd_open(pid, PidfdFlags::empty()).unwrap())
}

/// This process's own, without a pidfd.
fn ours() -> Whose {
    let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    Whose { uid, groups: vec![gid], pid: Some(std::process::id()), ..Whose::default() }
}

/// Of whom no more is known than what the bus says.
fn nameless() -> Subject {
    Subject { uid: Some(ours().uid), ..Subject::default() }
}

#[tokio::test]
async fn one_that_is_pinned_is_known_though_it_began_after_its_connection_was_seen() {
    let scene = Scene::pinning().await;
    scene.callers.changed(&BusName::try_from(":1.7").unwrap(), true);
    let seen = StartTime::now();
    // by the pid alone it could be another: it is let begin later
    let child = loop {
        let child = cat();
        match Facts::of(child.id()).unwrap() {
            facts if facts.started > seen => break child,
            _ => end(child),
        }
    };
    let pinned = Whose { pid: Some(child.id()), pidfd_of: Some(pin(child.id())), ..ours() };
    scene.said.say(":1.7", pinned);
    let subject = scene.subject(":1.7").await;
    assert_eq!(subject.pid, Some(child.id()));
    assert_eq!(subject.gid, Some(ours().groups[0]));
    assert!(subject.exe.is_some_and(|exe| exe.ends_with("/cat")));
    // the same on a bus that gives a pid alone
    let plain = Scene::plain().await;
    plain.callers.changed(&BusName::try_from(":1.7").unwrap(), true);
    plain.callers.lock().get_mut(":1.7").unwrap().appeared = Some(seen);
    plain.said.say(":1.7", Whose { pid: Some(child.id()), ..ours() });
    assert_eq!(plain.subject(":1.7").await, nameless());
    end(child);
}

#[tokio::test]
async fn what_hangs_on_the_pid_is_left_out_once_the_pinned_process_has_ended() {
    let scene = Scene::pinning().await;
    let mut child = cat();
    let pid = child.id();
    scene.said.say(":1.7", Whose { pid: Some(pid), pidfd_of: Some(pin(pid)), ..ours() });
    assert_eq!(scene.subject(":1.7").await.pid, Some(pid));
    drop(child.stdin.take());
    let end = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    rustix::process::waitid(rustix::process::WaitId::Pid(Pid::from_child(&child)), end).unwrap();
    assert_eq!(scene.subject(":1.7").await, nameless(), "not yet waited for");
    child.wait().unwrap();
    assert_eq!(scene.subject(":1.7").await, nameless());
    // the bus was asked of it once: its process stays pinned
    assert_eq!(scene.said.asked.load(Ordering::Relaxed), 2, "of the agent itself, and of the caller");
}

#[tokio::test]
async fn the_pid_is_the_pinned_process_own_and_not_the_one_that_the_bus_gives() {
    // as where the bus is in another namespace of pids
    let scene = Scene::pinning().await;
    let (child, other) = (cat(), cat());
    scene.said.say(":1.7", Whose { pid: Some(other.id()), pidfd_of: Some(pin(child.id())), ..ours() });
    assert_eq!(scene.subject(":1.7").await.pid, Some(child.id()));
    end(child);
    end(other);
}

#[tokio::test]
async fn a_bus_that_pins_processes_gives_no_pid_that_counts_alone() {
    let scene = Scene::pinning().await;
    // the process had gone before the bus could pin it
    scene.said.say(":1.7", ours());
    assert_eq!(scene.subject(":1.7").await, nameless());
    let plain = Scene::plain().await;
    plain.said.say(":1.7", ours());
    assert_eq!(plain.subject(":1.7").await.pid, Some(std::process::id()));
}

#[tokio::test]
async fn pids_of_another_namespace_are_nobodys() {
    // so the agent is seen by a bus that is outside of its namespace
    for seen in [Some(std::process::id() + 1), Some(0), None] {
        let scene = Scene::of(Whose { pid: seen, ..ours() }, false, &[]).await;
        scene.said.say(":1.7", ours());
        assert_eq!(scene.subject(":1.7").await, nameless(), "{seen:?}");
    }
    // and so is a caller who is outside of the bus's
    let scene = Scene::plain().await;
    scene.said.say(":1.7", Whose { pid: Some(0), ..ours() });
    assert_eq!(scene.subject(":1.7").await, nameless());
}

#[tokio::test]
async fn of_a_connection_that_was_there_before_the_agent_only_a_pinned_process_is_known() {
    let scene = Scene::of(ours(), false, &[(":1.0", ours())]).await;
    assert_eq!(scene.subject(":1.0").await, nameless());
    let pinned = Whose { pidfd_of: Some(pin(std::process::id())), ..ours() };
    let scene = Scene::of(pinned.clone(), false, &[(":1.0", pinned)]).await;
    assert_eq!(scene.subject(":1.0").await.pid, Some(std::process::id()));
}

#[tokio::test]
async fn another_users_process_is_not_the_callers_by_its_pid_alone() {
    let scene = Scene::plain().await;
    let another = ours().uid + 1;
    scene.said.say(":1.7", Whose { uid: another, ..ours() });
    assert_eq!(scene.subject(":1.7").await, Subject { uid: Some(another), ..Subject::default() });
    // the same where it is pinned: its user has changed since it connected, so neither group nor program count
    let scene = Scene::pinning().await;
    scene.said.say(":1.7", Whose { uid: another, pidfd_of: Some(pin(std::process::id())), ..ours() });
    let subject = scene.subject(":1.7").await;
    assert_eq!((subject.uid, subject.pid), (Some(another), Some(std::process::id())));
    assert_eq!((subject.gid, subject.exe), (None, None));
}

#[tokio::test]
async fn a_group_that_the_bus_does_not_count_among_the_callers_is_left_out() {
    let scene = Scene::plain().await;
    scene.said.say(":1.7", Whose { groups: vec![ours().groups[0] + 1], ..ours() });
    let subject = scene.subject(":1.7").await;
    assert_eq!((subject.gid, subject.pid), (None, Some(std::process::id())));
}

#[tokio::test]
async fn the_label_is_the_buss_word_and_names_a_snap() {
    let scene = Scene::plain().await;
    let label = |text: &[u8]| Some(text.to_vec());
    scene.said.say(":1.7", Whose { label: label(b"snap.firefox.firefox (enforce)\0"), ..ours() });
    scene.said.say(":1.8", Whose { label: label(b"unconfined\0"), pid: None, ..ours() });
    let subject = scene.subject(":1.7").await;
    assert_eq!(subject.label.as_deref(), Some("snap.firefox.firefox (enforce)"));
    assert_eq!(subject.app.as_deref(), Some("snap.firefox"));
    let unconfined = Subject { label: Some("unconfined".to_owned()), ..nameless() };
    assert_eq!(scene.subject(":1.8").await, unconfined);
}

#[tokio::test]
async fn of_those_who_are_not_kept_pinned_the_bus_is_asked_each_time() {
    let scene = Scene::pinning().await;
    let whose = Whose { pidfd_of: Some(pin(std::process::id())), ..ours() };
    let names: Vec<_> = (0..=PINNED_MOST).map(|number| format!(":2.{number}")).collect();
    for name in &names {
        scene.said.say(name, whose.clone());
        assert_eq!(scene.subject(name).await.pid, Some(std::process::id()));
    }
    let asked = || scene.said.asked.swap(0, Ordering::Relaxed);
    asked();
    for name in &names {
        assert_eq!(scene.subject(name).await.pid, Some(std::process::id()));
    }
    assert_eq!(asked(), 1, "all but one are kept");
    // one goes, and the last gets its place
    scene.callers.changed(&BusName::try_from(names[0].as_str()).unwrap(), false);
    let last = names.last().unwrap();
    scene.subject(last).await;
    scene.subject(last).await;
    assert_eq!(asked(), 1);
    assert_eq!(scene.callers.0.asking.available_permits(), ASKING_MOST, "no place is lost");
}

#[tokio::test]
async fn one_that_has_gone_is_refused_and_forgotten() {
    let scene = Scene::plain().await;
    let refused = scene.caller(":1.9").await.map(|caller| caller.uid);
    assert!(matches!(&refused, Err(Error::Failed(text)) if text.contains(":1.9")), "{refused:?}");
    assert!(!scene.callers.lock().contains_key(":1.9"));
}

#[tokio::test]
async fn systemd_is_asked_once_of_a_process_that_is_hidden_and_only_on_the_system_bus() {
    let pinned = Whose { pidfd_of: Some(pin(std::process::id())), ..ours() };
    let child = cat();
    for is_system in [true, false] {
        let scene = Scene::of(pinned.clone(), is_system, &[]).await;
        scene.said.say(":1.7", Whose { pidfd_of: Some(pin(child.id())), ..ours() });
        scene.caller(":1.7").await.unwrap();
        assert_eq!(scene.said.asked_systemd.load(Ordering::Relaxed), 0, "nothing is hidden");
        let name = UniqueName::try_from(":1.7").unwrap();
        let pinned = Pinned::new(pin(child.id()).try_clone().unwrap());
        for _ in 0..2 {
            let unit = scene.callers.by_systemd(&pinned, &name, &scene.agent).await;
            let mut id = [0; 16];
            id[12..].copy_from_slice(&child.id().to_be_bytes());
            let expected = Unit { name: "a.service".to_owned(), invocation: Some(id) };
            assert_eq!(unit, is_system.then_some(expected));
        }
        assert_eq!(scene.said.asked_systemd.load(Ordering::Relaxed), usize::from(is_system));
    }
    end(child);
}
