//! Desktop notifications: the example on a session bus of its own, whose notification server writes down what it is told.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use selfsame_dbus::{Bytes, CallError, Error, Options};
use selfsame_tests::{
    PrivateBus, Process,
    play::{Party, asked_for_hop, copied, host},
};
use tokio::{sync::mpsc, time::timeout};
use zbus::{Connection, OwnedVariant};

use crate::scene::{Host, LIMIT, SYSTEM_BUS, project};

/// What a notification server is told.
#[derive(Debug)]
struct Notification {
    app: String,
    summary: String,
    body: String,
    urgency: u8,
}

/// A notification server that passes on what it is told, and shows nothing.
struct Recorder(mpsc::UnboundedSender<Notification>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Recorder {
    #[allow(clippy::too_many_arguments, reason = "the desktop's specification has these")]
    async fn notify(
        &self,
        app_name: String,
        replaces_id: u32,
        _app_icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        hints: HashMap<String, OwnedVariant>,
        _expire_timeout: i32,
    ) -> u32 {
        let urgency = hints["urgency"].try_clone().unwrap().try_into().unwrap();
        self.0.send(Notification { app: app_name, summary, body, urgency }).unwrap();
        replaces_id + 1
    }
}

/// The example between the host's bus and a session bus.
struct Desktop {
    // in this order they are dropped: first who uses the others
    example: Process,
    told: mpsc::UnboundedReceiver<Notification>,
    _server: Connection,
    _session: PrivateBus,
}

impl Desktop {
    async fn of(host: &Host) -> Self {
        let session = PrivateBus::start();
        let (tell, told) = mpsc::unbounded_channel();
        let server = zbus::connection::Builder::address(session.address())
            .serve_at("/org/freedesktop/Notifications", Recorder(tell))
            .name("org.freedesktop.Notifications");
        let server = server.build().await.unwrap();
        let mut command = Command::new(project("dbus/examples/notify.py"));
        command.env(SYSTEM_BUS, host.bus.address()).env("DBUS_SESSION_BUS_ADDRESS", session.address());
        command.stdout(Stdio::piped());
        let mut example = Process::start(command, &host.folder.path().join("notify")).unwrap();
        let mut line = String::new();
        BufReader::new(example.take_stdout().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "listening\n", "{}", example.stderr());
        Self { example, told, _server: server, _session: session }
    }

    async fn next(&mut self) -> Notification {
        let next = timeout(LIMIT, self.told.recv()).await;
        let next = next.unwrap_or_else(|_| panic!("nothing is told: {}", self.example.stderr()));
        let next = next.unwrap();
        assert_eq!((&*next.app, &*self.example.stderr()), ("selfsame", ""));
        next
    }
}

#[tokio::test]
async fn a_lineage_that_ends_is_told() {
    let host = Host::start().await;
    let mut desktop = Desktop::of(&host).await;
    let identity = host.identity().await;
    let before = identity.lineage().await.unwrap();
    identity.end("ended").await.unwrap();
    let told = desktop.next().await;
    let text = format!("Reason: ended. {before} is followed by {}.", identity.lineage().await.unwrap());
    assert_eq!((&*told.summary, told.body, told.urgency), ("This host's lineage has ended", text, 1));
    // that other properties have changed with it is not: the next is what happens next
    identity.end("ended").await.unwrap();
    assert_eq!(desktop.next().await.summary, "This host's lineage has ended");
    assert!(desktop.told.try_recv().is_err());
}

#[tokio::test]
async fn each_foreign_anchor_is_told() {
    let host = Host::start().await;
    let mut desktop = Desktop::of(&host).await;
    let (verifier, identity, none) = (host.verifier().await, host.identity().await, Options::new());
    // met by a proof: so the anchor is a moment after the genesis
    let challenge = verifier.challenge("door", "web1", &none).await.unwrap();
    let proof = identity.prove("door", Bytes::new(&challenge), Bytes::new(b""), &none).await.unwrap();
    verifier.enrol("web1", Bytes::new(&proof), &none).await.unwrap();
    for count in 1..=2 {
        // the last byte is of the anchor's digest: one bit of it makes a head that this host never handed out
        let mut challenge = verifier.challenge("door", "web1", &none).await.unwrap();
        *challenge.last_mut().unwrap() ^= 1;
        let refused = identity.prove("door", Bytes::new(&challenge), Bytes::new(b""), &none).await;
        assert!(matches!(refused, Err(CallError::Refused(Error::ForeignAnchor(_), _))), "{refused:?}");
        let told = desktop.next().await;
        assert_eq!(told.summary, "Somebody may have answered in this host's name");
        assert_eq!((told.body, told.urgency), (format!("Challenges with a foreign anchor: {count}."), 2));
    }
}

#[tokio::test]
async fn a_fork_is_told() {
    let host = Host::start().await;
    let mut desktop = Desktop::of(&host).await;
    // another host, a copy of it, and a relying party elsewhere that finds the fork
    let (mut web, mut party) = (host::Host::born(1), Party::default());
    let introduction = web.lineage.introduce().encode();
    let challenge = party.ask("web1", 4000).unwrap();
    party.enrol("web1", &web.prove(4096, &[challenge]).remove(0), 4096).unwrap();
    let mut copy = copied(&web, 2);
    let challenge = party.ask("web1", 8000).unwrap();
    party.verify("web1", &copy.prove(8192, &[challenge]).remove(0).encode(), 8192).unwrap();
    web.moment(8200);
    let fork = party.questioned("web1", |index, tier| asked_for_hop(&web, index, tier)).unwrap().encode();

    let (verifier, none) = (host.verifier().await, Options::new());
    verifier.meet("web1 <b>", Bytes::new(&introduction), &none).await.unwrap();
    verifier.report_fork(Bytes::new(&fork)).await.unwrap();
    let told = desktop.next().await;
    assert_eq!((&*told.summary, told.urgency), ("web1 <b> was copied", 2));
    assert!(told.body.contains("never accepted again"), "{told:?}");
}
