//! A host that anybody on it may ask, and what a relying party is told of who asked.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use selfsame::Subject;
use selfsame_dbus::{Bytes, Identity1Proxy, Options};
use selfsame_tests::{Agent, AgentOptions, PrivateBus, Relying, binary, copy_program, write_program};
use tempfile::{NamedTempFile, TempDir};
use zbus::{Connection, OwnedVariant, connection, fdo::DBusProxy, interface, names::BusName};

use crate::connecting::Connecting;

/// A bus with the policy of a system bus, and an agent on it.
pub struct Scene {
    // in this order they are dropped: first who uses the others
    agent: Option<Agent>,
    /// Says yes to all that the agent asks.
    _polkit: Connection,
    /// The test's own.
    pub connection: Connection,
    pub bus: PrivateBus,
    /// Programs that every user may run.
    programs: TempDir,
    options: AgentOptions,
    config: NamedTempFile,
    _state: TempDir,
    _policy: NamedTempFile,
}

impl Scene {
    pub async fn start() -> Self {
        Self::start_after(&[], |_| None).await.0
    }

    /// With another program that becomes the agent: a script, with `@AGENT` for the agent's own program.
    pub async fn start_by(script: &str) -> Self {
        let script = script.to_owned();
        let program = move |programs: &Path| {
            let (path, agent) = (programs.join("becomes-agent"), programs.join("agent"));
            copy_program(&binary("selfsame-agent"), &agent);
            write_program(&path, &script.replace("@AGENT", agent.to_str().unwrap()));
            Some(path)
        };
        Self::start_after(&[], program).await.0
    }

    /// With callers that are on the bus before the agent.
    pub async fn start_after(
        earlier: &[&[&str]],
        program: impl FnOnce(&Path) -> Option<PathBuf>,
    ) -> (Self, Vec<(Connecting, Connection)>) {
        let (policy, config) = (file(ANYONE_MAY), file(PLAIN));
        let bus = PrivateBus::start_with_policy(&[policy.path()]);
        let directory = || {
            let mode = fs::Permissions::from_mode(0o777);
            tempfile::Builder::new().prefix("selfsame-callers-").permissions(mode).tempdir().unwrap()
        };
        let (programs, state) = (directory(), directory());
        let connects = programs.path().join("connects");
        copy_program(env!("CARGO_BIN_EXE_selfsame-connects").as_ref(), &connects);
        let mut there = Vec::new();
        for by in earlier {
            let mut caller = Connecting::start(by, &connects, bus.address());
            let connection = caller.hello(uid(by)).await;
            there.push((caller, connection));
        }
        let options = AgentOptions {
            config: Some(config.path().to_owned()),
            state_dir: Some(state.path().to_owned()),
            program: program(programs.path()),
            ..AgentOptions::new(bus.address())
        };
        let connection = bus.connect().await;
        let mut scene = Self {
            agent: None,
            _polkit: polkit(&bus).await,
            connection,
            bus,
            programs,
            options,
            _state: state,
            config,
            _policy: policy,
        };
        scene = scene.with_agent().await;
        (scene, there)
    }

    /// The same without its agent, which has given its name up.
    pub async fn without_agent(mut self) -> Self {
        if let Some(agent) = self.agent.take() {
            agent.terminate().await;
        }
        self
    }

    /// The same with an agent, and a connection of the test's own that the agent has seen appear.
    pub async fn with_agent(mut self) -> Self {
        let agent = Agent::start(self.options.clone()).await.unwrap_or_else(|error| panic!("{error}"));
        self.connection = self.bus.connect().await;
        self.agent = Some(agent);
        self
    }

    /// The agent's configuration.
    pub fn config(&self) -> &Path {
        self.config.path()
    }

