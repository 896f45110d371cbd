//! A host with an agent, which needs no TPM, and the folder of the examples.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use selfsame_dbus::{Identity1Proxy, Verifier1Proxy};
use selfsame_tests::{Agent, AgentOptions, PrivateBus, Run};
use tempfile::TempDir;
use zbus::Connection;

/// A host: a bus, and an agent on it.
pub struct Host {
    // in this order they are dropped: first who uses the others
    pub agent: Agent,
    pub connection: Connection,
    pub bus: PrivateBus,
    /// For whatever else belongs to it.
    pub folder: TempDir,
}

impl Host {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bus = PrivateBus::start();
        let agent = Agent::start(options(&bus, folder.path())).await.unwrap();
        Self { agent, connection: bus.connect().await, bus, folder }
    }

    pub async fn identity(&self) -> Identity1Proxy<'static> {
        Identity1Proxy::uncached(&self.connection).await.unwrap()
    }

    pub async fn verifier(&self) -> Verifier1Proxy<'static> {
        Verifier1Proxy::to(&self.connection).await.unwrap()
    }

    /// A run of a program that finds this host's agent where it looks for the system bus.
    pub fn run(&self, program: impl Into<PathBuf>) -> Run {
        Run::program(program).env(SYSTEM_BUS, self.bus.address())
    }
}

/// How an agent is started in this folder.
pub fn options(bus: &PrivateBus, folder: &Path) -> AgentOptions {
    let config = folder.join("agent.toml");
    fs::write(&config, "require = []\nsources = [\"kernel\"]\nmemory = \"locked\"\n").unwrap();
    let state = folder.join("state");
    fs::create_dir_all(&state).unwrap();
    AgentOptions {
        beat: Duration::from_millis(200),
        config: Some(config),
        state_dir: Some(state),
        ..AgentOptions::new(bus.address())
    }
}

/// What is at this path in the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

/// The variable by which all the libraries on both sides find the system bus.
pub const SYSTEM_BUS: &str = "DBUS_SYSTEM_BUS_ADDRESS";

/// Longer than anything here takes on a loaded machine.
pub const LIMIT: Duration = Duration::from_secs(60);
