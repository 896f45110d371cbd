//! A stand-in for bus and agent: one connection over a socket, which answers `Hello` as a bus does, and then as the
//! agent would.

use std::collections::HashMap;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

use futures_util::StreamExt;
use selfsame::{Behaviour, Evidence, EvidenceFields, Step};
use selfsame_dbus::{
    AGENT_PATH, AuditReply, ByteBuf, Bytes, Check, Details, Error, HopReply, KnownPeer, Origin, Refusal,
    Source, VerdictReply,
};
use tempfile::TempDir;
use zbus::{Guid, OwnedVariant, connection, interface};

use super::host::Host;

/// What the agent that is stood in for has.
pub const LINEAGE: &str = "selfsame1example";

/// The host whose hops that agent tells.
pub fn host() -> Host {
    let mut host = Host::born_at(1, 1 << 40);
    for index in [100, 5000, 5100] {
        host.beat(index);
    }
    host
}

/// What that agent shows of a moment: an honest answer at 100; one with another sample, blind or moment at 200 to 202; one
/// of a moment without a sample at 203; garbage at 204; nothing at any other index.
pub fn audited(index: u64) -> Option<AuditReply> {
    let (blind, sample) = ([9; 32], b"\x01\x04\x08\0\0\0\x02\x01\0\0\0\0\0\0".to_vec());
    let body = |index, commits: bool| {
        let commitment = commits.then(|| Behaviour::commitment_to(&blind, &sample));
        let behaviour = Some(Behaviour { samples: Some(5), drift: Some(31), commitment });
        let evidence = Evidence::new(EvidenceFields { behaviour, ..EvidenceFields::default() }).unwrap();
        let step = Step { index, wall_ms: 1_798_761_600_000, randomness: &[7; 32], evidence };
        Host::born_at(1, 1 << 40).lineage.moment(step).unwrap().body().to_vec()
    };
    let (body, blind, sample) = match index {
        100 => (body(100, true), blind.to_vec(), sample),
        200 => (body(200, true), blind.to_vec(), [&sample[..], b"\x05"].concat()),
        201 => (body(201, true), blind[1..].to_vec(), sample),
        202 => (body(100, true), blind.to_vec(), sample),
        203 => (body(203, false), blind.to_vec(), sample),
        204 => (b"no moment".to_vec(), blind.to_vec(), sample),
        _ => return None,
    };
    let [body, blind, sample] = [body, blind, sample].map(ByteBuf::from);
    Some(AuditReply { body, blind, sample })
}

/// A bus with an agent on it, for one run of the command.
pub struct StandIn {
    folder: TempDir,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    pub fn start() -> Self {
        Self::of(Agent { checks: Ok(Vec::new()) }, None)
    }

    /// One whose agent has a verifier.
    pub fn verifying() -> Self {
        Self::of(Agent { checks: Ok(Vec::new()) }, Some(Verifier))
    }

    /// One whose agent finds this where it looks at what it needs.
    pub fn diagnosing(checks: Result<Vec<Check>, Error>) -> Self {
        Self::of(Agent { checks }, None)
    }

    fn of(agent: Agent, verifier: Option<Verifier>) -> Self {
        let folder = TempDir::new().unwrap();
        let listener = UnixListener::bind(path(&folder)).unwrap();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            ready.send(()).unwrap();
            let (stream, _) = listener.accept().unwrap();
            runtime.block_on(serve(stream, agent, verifier));
        });
        is_ready.recv().unwrap();
        Self { folder, thread: Some(thread) }
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("unix:path={}", path(&self.folder).display())
    }

    /// Waits until the command has hung up.
    pub fn end(mut self) {
        // where it never came, this comes instead, so that the test fails and does not wait
        let _ = UnixStream::connect(path(&self.folder));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("bus")
}

async fn serve(stream: UnixStream, agent: Agent, verifier: Option<Verifier>) {
    let builder = connection::Builder::unix_stream(stream)
        .server(Guid::generate())
        .p2p()
        .serve_at("/org/freedesktop/DBus", Bus)
        .serve_at(AGENT_PATH, agent);
    let builder = match verifier {
        Some(verifier) => builder.serve_at(AGENT_PATH, verifier),
        None => builder,
    };
    let connection = builder.build().await.unwrap();
    let mut messages = zbus::MessageStream::from(&connection);
    // to its end: the command has hung up
    while let Some(Ok(_)) = messages.next().await {}
}

/// What a client asks of a bus.
struct Bus;

#[interface(name = "org.freedesktop.DBus")]
impl Bus {
    fn hello(&self) -> &'static str {
        ":1.1"
    }
}

/// An agent without an identity.
struct Agent {
    checks: Result<Vec<Check>, Error>,
}

