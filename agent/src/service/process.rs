//! What the kernel says of a process.
//!
//! All of it is read through one directory of `/proc`. That is of one process for as long as it is open, however soon
//! the pid is another's: once the process has been waited for, every file in it gives ESRCH. So a start time that is
//! read there last is the start time of all that was read before it, and shows that the process was still there.

mod executable;
mod pinned;
mod start_time;
mod unit;

use procfs::process::Process;

pub(crate) use pinned::Pinned;
pub(crate) use start_time::StartTime;
pub(crate) use unit::Unit;

/// A process, as it was at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) pid: u32,
    pub(crate) started: StartTime,
    /// Effective user id.
    pub(crate) uid: u32,
    /// Effective group id.
    pub(crate) gid: u32,
    /// System unit; `None`: in none.
    pub(crate) unit: Option<Unit>,
    /// Path of the executable; `None`: gone since, or not the file that is there for the agent, or the agent may not
    /// know it (another user's process).
    pub(crate) exe: Option<String>,
}

impl Facts {
    /// What procfs says of `pid`; `None` where the process has ended, waited for or not, or is hidden.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let process = Process::new(pid.try_into().ok()?).ok()?;
        let unit = Unit::of(&process);
        let exe = executable::of(&process);
        // after the executable: of one that became another user's by it, the user is the new one
        let status = process.status().ok()?;
        // the last of all: it is still there
        let stat = process.stat().ok()?;
        let has_ended = ENDED.contains(&stat.state);
        (!has_ended).then_some(Self {
            pid,
            started: StartTime::of(&stat),
            uid: status.euid,
            gid: status.egid,
            unit,
            exe,
        })
    }
}

/// States of a process that has ended. Source: proc_pid_stat(5).
const ENDED: [char; 3] = ['Z', 'X', 'x'];

#[cfg(test)]
mod tests {
    use std::process::Command;

    use nix::{
        sys::wait::{Id, WaitPidFlag, waitid},
        unistd::Pid,
    };

    use super::*;

    #[test]
    fn our_own_process_is_known() {
        let facts = Facts::of(std::process::id()).unwrap();
        assert!(facts.started <= StartTime::now());
        assert_eq!(facts.uid, nix::unistd::geteuid().as_raw());
        assert_eq!(facts.gid, nix::unistd::getegid().as_raw());
        assert_eq!(facts.exe.as_deref(), std::env::current_exe().unwrap().to_str());
    }

    #[test]
    fn a_process_that_has_ended_is_not_known_waited_for_or_not() {
        let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        assert_eq!(Facts::of(pid).map(|facts| facts.pid), Some(pid));
        drop(child.stdin.take());
        let id = Id::Pid(Pid::from_raw(pid as i32));
        waitid(id, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
        assert_eq!(Facts::of(pid), None, "not yet waited for");
        child.wait().unwrap();
        assert_eq!(Facts::of(pid), None);
    }
}
