//! A machine with the service on it: its users, its bus, its agent; polkit where it is started.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::Duration,
};

use selfsame_dbus::Identity1Proxy;
use selfsame_tests::{
    Agent, AgentOptions, MEMBERS, PrivateBus, SERVICE, User, Users, binary, connect_as, copy_program,
};
use zbus::Connection;

use crate::{callers::Who, polkit::Polkit};

/// The machine.
pub struct Scene {
    // in this order they are dropped: first who uses the others
    pub agent: Agent,
    pub bus: PrivateBus,
    pub users: Users,
}

/// In the group.
pub const MEMBER: User = User { name: "member", uid: 60_010 };

/// Whom a rule of polkit allows `org.selfsame.prove`.
pub const PROVER: User = User { name: "prover", uid: 60_011 };

/// Whom a rule of polkit allows `org.selfsame.verify`.
pub const CHECKER: User = User { name: "checker", uid: 60_012 };

/// Whom a rule of polkit has give a password.
pub const ASKED: User = User { name: "asked", uid: 60_013 };

/// Anyone else.
pub const STRANGER: User = User { name: "stranger", uid: 60_014 };

impl Scene {
    /// Without polkit.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Likewise, with users who are changed first.
    pub async fn start_with(change: impl FnOnce(&Users)) -> Self {
        let mut users = Users::with(&[MEMBER, PROVER, CHECKER, ASKED, STRANGER]);
        change(&users);
        Polkit::prepare(&mut users);
        let daemon = users.program(r#"exec dbus-daemon "$@""#);
        let policies = [OURS, Polkit::POLICY].map(Path::new);
        let bus = PrivateBus::start_with_policy_by(&daemon, &policies);
        let options = options(&mut users, &bus);
        let agent = Agent::start(options).await.unwrap();
        Self { agent, bus, users }
    }

    /// With polkit.
    pub async fn with_polkit() -> (Self, Polkit) {
        let mut scene = Self::start().await;
        let polkit = scene.start_polkit().await;
        (scene, polkit)
    }

    pub async fn start_polkit(&mut self) -> Polkit {
        Polkit::start(&mut self.users, &self.bus).await
    }

    /// A new connection.
    pub async fn connect(&self, who: Who) -> Connection {
        let groups: &[u32] = if who.is_member { &[MEMBERS] } else { &[] };
        connect_as(self.bus.address(), who.user.uid, groups).await
    }

    /// Likewise, of a user who is not in the group.
    pub async fn identity(&self, user: User) -> Identity1Proxy<'static> {
        let connection = self.connect(Who { user, is_member: false }).await;
        Identity1Proxy::uncached(&connection).await.unwrap()
    }
}

/// As the unit has it: the service's user, on what it is told is the system bus.
fn options(users: &mut Users, bus: &PrivateBus) -> AgentOptions {
    let state = users.path("state");
    fs::create_dir(&state).unwrap();
    chown(&state, Some(SERVICE.uid), Some(SERVICE.uid)).unwrap();
    let config = users.path("agent.toml");
    fs::write(&config, "require = []\nsources = [\"rdseed\", \"kernel\"]\nmemory = \"locked\"\n").unwrap();
    let agent = reachable(users);
    let user = format!("--reuid={0} --regid={0} --clear-groups", SERVICE.uid);
    let program = users.program(&format!(
        "shift 2\nexport DBUS_SYSTEM_BUS_ADDRESS={}\nexec setpriv {user} {} \"$@\"",
        bus.address(),
        agent.display()
    ));
    AgentOptions {
        beat: Duration::from_secs(3600),
        config: Some(config),
        state_dir: Some(state),
        program: Some(program),
        ..AgentOptions::new(bus.address())
    }
}

/// The agent's program, where any user can run it, wherever it was built.
pub fn reachable(users: &Users) -> PathBuf {
    let path = users.path("selfsame-agent");
    copy_program(&binary("selfsame-agent"), &path);
    path
}

const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/dbus/org.selfsame.Agent1.conf");

/// Longer than anything here takes on a loaded machine.
pub const LIMIT: Duration = Duration::from_secs(60);