    /// Whether the bus pins the processes that connect (`ProcessFD`: dbus 1.16).
    pub async fn pins(&self) -> bool {
        let bus = DBusProxy::new(&self.connection).await.unwrap();
        let own = BusName::from(self.connection.unique_name().unwrap());
        bus.get_connection_credentials(own).await.unwrap().process_fd().is_some()
    }

    /// A program that every user may run and nobody else has: a copy of this one.
    pub fn program(&self, name: &str, of: &Path) -> PathBuf {
        let path = self.programs.path().join(name);
        copy_program(of, &path);
        path
    }

    /// The program that connects.
    pub fn connects(&self) -> PathBuf {
        self.programs.path().join("connects")
    }

    /// A process that has connected, behind these words.
    pub fn connecting(&self, by: &[&str]) -> Connecting {
        Connecting::start(by, &self.connects(), self.bus.address())
    }

    /// One that has connected and said hello. The agent has seen it.
    pub async fn connected(&self, by: &[&str]) -> (Connecting, Connection) {
        let mut caller = self.connecting(by);
        let connection = caller.hello(uid(by)).await;
        // the bus told the agent of it before this call, and answers come in the order of the calls
        let identity = Identity1Proxy::uncached(&connection).await.unwrap();
        // twice: the first answer may go out before the agent has looked at what came with the call
        for _ in 0..2 {
            identity.lineage().await.unwrap();
        }
        (caller, connection)
    }

    /// What a relying party is told of whoever asks by this connection.
    pub async fn told_of(&self, connection: &Connection) -> Subject {
        let mut door = Relying::new("door");
        let challenge = door.challenge();
        let identity = Identity1Proxy::uncached(connection).await.unwrap();
        let bytes = Bytes::new(challenge.as_bytes());
        let answer = identity.prove("door", bytes, Bytes::new(b""), &Options::new()).await;
        let proof =
            answer.unwrap_or_else(|error| panic!("{error:?}: {:?}", self.agent.as_ref().map(Agent::stderr)));
        let subject = door.enrol(&proof).unwrap().verdict.statement.subject().clone();
        // a kernel with AppArmor or SELinux labels everybody: that is not what is looked at here
        Subject { label: None, ..subject }
    }
}

/// Words that make a caller this user, with no group but its own.
macro_rules! user {
    ($uid:literal) => {
        ["setpriv", concat!("--reuid=", $uid), concat!("--regid=", $uid), "--clear-groups"]
    };
}
pub(crate) use user;

/// The user that these words make.
fn uid(by: &[&str]) -> u32 {
    by.iter().find_map(|word| word.strip_prefix("--reuid=")).map_or(0, |uid| uid.parse().unwrap())
}

/// Of whom nothing is known but the user.
pub fn only(uid: u32) -> Subject {
    Subject { uid: Some(uid), ..Subject::default() }
}

/// A file that all may read.
fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
    file
}

/// A polkit whose rules let everybody do everything: who asks is looked at here, not who may.
struct Lenient;

#[interface(name = "org.freedesktop.PolicyKit1.Authority")]
impl Lenient {
    fn check_authorization(
        &self,
        _subject: (String, HashMap<String, OwnedVariant>),
        _action: &str,
        _details: HashMap<String, String>,
        _flags: u32,
        _dialogue: &str,
    ) -> (bool, bool, HashMap<String, String>) {
        (true, false, HashMap::new())
    }
}

async fn polkit(bus: &PrivateBus) -> Connection {
    let connection = connection::Builder::address(bus.address());
    let connection = connection.serve_at("/org/freedesktop/PolicyKit1/Authority", Lenient);
    connection.name("org.freedesktop.PolicyKit1").build().await.unwrap()
}

/// No hardware is needed.
const PLAIN: &str = "require = []\nsources = [\"rdseed\", \"kernel\"]\nmemory = \"locked\"\n";

/// On top of a system bus's own rules.
const ANYONE_MAY: &str = r#"<busconfig><policy context="default">
<allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>"#;

/// Longer than anything here takes on a loaded machine.
pub const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);
