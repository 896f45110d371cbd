//! One swtpm process.

use std::fs::File;
use std::io::{self, PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::place::Place;
use crate::watcher::{self, Watcher};

/// A child that was started as swtpm. Killed and reaped on drop.
#[derive(Debug)]
pub(crate) struct Swtpm {
    child: Child,
    watcher: PipeWriter,
}

impl Swtpm {
    /// Starts `program` as swtpm, in sight of `watcher`.
    ///
    /// It begins as a shell that tells the watcher its pid and then *becomes* swtpm, so that this pid is ours to
    /// wait for, and no swtpm ever runs that the watcher does not know of.
    pub(crate) fn launch(program: &Path, place: &Place, stderr: File, watcher: &Watcher) -> io::Result<Self> {
        let child = Command::new("/bin/sh")
            .args(["-c", r#"echo $$ && exec "$@" >/dev/null"#, "tpm-sim-launcher"])
            .arg(program)
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .arg("--tpmstate")
            .arg(format!("dir={}", place.directory().display()))
            .arg("--server")
            .arg(format!("type=unixio,path={}", place.socket()))
            .arg("--ctrl")
            .arg(format!("type=unixio,path={}", place.control_socket()))
            .stdin(Stdio::null())
            .stdout(watcher.pipe()?)
            .stderr(stderr)
            // A terminal's Ctrl-C is for the owner, who decides when its TPM goes.
            .process_group(0)
            .spawn()?;
        Ok(Self { child, watcher: watcher.pipe()? })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has ended. Does not reap it, so that its pid stays its own.
    pub(crate) fn has_ended(&self) -> bool {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(self.nix_pid()), look), Ok(WaitStatus::StillAlive))
    }

    /// Stops the process as SIGSTOP does, and waits until it stands still. False: it has ended.
    pub(crate) fn freeze(&self) -> Result<bool, Errno> {
        kill(self.nix_pid(), Signal::SIGSTOP)?;
        let look = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        Ok(matches!(waitid(Id::Pid(self.nix_pid()), look)?, WaitStatus::Stopped(..)))
    }

    /// Lets a frozen process go on.
    pub(crate) fn thaw(&self) -> Result<(), Errno> {
        kill(self.nix_pid(), Signal::SIGCONT)
    }

    /// Kills the process if it still runs, waits for its end and says how it ended.
    pub(crate) fn end(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        // Before the wait: after it the pid may become another's. A watcher that is gone does no harm either way.
        let _ = self.watcher.write_all(watcher::NONE);
        self.child.wait()
    }

    fn nix_pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        // Nothing is left to try when even SIGKILL is refused.
        let _ = self.end();
    }
}
