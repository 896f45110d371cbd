//! The agent as a user without rights, started by a script that takes more from it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use selfsame_dbus::Identity1Proxy;
use selfsame_tests::{
    Agent, AgentOptions, Exit, PrivateBus, StartError, binary, copy_program, write_program,
};

/// Where it lives, and how it is started.
pub struct Unprivileged {
    pub bus: PrivateBus,
    directory: tempfile::TempDir,
}

impl Unprivileged {
    pub fn new() -> Self {
        let bus = PrivateBus::start();
        let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        open(Path::new(bus.address().trim_start_matches("unix:path=")).parent().unwrap());
        let directory = tempfile::Builder::new().prefix("selfsame-leak-").tempdir().unwrap();
        open(directory.path());
        // the target directory may be out of that user's reach
        for program in [binary("selfsame-agent"), crate::built::refuse().to_owned()] {
            copy_program(&program, &directory.path().join(program.file_name().unwrap()));
        }
        let state = directory.path().join("state");
        fs::create_dir(&state).unwrap();
        chown(&state, Some(USER), Some(USER)).unwrap();
        Self { bus, directory }
    }

    /// Starts it, its secrets in `memory`, by `commands`, each of which runs what comes after it.
    pub async fn start(&self, memory: &str, commands: &str) -> Result<Agent, StartError> {
        Agent::start(self.options(memory, commands)).await
    }

    /// Starts it, and sees it give up.
    pub async fn refused(&self, memory: &str, commands: &str) -> Exit {
        match self.start(memory, commands).await {
            Err(StartError::Ended(exit)) => exit,
            Err(error) => panic!("{error}"),
            Ok(agent) => panic!("it started: {}", agent.stderr()),
        }
    }

    pub async fn identity(&self) -> Identity1Proxy<'static> {
        Identity1Proxy::uncached(&self.bus.connect().await).await.unwrap()
    }

    /// A path in its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn options(&self, memory: &str, commands: &str) -> AgentOptions {
        let config = self.path("agent.toml");
        let settings = "sources = [\"rdseed\", \"kernel\"]\nrequire = []\n";
        fs::write(&config, format!("{settings}memory = \"{memory}\"\n")).unwrap();
        let (program, agent) = (self.path("start"), self.path("selfsame-agent"));
        let commands = commands.replace("@REFUSE", self.path("refuse").to_str().unwrap());
        let script =
            format!("#!/bin/sh\nulimit -c unlimited\nexec {AS_USER} {commands} {} \"$@\"\n", agent.display());
        write_program(&program, &script);
        AgentOptions {
            beat: Duration::from_millis(200),
            config: Some(config),
            state_dir: Some(self.path("state")),
            program: Some(program),
            ..AgentOptions::new(self.bus.address())
        }
    }
}

/// A user without rights. Source: base-passwd of Debian, `nobody`.
pub const USER: u32 = 65534;

/// Runs what comes after it as that user.
pub const AS_USER: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all";