#[interface(name = "org.selfsame.Identity1")]
impl Agent {
    /// Refuses with the error that the audience names, else echoes what it was given.
    fn prove(
        &self,
        audience: &str,
        challenge: &Bytes,
        payload: &Bytes,
        options: HashMap<&str, OwnedVariant>,
    ) -> Result<ByteBuf, Error> {
        match Error::from_name(audience, "because of the test") {
            Some(error) => Err(error),
            None => {
                assert!(options.is_empty());
                Ok(ByteBuf::from([audience.as_bytes(), b"\n", challenge, b"\n", payload].concat()))
            }
        }
    }

    /// Answers as [`host`] does, always with the way; from index 1 on with garbage.
    fn hop(&self, index: u64, tier: u8, way: bool) -> Result<HopReply, Error> {
        assert!(way, "only with the way it may show a fork to anyone");
        if index == 1 {
            return Ok(HopReply { hop: ByteBuf::from(b"no hop".to_vec()), way: Vec::new() });
        }
        let answer = host().lineage.hop(index, tier, way);
        let answer = answer.map_err(|error| Error::NotKept(error.to_string()))?;
        let way = answer.way.iter().map(|hop| ByteBuf::from(hop.encode())).collect();
        Ok(HopReply { hop: ByteBuf::from(answer.hop.encode()), way })
    }

    /// Does nothing before a hibernation, as the properties stay what they are, and refuses else.
    fn end(&self, reason: &str) -> Result<(), Error> {
        if reason == "hibernate" {
            return Ok(());
        }
        Err(Error::NotAuthorized("because of the test".into()))
    }

    /// What [`audited`] says of this index.
    fn audit(&self, index: u64) -> Result<AuditReply, Error> {
        audited(index).ok_or_else(|| Error::NotKept("because of the test".into()))
    }

    fn diagnose(&self) -> Result<Vec<Check>, Error> {
        self.checks.clone()
    }

    fn introduce(&self) -> ByteBuf {
        ByteBuf::from(b"introduction".to_vec())
    }

    #[zbus(property)]
    fn lineage(&self) -> &'static str {
        LINEAGE
    }

    #[zbus(property)]
    fn born(&self) -> u64 {
        1_798_761_600_000
    }

    #[zbus(property)]
    fn index(&self) -> u64 {
        4096 * 90
    }

    #[zbus(property)]
    fn moments(&self) -> u64 {
        12
    }

    #[zbus(property)]
    fn foreign_anchors(&self) -> u64 {
        1
    }

    #[zbus(property)]
    fn condition(&self) -> &'static str {
        "degraded"
    }

    #[zbus(property)]
    fn sources(&self) -> Vec<Source> {
        let source =
            |name: &str, class: &str, healthy| Source { name: name.into(), class: class.into(), healthy };
        vec![source("tpm", "tpm", false), source("rdseed", "cpu", true)]
    }

    #[zbus(property)]
    fn memory(&self) -> &'static str {
        "secret"
    }

    #[zbus(property)]
    fn drift(&self) -> f64 {
        0.125
    }

    #[zbus(property)]
    fn origin(&self) -> Origin {
        Origin { reason: "boot".into(), predecessor: "selfsame1before".into() }
    }

    #[zbus(property)]
    fn version(&self) -> &'static str {
        "0.0.0\n"
    }
}

/// A verifier without peers.
struct Verifier;

#[interface(name = "org.selfsame.Verifier1")]
impl Verifier {
    /// Refuses with the error that the peer is called, with these details or with none.
    fn verify(
        &self,
        peer: &str,
        proof: &Bytes,
        _options: HashMap<&str, OwnedVariant>,
    ) -> Result<VerdictReply, Refusal> {
        let error = Error::from_name(peer, "because of the test").unwrap();
        let details =
            Details { check: Some(6), alarm: true, why: Some("because".into()), ..Details::default() };
        Err(Refusal { error, details: Box::new(if proof.is_empty() { Details::default() } else { details }) })
    }

    fn forget(&self, peer: &str) -> Result<(), Refusal> {
        Err(Error::from_name(peer, "").unwrap().into())
    }

    fn peers(&self) -> Vec<KnownPeer> {
        vec![KnownPeer { name: "web".into(), lineage: "no lineage".into(), index: 1, met_ms: 2 }]
    }

    fn forks(&self, _peer: &str) -> Vec<ByteBuf> {
        vec![ByteBuf::from(b"no fork")]
    }

    fn challenge(&self, _audience: &str, _peer: &str, _options: HashMap<&str, OwnedVariant>) -> ByteBuf {
        ByteBuf::from(b"no challenge")
    }
}
