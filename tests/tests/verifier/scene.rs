//! A relying party that knows only D-Bus: an agent whose verifier it asks.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::time::{ClockId, clock_gettime};
use selfsame::{Boot, Challenge, Now};
use selfsame_dbus::{
    AGENT_BUS_NAME, ByteBuf, Bytes, CallError, Details, Error, Options, VerdictReply, Verifier1Proxy,
};
use selfsame_store::Store;
use selfsame_tests::{Agent, AgentOptions, PrivateBus, wait_for_name};
use tempfile::TempDir;
use zbus::{Connection, Variant};

use crate::host::{DOOR, Member, wall_ms};

/// An agent, and a caller of its verifier.
pub struct Door {
    // in this order they are dropped: first who uses the others
    pub agent: Option<Agent>,
    pub verifier: Verifier1Proxy<'static>,
    pub connection: Connection,
    pub bus: PrivateBus,
    files: Files,
}

/// Where an agent's files are.
pub struct Files {
    directory: TempDir,
}

/// What a refusal says.
pub type Refused = Box<(Error, Details)>;

impl Files {
    /// In memory: no write waits for a disk.
    pub fn new() -> Self {
        let directory = TempDir::with_prefix_in("selfsame-verifier.", "/dev/shm").unwrap();
        fs::create_dir(directory.path().join("state")).unwrap();
        fs::write(directory.path().join("agent.toml"), "require = []\nsources = [\"rdseed\", \"kernel\"]\n")
            .unwrap();
        Self { directory }
    }

    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// How an agent on this bus is started with them. No beat comes between.
    pub fn options(&self, bus: &PrivateBus) -> AgentOptions {
        AgentOptions {
            beat: Duration::from_secs(3600),
            state_dir: Some(self.state()),
            config: Some(self.directory.path().join("agent.toml")),
            ..AgentOptions::new(bus.address())
        }
    }
}

impl Door {
    pub async fn start() -> Self {
        Self::with(Files::new(), |options| options).await
    }

    /// One that is started in another way.
    pub async fn with(files: Files, change: impl FnOnce(AgentOptions) -> AgentOptions) -> Self {
        let bus = PrivateBus::start();
        let agent = Agent::start(change(files.options(&bus))).await.unwrap();
        let connection = bus.connect().await;
        let verifier = Verifier1Proxy::to(&connection).await.unwrap();
        Self { agent: Some(agent), verifier, connection, bus, files }
    }

    /// A second one, on a bus of its own and the same files.
    pub async fn beside(&self) -> (Agent, Verifier1Proxy<'static>, PrivateBus) {
        let bus = PrivateBus::start();
        let agent = Agent::start(self.files.options(&bus)).await.unwrap();
        let verifier = Verifier1Proxy::to(&bus.connect().await).await.unwrap();
        (agent, verifier, bus)
    }

    pub fn agent(&self) -> &Agent {
        self.agent.as_ref().unwrap()
    }

    /// Kills the agent, and starts another in its place.
    pub async fn kill_and_restart(&mut self) {
        self.agent.take().unwrap().kill();
        self.agent = Some(Agent::start(self.files.options(&self.bus)).await.unwrap());
        let limit = Duration::from_secs(60);
        let pid = Some(self.agent().pid());
        wait_for_name(&self.connection, AGENT_BUS_NAME, pid, limit).await.unwrap();
    }

    /// The store's file.
    pub fn file(&self) -> PathBuf {
        self.files.state().join("peers.db")
    }

    /// The file, as another process of this relying party has it.
    pub fn store(&self) -> Store {
        Store::open(self.file()).unwrap()
    }

    pub async fn challenge(&self, peer: &str) -> Challenge {
        self.challenge_with(peer, &Options::new()).await.unwrap()
    }

    pub async fn challenge_with(&self, peer: &str, options: &Options<'_>) -> Result<Challenge, Refused> {
        challenge(&self.verifier, peer, options).await
    }

    pub async fn enrol(&self, peer: &str, proof: &[u8]) -> Result<VerdictReply, Refused> {
        self.enrol_with(peer, proof, &Options::new()).await
    }

    pub async fn enrol_with(
        &self,
        peer: &str,
        proof: &[u8],
        options: &Options<'_>,
    ) -> Result<VerdictReply, Refused> {
        refused(self.verifier.enrol(peer, Bytes::new(proof), options).await)
    }

    pub async fn verify(&self, peer: &str, proof: &[u8]) -> Result<VerdictReply, Refused> {
        verify(&self.verifier, peer, proof, &Options::new()).await
    }

