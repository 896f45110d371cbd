//! A bus of the test's own.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use zbus::{Connection, connection};

use crate::Process;

/// A real `dbus-daemon` on a Unix socket in a temporary directory of its own. Drop ends it and removes the
/// directory. `SELFSAME_DBUS_DAEMON=PATH` names another than the machine's.
#[derive(Debug)]
pub struct PrivateBus {
    // In this order they are dropped: first what uses the directory.
    daemon: Process,
    address: String,
    _directory: TempDir,
}

impl PrivateBus {
    /// Starts a bus on which everybody may do everything.
    ///
    /// # Panics
    ///
    /// If `dbus-daemon` is missing, or does not come up; the text says why.
    pub fn start() -> Self {
        Self::start_with(&daemon(), &policy(PERMISSIVE), 0o700)
    }

    /// Starts a bus with the default policy of a system bus, and with the policy files of `shipped` on top, as if
    /// they were installed in `system.d`. All users reach it.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with_policy(shipped: &[&Path]) -> Self {
        Self::start_with_policy_by(&daemon(), shipped)
    }

    /// Likewise, by a `program` that becomes `dbus-daemon`: on a machine of the test's, say.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with_policy_by(program: &Path, shipped: &[&Path]) -> Self {
        let include = |path: &&Path| {
            let path = fs::canonicalize(path).unwrap_or_else(|error| panic!("no policy {path:?}: {error}"));
            format!("  <include>{}</include>\n", path.display())
        };
        let policy = policy(SYSTEM) + ROOTS + &shipped.iter().map(include).collect::<String>();
        Self::start_with(program, &policy, 0o711)
    }

    fn start_with(program: &Path, policy: &str, mode: u32) -> Self {
        let mode = fs::Permissions::from_mode(mode);
        let directory = tempfile::Builder::new().prefix("selfsame-bus-").permissions(mode).tempdir().unwrap();
        let socket = format!("unix:path={}/bus", directory.path().display());
        let config = directory.path().join("bus.conf");
        fs::write(&config, configuration(&socket, policy)).unwrap();

        let mut command = Command::new(program);
        command
            .arg("--config-file")
            .arg(&config)
            .args(["--nofork", "--nopidfile", "--nosyslog", "--print-address=1"])
            .stdout(Stdio::piped());
        let daemon = Process::start(command, &directory.path().join("stderr"));
        let daemon = daemon.unwrap_or_else(|error| panic!("no `dbus-daemon` (Debian: dbus-daemon): {error}"));
        let mut bus = Self { daemon, address: socket, _directory: directory };
        bus.wait_until_it_listens();
        bus
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Process id of the daemon.
    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// What the daemon has complained about so far.
    pub fn stderr(&self) -> String {
        self.daemon.stderr()
    }

    /// A new connection to it.
    ///
    /// # Panics
    ///
    /// If the bus is gone.
    pub async fn connect(&self) -> Connection {
        connection::Builder::address(self.address()).build().await.unwrap()
    }

    /// Ends the bus at once, as if it had crashed. Its address stays, with nobody behind it.
    pub fn stop(&mut self) {
        self.daemon.end();
    }

    /// The daemon prints its address when it can be connected to.
    fn wait_until_it_listens(&mut self) {
        let stdout = self.daemon.take_stdout().expect("it is piped");
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(BufReader::new(stdout).lines().next()));
        match told.recv_timeout(START_LIMIT) {
            Ok(Some(Ok(_))) => {}
            no_address => panic!("dbus-daemon does not come up ({no_address:?}): {}", self.stderr()),
        }
    }
}

fn configuration(socket: &str, policy: &str) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>{socket}</listen>
  <auth>EXTERNAL</auth>
  <apparmor mode="disabled"/>
{policy}{LIMITS}</busconfig>
"#
    )
}

fn policy(rules: &str) -> String {
    format!("  <policy context=\"default\">\n{rules}  </policy>\n")
}

/// The machine's dbus-daemon, or the one that is named.
fn daemon() -> PathBuf {
    env::var_os("SELFSAME_DBUS_DAEMON").unwrap_or_else(|| "dbus-daemon".into()).into()
}

/// Anyone may connect, own and send.
const PERMISSIVE: &str = r#"    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
"#;

/// The default rules of a system bus.
///
/// Source: `/usr/share/dbus-1/system.conf` of dbus 1.14.10.
const SYSTEM: &str = r#"    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
"#;

/// What a system bus allows root besides.
///
/// Source: as of [`SYSTEM`].
const ROOTS: &str = r#"  <policy user="root">
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
"#;

/// Room for 200 callers at once with replies of 4 MiB each: the limits are those of a session bus, but for the
/// size of a message, which is bounded as nothing of ours is larger.
///
/// Source: `/usr/share/dbus-1/session.conf` of dbus 1.14.10.
const LIMITS: &str = r#"  <limit name="max_message_size">16777216</limit>
  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="auth_timeout">240000</limit>
  <limit name="max_completed_connections">100000</limit>
  <limit name="max_incomplete_connections">10000</limit>
  <limit name="max_connections_per_user">100000</limit>
  <limit name="max_names_per_connection">50000</limit>
  <limit name="max_match_rules_per_connection">50000</limit>
  <limit name="max_replies_per_connection">50000</limit>
"#;

/// A start takes 10 ms on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);
