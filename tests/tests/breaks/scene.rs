//! An agent under a service manager, on a bus that everybody may use, and a relying party's questions to it.

use std::{path::Path, time::Duration};

use futures_util::StreamExt;
use nix::sys::signal::Signal;
use selfsame_dbus::{
    AGENT_BUS_NAME, Bytes, CallError, Check, Error, Identity1Proxy, LineageEndedStream, Options,
};
use selfsame_tests::{AgentOptions, Manager, PrivateBus, Process, wait_for_name};
use tempfile::NamedTempFile;
use tokio::time::timeout;
use zbus::Connection;

/// A host.
pub struct Scene {
    // in this order they are dropped: first who uses the others
    pub process: Process,
    pub connection: Connection,
    pub manager: Manager,
    pub bus: PrivateBus,
    options: AgentOptions,
    _files: [NamedTempFile; 2],
}

/// What a host is to be.
#[derive(Default)]
pub struct Setting<'a> {
    /// The configuration file; empty: [`PLAIN`].
    pub settings: &'a str,
    /// What becomes the agent.
    pub program: Option<&'a Path>,
    /// The TPM.
    pub tcti: Option<&'a str>,
    /// The bus, where there is one already.
    pub bus: Option<PrivateBus>,
}

impl Scene {
    pub async fn start(setting: Setting<'_>) -> Self {
        let policy = NamedTempFile::new().unwrap();
        std::fs::write(policy.path(), ANYONE_MAY).unwrap();
        let bus = setting.bus.unwrap_or_else(|| PrivateBus::start_with_policy(&[policy.path()]));
        let config = NamedTempFile::new().unwrap();
        let settings = if setting.settings.is_empty() { PLAIN } else { setting.settings };
        std::fs::write(config.path(), settings).unwrap();
        let options = AgentOptions {
            beat: Duration::from_millis(200),
            config: Some(config.path().to_owned()),
            program: setting.program.map(Path::to_owned),
            tcti: setting.tcti.map(str::to_owned),
            ..AgentOptions::new(bus.address())
        };
        let manager = Manager::start();
        let connection = bus.connect().await;
        let process = manager.spawn(&options);
        let scene = Self { process, connection, manager, bus, options, _files: [policy, config] };
        scene.named().await;
        scene
    }

    async fn named(&self) {
        let named = wait_for_name(&self.connection, AGENT_BUS_NAME, Some(self.process.pid()), LIMIT).await;
        named.unwrap_or_else(|error| panic!("{error}: {}", self.manager.stderr()));
    }

    /// Ends the process by a signal. What the manager keeps is for the next.
    pub async fn end(&mut self, signal: Signal) {
        self.process.signal(signal);
        assert!(self.process.ended(LIMIT).await);
        self.process.end();
    }

    /// Starts another, with what is kept.
    pub async fn start_again(&mut self) {
        self.process = self.manager.spawn(&self.options);
        self.named().await;
    }

    pub async fn identity(&self) -> Identity1Proxy<'static> {
        Identity1Proxy::uncached(&self.connection).await.unwrap()
    }

    pub async fn lineage(&self) -> selfsame::LineageId {
        self.identity().await.lineage().await.unwrap().parse().unwrap()
    }

    /// Reason and predecessor.
    pub async fn origin(&self) -> (String, String) {
        let origin = self.identity().await.origin().await.unwrap();
        (origin.reason, origin.predecessor)
    }

    /// The answer to a challenge, or the refusal.
    pub async fn prove(&self, challenge: &selfsame::Challenge) -> Result<Vec<u8>, Error> {
        let (audience, bytes) = (challenge.audience(), Bytes::new(challenge.as_bytes()));
        let identity = self.identity().await;
        match identity.prove(audience, bytes, Bytes::new(b""), &Options::new()).await {
            Ok(proof) => Ok(proof.into_vec()),
            Err(CallError::Refused(error, _)) => Err(error),
            Err(other) => panic!("{other:?}: {}", self.manager.stderr()),
        }
    }

    /// The lineages that end from now on.
    pub async fn ends(&self) -> LineageEndedStream {
        self.identity().await.receive_lineage_ended().await.unwrap()
    }

    /// What the agent finds of this, where it looks.
    pub async fn check(&self, name: &str) -> Check {
        let checks = self.identity().await.diagnose().await.unwrap();
        checks
            .iter()
            .find(|check| check.check == name)
            .unwrap_or_else(|| panic!("{name}: {checks:?}"))
            .clone()
    }

    /// Waits until `seen` says so.
    pub async fn wait_until(&self, what: &str, mut seen: impl AsyncFnMut() -> bool) {
        let wait = async {
            while !seen().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(LIMIT, wait).await.is_ok(), "not seen: {what}; {}", self.manager.stderr());
    }

    /// Waits until the last head on file is of this lineage.
    pub async fn wait_for_last_head(&self, lineage: &str) {
        let file = self.manager.state_dir().join("last-head.json");
        let says = async || std::fs::read_to_string(&file).is_ok_and(|text| text.contains(lineage));
        self.wait_until("the last head", says).await;
    }
}

/// The next lineage that ends: which, why, and its successor.
pub async fn next_end(ends: &mut LineageEndedStream) -> (String, String, String) {
    let signal = timeout(LIMIT, ends.next()).await.expect("it is told").unwrap();
    let told = signal.args().unwrap();
    (told.lineage.to_owned(), told.reason.to_owned(), told.successor.to_owned())
}

/// What every host here runs by: no hardware is needed.
pub const PLAIN: &str = "require = []\nsources = [\"rdseed\", \"kernel\"]\nmemory = \"locked\"\n";

/// On this bus it is the agent itself that has to refuse.
const ANYONE_MAY: &str = r#"<busconfig><policy context="default">
<allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>"#;

/// Longer than anything here takes on a loaded machine.
pub const LIMIT: Duration = Duration::from_secs(60);
