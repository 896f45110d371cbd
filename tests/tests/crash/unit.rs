//! The agent as a unit: a bus, a TPM, and a service manager that keeps its descriptors.

use std::time::Duration;

use nix::sys::signal::Signal;
use selfsame_dbus::{AGENT_BUS_NAME, Bytes, CallError, Identity1Proxy, Options};
use selfsame_tests::{AgentOptions, Manager, PrivateBus, Process, wait_for_name};
use zbus::Connection;

/// A unit. Its process can be killed and started again.
pub struct Unit {
    // in this order they are dropped: first who uses the others
    pub process: Process,
    pub connection: Connection,
    pub manager: Manager,
    pub options: AgentOptions,
    pub bus: PrivateBus,
    _config: tempfile::NamedTempFile,
}

impl Unit {
    /// A unit whose lineage has just been born. `settings` are its configuration file.
    pub async fn start(settings: &str) -> Self {
        let bus = PrivateBus::start();
        let config = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(config.path(), settings).unwrap();
        let options = AgentOptions {
            beat: Duration::from_millis(200),
            config: Some(config.path().to_owned()),
            ..AgentOptions::new(bus.address())
        };
        let manager = Manager::start();
        let connection = bus.connect().await;
        let process = manager.spawn(&options);
        let unit = Self { process, connection, manager, options, bus, _config: config };
        unit.named().await;
        unit.manager.wait_for(READY, 1).await;
        unit
    }

    /// Waits until the process has its name on the bus.
    pub async fn named(&self) {
        let limit = Duration::from_secs(60);
        let named = wait_for_name(&self.connection, AGENT_BUS_NAME, Some(self.process.pid()), limit).await;
        named.unwrap_or_else(|error| panic!("{error}: {}", self.manager.stderr()));
    }

    /// Kills it (SIGKILL), and starts it again.
    pub async fn crash(&mut self) {
        self.process.end();
        self.start_again().await;
    }

    /// What `systemctl restart` does: SIGTERM, and a start.
    pub async fn restart(&mut self) {
        self.process.signal(Signal::SIGTERM);
        assert!(self.process.ended(Duration::from_secs(60)).await);
        assert!(self.process.end().status.success());
        self.start_again().await;
    }

    /// Starts it again. What it has given to its manager has come there when it says that it is ready.
    pub async fn start_again(&mut self) {
        let before = self.manager.said().iter().filter(|said| said.contains(READY)).count();
        self.process = self.manager.spawn(&self.options);
        self.named().await;
        self.manager.wait_for(READY, before + 1).await;
    }

    /// Waits until the last public head is on file, which is soon after the start.
    pub async fn wait_for_last_head(&self) {
        while !self.manager.state_dir().join("last-head.json").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn identity(&self) -> Identity1Proxy<'static> {
        Identity1Proxy::uncached(&self.connection).await.unwrap()
    }

    pub async fn lineage(&self) -> selfsame::LineageId {
        self.identity().await.lineage().await.unwrap().parse().unwrap()
    }

    /// An answer, as a caller gets it: none where the agent goes before it has answered.
    pub async fn prove(&self, challenge: &selfsame::Challenge) -> Option<Vec<u8>> {
        prove(&self.identity().await, challenge).await
    }

    /// The configuration file's text is this from now on.
    pub fn set_settings(&self, settings: &str) {
        std::fs::write(self.options.config.as_ref().unwrap(), settings).unwrap();
    }
}

/// An answer; none where the agent goes before it has answered, or is not there.
pub async fn prove(identity: &Identity1Proxy<'_>, challenge: &selfsame::Challenge) -> Option<Vec<u8>> {
    let (audience, bytes) = (challenge.audience(), Bytes::new(challenge.as_bytes()));
    match identity.prove(audience, bytes, Bytes::new(b""), &Options::new()).await {
        Ok(proof) => Some(proof.into_vec()),
        Err(CallError::Refused(error, _)) => panic!("a refusal: {error:?}"),
        Err(_) => None,
    }
}

/// What a process says once it serves.
const READY: &str = "READY=1";

/// What every unit here runs by: no hardware is needed to go on.
pub const PLAIN: &str = "require = []\nsources = [\"rdseed\", \"kernel\"]\n";
