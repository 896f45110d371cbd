//! An agent to be, and one that runs: its configuration, its machine and its bus.

use std::{ffi::OsString, fs, time::Duration};

use futures_util::{FutureExt, StreamExt};
use selfsame_dbus::{AGENT_BUS_NAME, Check, Identity1Proxy, Source};
use selfsame_tests::{Agent, AgentOptions, Exit, PrivateBus, Run, StartError, binary};
use tempfile::TempDir;
use tokio::time::timeout;
use zbus::{Connection, fdo::DBusProxy};

use crate::machine::Machine;

/// What an agent is to be started with.
pub struct Setting {
    bus: PrivateBus,
    options: AgentOptions,
    directory: TempDir,
}

impl Setting {
    /// With this configuration file, a beat of a fifth of a second, and no TPM.
    pub fn new(configuration: &str) -> Self {
        let (bus, directory) = (PrivateBus::start(), tempfile::tempdir().unwrap());
        let config = directory.path().join("agent.toml");
        fs::write(&config, configuration).unwrap();
        fs::create_dir(directory.path().join("state")).unwrap();
        let options = AgentOptions {
            tcti: Some(NO_TPM.to_owned()),
            beat: Duration::from_millis(200),
            state_dir: Some(directory.path().join("state")),
            config: Some(config),
            ..AgentOptions::new(bus.address())
        };
        Self { bus, options, directory }
    }

    /// With the TPM at `tcti`.
    pub fn tpm(mut self, tcti: &str) -> Self {
        self.options.tcti = Some(tcti.to_owned());
        self
    }

    /// On this machine.
    pub fn on(mut self, machine: &Machine) -> Self {
        self.options.program = Some(machine.agent());
        self
    }

    /// With this in its environment.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.options.env.push((name.into(), value.into()));
        self
    }

    /// Starts it, and waits until it has its name.
    pub async fn start(self) -> Host {
        let connection = self.bus.connect().await;
        let agent = Agent::start(self.options).await.unwrap();
        let identity = Identity1Proxy::uncached(&connection).await.unwrap();
        Host { agent, identity, connection, _bus: self.bus, _directory: self.directory }
    }

    /// What `selfsame-agent diagnose` finds, before there is an agent.
    pub async fn diagnose(&self) -> Vec<Check> {
        let output = self.program().args(self.arguments()).arg("diagnose").run().await;
        assert_eq!(output.code(), Some(0), "{output:?}");
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// The arguments that say what is to be looked at.
    pub fn arguments(&self) -> Vec<OsString> {
        let config = self.options.config.clone().unwrap().into_os_string();
        vec!["--config".into(), config, "--tcti".into(), self.options.tcti.clone().unwrap().into()]
    }

    /// The bus that it is to serve on.
    pub fn bus(&self) -> &PrivateBus {
        &self.bus
    }

    fn program(&self) -> Run {
        let program = self.options.program.clone().unwrap_or_else(|| binary("selfsame-agent"));
        self.options.env.iter().fold(Run::program(program), |run, (name, value)| run.env(name, value))
    }

    /// Starts it, and waits until it has given up. It took no name, and wrote nothing.
    pub async fn refused(self) -> Exit {
        let dbus = DBusProxy::new(&self.bus.connect().await).await.unwrap();
        let named = [(0, AGENT_BUS_NAME)];
        let mut names = dbus.receive_name_owner_changed_with_args(&named).await.unwrap();
        let Err(StartError::Ended(exit)) = Agent::start(self.options).await else { panic!("it started") };
        // a signal that was sent before this answer is here now
        dbus.get_id().await.unwrap();
        assert!(names.next().now_or_never().is_none(), "it took its name: {}", exit.stderr);
        let written = fs::read_dir(self.directory.path().join("state")).unwrap().count();
        assert_eq!(written, 0, "it wrote something: {}", exit.stderr);
        exit
    }
}

/// An agent that runs.
pub struct Host {
    // in this order they are dropped: first who uses the others
    pub agent: Agent,
    pub identity: Identity1Proxy<'static>,
    pub connection: Connection,
    _bus: PrivateBus,
    _directory: TempDir,
}

impl Host {
    /// The sources, as the property has them: name, class and whether healthy.
    pub async fn sources(&self) -> Vec<(String, String, bool)> {
        let told = |Source { name, class, healthy }| (name, class, healthy);
        self.identity.sources().await.unwrap().into_iter().map(told).collect()
    }

    /// Whether a source is healthy; none where there is none of that name.
    pub async fn is_healthy(&self, name: &str) -> Option<bool> {
        self.sources().await.into_iter().find(|(found, ..)| found == name).map(|(.., healthy)| healthy)
    }

    pub async fn condition(&self) -> String {
        self.identity.condition().await.unwrap()
    }

    /// Waits until the condition is steady: enough was seen of the host, too.
    pub async fn wait_until_steady(&self) {
        self.wait_until("steady", async || self.condition().await == "steady").await;
    }

    /// Waits until `seen` says so.
    pub async fn wait_until(&self, what: &str, mut seen: impl AsyncFnMut() -> bool) {
        let wait = async {
            while !seen().await {
                tokio::time::sleep(POLL).await;
            }
        };
        if timeout(LIMIT, wait).await.is_err() {
            panic!("not seen: {what}; sources {:?}; {}", self.sources().await, self.agent.stderr());
        }
    }

    /// Waits until a source is healthy, or is not.
    pub async fn wait_for(&self, source: &str, healthy: bool) {
        let what = format!("{source} healthy: {healthy}");
        self.wait_until(&what, async || self.is_healthy(source).await == Some(healthy)).await;
    }
}

/// Whether this machine's processor has RDSEED.
pub fn has_rdseed() -> bool {
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap();
    cfg!(target_arch = "x86_64") && flags.split_whitespace().any(|flag| flag == "rdseed")
}

/// Where no TPM is.
pub const NO_TPM: &str = "swtpm:path=/nonexistent/tpm";

/// Longer than anything here takes on a loaded machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Between two looks.
pub const POLL: Duration = Duration::from_millis(20);
