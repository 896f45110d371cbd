//! What the service manager is told, where one has started the agent as a unit of `Type=notify` (sd_notify(3)).
//!
//! Without a manager, that is without `$NOTIFY_SOCKET`, nothing is told, and that is no error.

use std::time::Duration;

use sd_notify::NotifyState;

/// The name is on the bus: whoever waits for the unit may call.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The agent has begun to end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// A line for people, until the next one.
pub(crate) fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// How long the manager waits for [`alive`] before it ends this process; none: it does not.
pub(crate) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

/// This process does what it is there for: it does not hang.
pub(crate) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// The agent goes on where this fails: a manager that hears nothing ends the unit by itself, and says so.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager can't be told");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env, io,
        os::unix::net::UnixDatagram,
        path::Path,
        process::{Command, Stdio},
    };

    use super::*;

    /// What the other tests run as a process of its own: a variable of this one's environment can't be set safely.
    #[test]
    fn an_end_is_told_after_a_beginning() {
        ready();
        stopping();
    }

    /// Runs the test above with `socket` as the manager's.
    fn told_to(socket: &Path) -> bool {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "notify::tests::an_end_is_told_after_a_beginning"]);
        child.env("NOTIFY_SOCKET", socket).stdout(Stdio::null()).status().unwrap().success()
    }

    fn next(manager: &UnixDatagram) -> io::Result<String> {
        let mut bytes = [0; 64];
        let length = manager.recv(&mut bytes)?;
        Ok(String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned())
    }

    #[test]
    fn the_manager_hears_each_in_one_datagram() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("notify");
        let manager = UnixDatagram::bind(&socket).unwrap();
        manager.set_nonblocking(true).unwrap();
        assert!(told_to(&socket));
        assert_eq!(next(&manager).unwrap(), "READY=1\n");
        assert_eq!(next(&manager).unwrap(), "STOPPING=1\n");
        assert_eq!(next(&manager).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_manager_that_is_gone_ends_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert!(told_to(&directory.path().join("nobody")));
    }
}
