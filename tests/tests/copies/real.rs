//! The same with real agents: one, and a second that is started from a copy of the first one's page and history.

use std::time::Duration;

use selfsame::Refusal;
use selfsame_dbus::{AGENT_BUS_NAME, Bytes, CallError, Error, Identity1Proxy, Options};
use selfsame_store::StoreError;
use selfsame_tests::{AgentOptions, Manager, PEER, PrivateBus, Process, Relying, Stolen, wait_for_name};

/// An agent on a bus of its own, under a manager of its own.
struct Side {
    process: Process,
    identity: Identity1Proxy<'static>,
    _manager: Manager,
    _bus: PrivateBus,
}

impl Side {
    async fn of(manager: Manager, bus: PrivateBus, process: Process) -> Self {
        let connection = bus.connect().await;
        let limit = Duration::from_secs(60);
        let named = wait_for_name(&connection, AGENT_BUS_NAME, Some(process.pid()), limit).await;
        named.unwrap_or_else(|error| panic!("{error}: {}", manager.stderr()));
        let identity = Identity1Proxy::uncached(&connection).await.unwrap();
        Self { process, identity, _manager: manager, _bus: bus }
    }

    async fn answer(&self, challenge: &selfsame::Challenge) -> Result<Vec<u8>, Error> {
        let bytes = Bytes::new(challenge.as_bytes());
        match self.identity.prove("door", bytes, Bytes::new(b""), &Options::new()).await {
            Ok(proof) => Ok(proof.into_vec()),
            Err(CallError::Refused(error, _)) => Err(error),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Waits until it has made so many moments more.
    async fn moments(&self, more: u64) {
        let from = self.identity.moments().await.unwrap();
        while self.identity.moments().await.unwrap() < from + more {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn options(bus: &PrivateBus, config: &std::path::Path) -> AgentOptions {
    let beat = Duration::from_millis(100);
    AgentOptions { beat, config: Some(config.to_owned()), ..AgentOptions::new(bus.address()) }
}

#[tokio::test]
async fn a_real_agent_from_a_real_copy_is_an_alarm_and_a_fork() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "require = []\nsources = [\"kernel\"]\nmemory = \"locked\"\n").unwrap();
    let (bus, manager) = (PrivateBus::start(), Manager::start());
    let process = manager.spawn(&options(&bus, config.path()));
    let host = Side::of(manager, bus, process).await;
    let mut door = Relying::new("door");
    let challenge = door.challenge();
    door.enrol(&host.answer(&challenge).await.unwrap()).unwrap();
    host.moments(3).await;

    // stolen, and run elsewhere: both go on, each for itself
    let stolen = Stolen::from(host.process.pid()).unwrap();
    let (bus, manager) = (PrivateBus::start(), Manager::start());
    let process = stolen.run(&manager, &options(&bus, config.path()));
    let copy = Side::of(manager, bus, process).await;
    assert_eq!(copy.identity.lineage().await.unwrap(), host.identity.lineage().await.unwrap());
    assert_eq!(copy.identity.born().await.unwrap(), host.identity.born().await.unwrap());
    copy.moments(3).await;

    // the copy answers, and nobody can tell
    let challenge = door.challenge();
    door.verify(&copy.answer(&challenge).await.unwrap()).unwrap();
    host.moments(3).await;

    // the host is asked next
    let challenge = door.challenge();
    let refusal = host.answer(&challenge).await.unwrap_err();
    assert!(matches!(refusal, Error::ForeignAnchor(_)), "{refusal:?}");
    assert_eq!(host.identity.foreign_anchors().await.unwrap(), 1);

    // and its own hops show that there are two
    let mut fork = None;
    for (index, tier) in door.store.questions(PEER).unwrap() {
        let Ok(answer) = host.identity.hop(index, tier, true).await else { continue };
        let parse = |bytes: &selfsame_dbus::ByteBuf| selfsame::Hop::parse(bytes).unwrap();
        let answer =
            selfsame::HopAnswer { hop: parse(&answer.hop), way: answer.way.iter().map(parse).collect() };
        fork = door.store.confront(PEER, &answer).unwrap();
        if fork.is_some() {
            break;
        }
    }
    let fork = fork.expect("no answer shows a fork");
    assert!(crate::scene::convinces_anyone(&fork, fork.lineage()));
    // from now on nothing of that lineage is taken
    let challenge = door.challenge();
    let refused = door.verify(&copy.answer(&challenge).await.unwrap());
    assert!(matches!(refused, Err(StoreError::Refused(Refusal::KnownFork))), "{refused:?}");
}

#[tokio::test]
async fn secret_memory_gives_a_thief_nothing_to_run() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "require = []\nsources = [\"kernel\"]\nmemory = \"secret\"\n").unwrap();
    let (bus, manager) = (PrivateBus::start(), Manager::start());
    let process = manager.spawn(&options(&bus, config.path()));
    let host = Side::of(manager, bus, process).await;
    let error = Stolen::from(host.process.pid()).unwrap_err();
    assert!(error.to_string().contains("has no selfsame-page that can be read"), "{error}");
}