    pub async fn verify_with(
        &self,
        peer: &str,
        proof: &[u8],
        options: &Options<'_>,
    ) -> Result<VerdictReply, Refused> {
        verify(&self.verifier, peer, proof, options).await
    }

    pub async fn meet(&self, peer: &str, introduction: &[u8], replace: bool) -> Result<(), Refused> {
        let options = Options::from([("replace", Variant::Bool(replace))]);
        refused(self.verifier.meet(peer, Bytes::new(introduction), &options).await)
    }

    /// Takes a host that was never met.
    pub async fn enrolled(&self, peer: &str, host: &mut Member) -> VerdictReply {
        let challenge = self.challenge(peer).await;
        self.enrol(peer, &host.prove(&challenge)).await.unwrap()
    }

    /// Asks a host that was met.
    pub async fn ask(&self, peer: &str, host: &mut Member) -> Result<VerdictReply, Refused> {
        let challenge = self.challenge(peer).await;
        self.verify(peer, &host.prove(&challenge)).await
    }

    /// The names of all peers.
    pub async fn names(&self) -> Vec<String> {
        self.verifier.peers().await.unwrap().into_iter().map(|peer| peer.name).collect()
    }
}

pub async fn challenge(
    verifier: &Verifier1Proxy<'_>,
    peer: &str,
    options: &Options<'_>,
) -> Result<Challenge, Refused> {
    let bytes = refused(verifier.challenge(DOOR, peer, options).await)?;
    Ok(Challenge::parse(&bytes).unwrap())
}

pub async fn verify(
    verifier: &Verifier1Proxy<'_>,
    peer: &str,
    proof: &[u8],
    options: &Options<'_>,
) -> Result<VerdictReply, Refused> {
    refused(verifier.verify(peer, Bytes::new(proof), options).await)
}

/// What came of a call that the agent answered.
pub fn refused<T>(result: Result<T, CallError>) -> Result<T, Refused> {
    result.map_err(|error| match error {
        CallError::Refused(error, details) => Box::new((error, *details)),
        other => panic!("{other:?}"),
    })
}

/// The name of what was refused, without its prefix, and why.
pub fn cause<T>(result: Result<T, Refused>) -> (String, String) {
    let Err(refused) = result else { panic!("it is not refused") };
    let (error, details) = *refused;
    let name = format!("{error:?}");
    let name = name.split('(').next().unwrap_or_default().to_owned();
    (name, details.why.unwrap_or_default())
}

/// The text of a refusal.
pub fn text<T>(result: Result<T, Refused>) -> String {
    let Err(refused) = result else { panic!("it is not refused") };
    let (error, _) = *refused;
    zbus::DBusError::description(&error).unwrap().to_owned()
}

pub fn pair(name: &str, why: &str) -> (String, String) {
    (name.to_owned(), why.to_owned())
}

/// The age clock and the boot, as every verifier on this machine reads them, so long ago.
pub fn ago(time: Duration) -> Now {
    let nanos = |clock| {
        let time = clock_gettime(clock).unwrap();
        i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec())
    };
    let raw = nanos(ClockId::CLOCK_MONOTONIC_RAW);
    let age = raw + nanos(ClockId::CLOCK_BOOTTIME) - nanos(ClockId::CLOCK_MONOTONIC);
    let past = i128::try_from(time.as_nanos()).unwrap();
    let id: String =
        fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim().split('-').collect();
    Now {
        boot: Boot(u128::from_str_radix(&id, 16).unwrap().to_be_bytes()),
        ticks: u64::try_from((age - past) * 4096 / 1_000_000_000).unwrap(),
        wall_ms: wall_ms() - u64::try_from(time.as_millis()).unwrap(),
    }
}

/// `way` as the proxy takes it.
pub fn borrowed(way: &[Vec<u8>]) -> Vec<&Bytes> {
    way.iter().map(|hop| Bytes::new(hop)).collect()
}

/// Asks a host all questions until one of its answers shows a fork.
pub async fn confronted(verifier: &Verifier1Proxy<'_>, peer: &str, host: &Member) -> Option<ByteBuf> {
    for question in verifier.questions(peer).await.unwrap() {
        let Some((hop, way)) = host.hop(question.index, question.tier) else { continue };
        let fork = verifier.confront(peer, Bytes::new(&hop), &borrowed(&way)).await.unwrap();
        if !fork.is_empty() {
            return Some(fork);
        }
    }
    None
}

/// Whether the directory has just these files.
pub fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}
