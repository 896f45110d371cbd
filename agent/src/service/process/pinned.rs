//! A process that the bus has pinned for us.

use std::{
    fs,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::Arc,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A pidfd: of one process for ever, whoever has its pid by now. Clones share the descriptor.
#[derive(Clone, Debug)]
pub(crate) struct Pinned(Arc<OwnedFd>);

impl Pinned {
    pub(crate) fn new(descriptor: OwnedFd) -> Self {
        Self(Arc::new(descriptor))
    }

    /// Its pid in the agent's own `/proc`, whatever it is to the bus; `None`: it has ended, or has none there.
    pub(crate) fn pid(&self) -> Option<u32> {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", self.0.as_raw_fd())).ok()?;
        pid(&info)
    }

    /// Whether it has ended, waited for or not. Where it has not, its pid was its own all the time before.
    pub(crate) fn has_ended(&self) -> bool {
        let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        // a pidfd can be read from as soon as its process has ended (pidfd_open(2)); what can't be polled is none
        !matches!(poll(&mut polled, PollTimeout::ZERO), Ok(0))
    }

    /// The descriptor.
    pub(crate) fn descriptor(&self) -> &OwnedFd {
        &self.0
    }
}

/// The pid in what `/proc/self/fdinfo` says of a pidfd. Source: `pidfd_show_fdinfo` of Linux: `Pid:` is -1 where the
/// process has been waited for, 0 where it is in no namespace that this `/proc` shows; of another kind of file there is
/// none.
fn pid(info: &str) -> Option<u32> {
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    pid.trim().parse().ok().filter(|&pid| pid > 0)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;

    #[test]
    fn a_process_is_seen_to_end_before_it_is_waited_for() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        let pinned = Pinned::new(pidfd_open(pid, PidfdFlags::empty()).unwrap());
        assert_eq!((pinned.pid(), pinned.has_ended()), (Some(child.id()), false));
        drop(child.stdin.take());
        let end = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), end).unwrap();
        assert!(pinned.has_ended(), "not yet waited for");
        child.wait().unwrap();
        assert_eq!((pinned.pid(), pinned.has_ended()), (None, true));
    }

    #[test]
    fn only_a_pidfd_has_a_pid() {
        let file = Pinned::new(fs::File::open("/dev/null").unwrap().into());
        assert_eq!((file.pid(), file.has_ended()), (None, true));
        for (info, expected) in [
            ("pos:\t0\nPid:\t17\nNSpid:\t17\t1\n", Some(17)),
            ("Pid:\t-1\n", None),
            ("Pid:\t0\nNSpid:\t0\n", None),
            ("NSpid:\t17\n", None),
            ("", None),
        ] {
            assert_eq!(pid(info), expected, "{info:?}");
        }
    }
}
