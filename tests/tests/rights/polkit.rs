//! The real polkit, with the shipped actions and rules of the test's.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use futures_util::StreamExt;
use nix::sys::signal::Signal;
use selfsame_tests::{PrivateBus, Process, Users, wait_for_name};
use tokio::time::timeout;
use zbus::{Connection, MatchRule, MessageStream, message::Type};

use crate::scene::LIMIT;

/// A polkitd that has its name on the bus. Drop kills it.
pub struct Polkit {
    process: Process,
    rules: PathBuf,
    connection: Connection,
}

impl Polkit {
    /// Debian's own policy, of package polkitd.
    pub const POLICY: &str = "/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf";

    /// Gives the machine its actions and rules.
    pub fn prepare(users: &mut Users) {
        for (name, over) in [("actions", ACTIONS), ("rules", LOCAL_RULES), ("none", SHARED_RULES)] {
            let directory = users.path(name);
            fs::create_dir(&directory).unwrap();
            assert!(Path::new(over).is_dir(), "no {over} (Debian: polkitd)");
            users.mount(&directory, Path::new(over));
        }
        fs::copy(SHIPPED, users.path("actions").join("org.selfsame.policy")).unwrap();
        fs::write(users.path("rules").join(RULES_FILE), RULES).unwrap();
    }

    /// Starts it.
    pub async fn start(users: &mut Users, bus: &PrivateBus) -> Self {
        let program = users.program(&format!("exec {PROGRAM} --no-debug"));
        let mut command = Command::new(program);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", bus.address()).stdout(Stdio::null());
        let process = Process::start(command, &users.path("polkit-stderr")).unwrap();
        let connection = bus.connect().await;
        let named = wait_for_name(&connection, NAME, Some(process.pid()), LIMIT).await;
        named.unwrap_or_else(|error| panic!("{error}: {}", process.stderr()));
        Self { process, rules: users.path("rules"), connection }
    }

    /// Holds it still, or lets it go on.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Puts these in the place of its rules, and waits until it says that they count.
    pub async fn change_rules(&self, rules: &str) {
        let rule =
            MatchRule::builder().msg_type(Type::Signal).sender(NAME).member("Changed").build().unwrap();
        let mut changes = MessageStream::for_match_rule(rule, &self.connection, None).await.unwrap();
        // at once, so that nobody reads half of it
        let next = self.rules.join("next");
        fs::write(&next, rules).unwrap();
        fs::rename(next, self.rules.join(RULES_FILE)).unwrap();
        timeout(LIMIT, changes.next()).await.expect("it tells of its rules").unwrap().unwrap();
    }
}

pub const NAME: &str = "org.freedesktop.PolicyKit1";

/// Where Debian 12 and 13 have it.
const PROGRAM: &str = "/usr/lib/polkit-1/polkitd";
const ACTIONS: &str = "/usr/share/polkit-1/actions";
const LOCAL_RULES: &str = "/etc/polkit-1/rules.d";
const SHARED_RULES: &str = "/usr/share/polkit-1/rules.d";
const RULES_FILE: &str = "50-selfsame.rules";
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/polkit/org.selfsame.policy");

/// What an administrator may write.
pub const RULES: &str = r#"polkit.addRule(function(action, subject) {
    if (action.id == "org.selfsame.prove" && subject.user == "prover") return polkit.Result.YES;
    if (action.id == "org.selfsame.verify" && subject.user == "checker") return polkit.Result.YES;
    if (action.id == "org.selfsame.prove" && subject.user == "asked") return polkit.Result.AUTH_ADMIN;
});
"#;

/// The same, but that nobody may prove.
pub const RULES_WITHDRAWN: &str = r#"polkit.addRule(function(action, subject) {
    if (action.id == "org.selfsame.verify" && subject.user == "checker") return polkit.Result.YES;
});
"#;
