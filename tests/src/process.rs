//! A child process that can't outlive its owner.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use nix::{
    sys::{
        signal::{self, Signal},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use tokio::{sync::oneshot, time::timeout};

use crate::leash::Leash;

/// A child process. Killed and waited for on drop, and killed when its owner is.
#[derive(Debug)]
pub struct Process {
    child: Child,
    leash: Leash,
    stderr: PathBuf,
    status: Option<ExitStatus>,
}

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Exit {
    /// Its status: a code, or the signal that killed it.
    pub status: ExitStatus,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Process {
    /// Starts `command`, whose standard error goes into the file `stderr`. There is nothing on its standard input.
    ///
    /// # Errors
    ///
    /// Where the file can't be made, or the program can't be started.
    pub fn start(mut command: Command, stderr: &Path) -> io::Result<Self> {
        command.stdin(Stdio::null());
        Self::start_as_is(command, stderr)
    }

    /// Likewise, with the standard input that the command has.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_as_is(mut command: Command, stderr: &Path) -> io::Result<Self> {
        command.stderr(File::create(stderr)?);
        let mut child = command.spawn()?;
        match Leash::hold(child.id()) {
            Ok(leash) => Ok(Self { child, leash, stderr: stderr.to_owned(), status: None }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stderr).unwrap_or_default()).into_owned()
    }

    /// Waits until it has written `text` to standard error.
    ///
    /// # Panics
    ///
    /// After a minute, with all that it has written.
    pub async fn logged(&self, text: &str) {
        logged(|| self.stderr(), text).await;
    }

    /// Takes the pipe that its standard output is, where the command asked for one.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Sends it `signal`; does nothing if it has been waited for.
    ///
    /// # Panics
    ///
    /// If the kernel refuses.
    pub fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            // The pid is its own for as long as it has not been waited for.
            signal::kill(self.nix_pid(), signal).unwrap();
        }
    }

    /// Waits until it has ended, for `limit` at most, without ending it.
    ///
    /// Cancel safe: what is waited for is an event, and only [`end`](Self::end) takes the status.
    pub async fn ended(&self, limit: Duration) -> bool {
        if self.status.is_some() {
            return true;
        }
        let (tell, told) = oneshot::channel();
        let pid = self.nix_pid();
        // Leaves it to be waited for, so that its pid stays its own.
        thread::spawn(move || tell.send(waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)));
        matches!(timeout(limit, told).await, Ok(Ok(Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)))))
    }

    /// Kills it if it still runs, and waits for it.
    ///
    /// # Panics
    ///
    /// If the kernel refuses.
    pub fn end(&mut self) -> Exit {
        let status = match self.status {
            Some(status) => status,
            None => {
                self.child.kill().unwrap();
                self.leash.release();
                *self.status.insert(self.child.wait().unwrap())
            }
        };
        Exit { status, stderr: self.stderr() }
    }

    fn nix_pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits until `all` has `text` in it: what a process logs may come after what it does.
pub(crate) async fn logged(all: impl Fn() -> String, text: &str) {
    let wait = async {
        while !all().contains(text) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok();
    assert!(in_time, "it has not logged {text:?}: {}", all());
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::process::ExitStatusExt};

    use super::*;
    use crate::processes;

    fn shell(script: &str, directory: &Path) -> Process {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).arg(directory);
        Process::start(command, &directory.join("stderr")).unwrap()
    }

    #[tokio::test]
    async fn an_end_is_waited_for_and_told() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = shell("echo gone >&2; exit 7", directory.path());
        assert!(process.ended(LIMIT).await);
        let exit = process.end();
        assert_eq!((exit.status.code(), exit.stderr.as_str()), (Some(7), "gone\n"));
        assert!(process.ended(Duration::ZERO).await);
        assert_eq!(process.end().status.code(), Some(7));
    }

    #[tokio::test]
    async fn a_signal_ends_what_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let mut process = shell("exec sleep 600", directory.path());
        assert!(!process.ended(Duration::from_millis(1)).await);
        process.signal(Signal::SIGTERM);
        assert!(process.ended(LIMIT).await);
        assert_eq!(process.end().status.signal(), Some(Signal::SIGTERM as i32));
    }

    #[test]
    fn nothing_is_left_after_a_drop() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "x").unwrap();
        let mut command = Command::new("tail");
        command.arg("-f").arg(&file).stdout(Stdio::piped());
        let mut process = Process::start(command, &directory.path().join("stderr")).unwrap();
        // Kept: tail ends when nobody reads any more.
        let mut stdout = process.take_stdout().unwrap();
        stdout.read_exact(&mut [0]).unwrap();
        let pid = process.pid();
        let found =
            || processes::mentioning(directory.path()).iter().map(|found| found.pid).collect::<Vec<_>>();
        let leashes = || {
            let children = processes::children(std::process::id());
            children.iter().filter(|child| child.command.ends_with(&format!(" leash {pid}"))).count()
        };
        assert_eq!(found(), [pid]);
        drop(process);
        assert_eq!((found(), leashes()), (vec![], 0));
    }

    /// Longer than anything here takes on a loaded machine.
    const LIMIT: Duration = Duration::from_secs(60);
}
