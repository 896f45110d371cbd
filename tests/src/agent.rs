//! The agent, as a process of its own.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use nix::sys::signal::Signal;
use selfsame_dbus::AGENT_BUS_NAME;
use tempfile::TempDir;
use zbus::{Connection, connection};

use crate::{Exit, NameError, Process, binary, wait_for_name};

/// How to start an agent.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// The bus to serve on.
    pub bus_address: String,
    /// How to reach the TPM; `None`: as the agent's configuration has it.
    pub tcti: Option<String>,
    /// Time between two beats.
    pub beat: Duration,
    /// Where the agent keeps its files; `None`: a temporary directory, removed with the [`Agent`].
    pub state_dir: Option<PathBuf>,
    /// The configuration file; `None`: the host's own, which a test machine should not have.
    pub config: Option<PathBuf>,
    /// What else to say on the command line, after all that.
    pub extra_args: Vec<OsString>,
    /// The program; `None`: [`binary()`]`("selfsame-agent")`.
    pub program: Option<PathBuf>,
    /// Variables of its environment, which is ours else.
    pub env: Vec<(OsString, OsString)>,
}

impl AgentOptions {
    /// An agent on the bus at `bus_address`, with a beat of one second, and the defaults else.
    pub fn new(bus_address: &str) -> Self {
        Self {
            bus_address: bus_address.to_owned(),
            tcti: None,
            beat: Duration::from_secs(1),
            state_dir: None,
            config: None,
            extra_args: Vec::new(),
            program: None,
            env: Vec::new(),
        }
    }
}

/// An agent that runs and has its name on the bus. Drop kills it.
#[derive(Debug)]
pub struct Agent {
    // In this order they are dropped: first what uses the directory.
    process: Process,
    state_dir: PathBuf,
    _directory: TempDir,
}

/// Why an agent did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It ended before it had its name.
    #[error("agent ended at its start: {}: {}", .0.status, .0.stderr)]
    Ended(Exit),
    /// It did not take its name. It has been killed.
    #[error("agent without its name, it said: {stderr}")]
    NoName {
        /// What it wrote to standard error.
        stderr: String,
        /// What went wrong with the name.
        #[source]
        source: NameError,
    },
}

impl Agent {
    /// Starts an agent, and waits until it has its name on the bus.
    ///
    /// # Errors
    ///
    /// [`StartError`]: `Ended` is what a test for a refused start looks into.
    ///
    /// # Panics
    ///
    /// If there is no such bus or program.
    pub async fn start(options: AgentOptions) -> Result<Self, StartError> {
        let connection = connection::Builder::address(options.bus_address.as_str());
        let connection = connection.build().await.expect("there is a bus at the address");
        let mut agent = Self::spawn(options);
        match agent.named(&connection).await {
            Some(Ok(())) => Ok(agent),
            Some(Err(source)) => Err(StartError::NoName { stderr: agent.process.end().stderr, source }),
            None => Err(StartError::Ended(agent.process.end())),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it has logged to standard error so far.
    pub fn stderr(&self) -> String {
        self.process.stderr()
    }

    /// Waits until it has logged `text`.
    ///
    /// # Panics
    ///
    /// After a minute, with all that it has logged.
    pub async fn logged(&self, text: &str) {
        self.process.logged(text).await;
    }

    /// Where it keeps its files.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Sends it a signal, such as SIGSTOP.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    ///
    /// If it goes on.
    pub async fn ended(mut self) -> Exit {
        let ended = self.process.ended(END_LIMIT).await;
        assert!(ended, "the agent goes on after {END_LIMIT:?}: {}", self.stderr());
        self.process.end()
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Panics
    ///
    /// If it goes on.
    pub async fn terminate(self) -> Exit {
        self.signal(Signal::SIGTERM);
        self.ended().await
    }

    /// Kills it (SIGKILL), and waits until it is gone.
    pub fn kill(mut self) -> Exit {
        self.process.end()
    }

    fn spawn(options: AgentOptions) -> Self {
        let directory = tempfile::Builder::new().prefix("selfsame-agent-").tempdir().unwrap();
        let state_dir = options.state_dir.clone().unwrap_or_else(|| directory.path().to_owned());
        let program = options.program.clone().unwrap_or_else(|| binary("selfsame-agent"));
        let mut command = Command::new(&program);
        environment(&mut command, &options);
        command.args(arguments(options, &state_dir)).stdout(Stdio::null());
        let process = Process::start(command, &directory.path().join("stderr"));
        let process = process.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self { process, state_dir, _directory: directory }
    }

    /// Waits for the name; `None`: the process ended before.
    async fn named(&self, connection: &Connection) -> Option<Result<(), NameError>> {
        tokio::select! {
            biased;
            named = wait_for_name(connection, AGENT_BUS_NAME, Some(self.pid()), START_LIMIT) => {
                Some(named.map(drop))
            }
            true = self.process.ended(START_LIMIT) => None,
            else => None,
        }
    }
}

/// Ours, with what the options add, and without what would tell it that a service manager started it.
pub(crate) fn environment(command: &mut Command, options: &AgentOptions) {
    command.envs(options.env.clone());
    for variable in ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "JOURNAL_STREAM"] {
        command.env_remove(variable);
    }
}

/// The command line: what `selfsame-agent --help` says.
pub(crate) fn arguments(options: AgentOptions, state_dir: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec![
        "--bus-address".into(),
        options.bus_address.into(),
        "--beat".into(),
        options.beat.as_secs_f64().to_string().into(),
        "--state-dir".into(),
        state_dir.into(),
    ];
    if let Some(tcti) = options.tcti {
        arguments.extend(["--tcti".into(), tcti.into()]);
    }
    if let Some(config) = options.config {
        arguments.extend(["--config".into(), config.into()]);
    }
    arguments.extend(options.extra_args);
    arguments
}

/// A start takes 0.3 s at most (architecture, "Ceilings"); a loaded machine and a slow profile get more.
const START_LIMIT: Duration = Duration::from_secs(60);

/// An end takes no longer than a TPM command, and those are cut off.
const END_LIMIT: Duration = Duration::from_secs(60);
