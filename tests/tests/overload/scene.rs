//! An agent on a bus that everybody may use, and what it takes of the machine.

use std::{fs, time::Duration};

use selfsame_dbus::Identity1Proxy;
use selfsame_tests::{Agent, AgentOptions, PrivateBus, Users, binary};
use tempfile::NamedTempFile;
use zbus::Connection;

/// A host.
pub struct Scene {
    // in this order they are dropped: first who uses the others
    pub agent: Agent,
    pub connection: Connection,
    pub bus: PrivateBus,
    _files: [NamedTempFile; 2],
    _users: Users,
}

/// What a process takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub files: usize,
    pub threads: usize,
    pub resident_kib: u64,
    pub resident_most_kib: u64,
}

impl Scene {
    pub async fn start() -> Self {
        let policy = NamedTempFile::new().unwrap();
        fs::write(policy.path(), ANYONE_MAY).unwrap();
        let bus = PrivateBus::start_with_policy(&[policy.path()]);
        let config = NamedTempFile::new().unwrap();
        fs::write(config.path(), "require = []\nsources = [\"rdseed\", \"kernel\"]\n").unwrap();
        // it has to know the group
        let mut users = Users::with(&[]);
        let program = users.program(&format!("exec {} \"$@\"", binary("selfsame-agent").display()));
        let options = AgentOptions {
            program: Some(program),
            // no beat comes between: each moment is one that was asked for
            beat: Duration::from_secs(3600),
            config: Some(config.path().to_owned()),
            ..AgentOptions::new(bus.address())
        };
        let agent = Agent::start(options).await.unwrap();
        let connection = bus.connect().await;
        // what a start does at its end is done
        while !agent.state_dir().join("last-head.json").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self { agent, connection, bus, _files: [policy, config], _users: users }
    }

    pub async fn identity(&self) -> Identity1Proxy<'static> {
        Identity1Proxy::uncached(&self.connection).await.unwrap()
    }

    pub async fn lineage(&self) -> selfsame::LineageId {
        self.identity().await.lineage().await.unwrap().parse().unwrap()
    }

    /// What the agent takes now.
    pub fn taken(&self) -> Taken {
        let pid = self.agent.pid();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let value = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        Taken {
            files: fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(),
            threads: value("Threads:") as usize,
            resident_kib: value("VmRSS:"),
            resident_most_kib: value("VmHWM:"),
        }
    }
}

/// So many, or with `SELFSAME_FULL=1` all of them.
pub fn count(all: usize) -> usize {
    if std::env::var_os("SELFSAME_FULL").is_some_and(|value| value == "1") { all } else { all / 10 }
}

const ANYONE_MAY: &str = r#"<busconfig><policy context="default">
<allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>"#;
