//! What the kernel says of a process.

use std::path::Path;

use nix::time::{ClockId, clock_gettime};
use procfs::{ProcessCGroup, process::Process};

/// When a process began, or something else happened, in the kernel's clock ticks since the boot (USER_HZ, mostly
/// 1/100 s; proc(5), `starttime`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StartTime(u64);

impl StartTime {
    /// Now.
    pub(crate) fn now() -> Self {
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("this clock is in every Linux since 2.6.39");
        let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec()).unwrap_or(0);
        let hz = procfs::ticks_per_second();
        Self(seconds * hz + nanos * hz / 1_000_000_000)
    }
}

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
    pub(crate) unit: Option<String>,
    /// Path of the executable; `None`: gone since, or the agent may not know it (another user's process).
    pub(crate) exe: Option<String>,
}

impl Facts {
    /// What procfs says of `pid`; `None` where the process is gone. All of it is read through one directory that is
    /// held open, so it is of one process, however soon its pid is another's.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let process = Process::new(pid.try_into().ok()?).ok()?;
        let status = process.status().ok()?;
        let cgroups = process.cgroups().ok();
        let facts = Self {
            pid,
            started: StartTime(process.stat().ok()?.starttime),
            uid: status.euid,
            gid: status.egid,
            unit: cgroups.and_then(|cgroups| cgroups.0.iter().find_map(unit_by)),
            exe: process.exe().ok().and_then(|path| executable(&path)),
        };
        Some(facts)
    }
}

/// The system unit of a process, by one of its cgroups: version 2's, or systemd's own of version 1. A process may have
/// both. Where they differ, in a container with version 2 on a host with both, say, one of them names no unit.
fn unit_by(cgroup: &ProcessCGroup) -> Option<String> {
    let is_systemd = cgroup.hierarchy == 0 || cgroup.controllers == ["name=systemd"];
    is_systemd.then(|| unit(&cgroup.pathname)).flatten()
}

/// The system unit of a process by its cgroup's path: the first part of the path that is no slice. For a process of a
/// user's manager that is the manager, `user@UID.service`.
fn unit(cgroup: &str) -> Option<String> {
    let mut parts = cgroup.split('/').filter(|part| !part.is_empty() && !part.ends_with(".slice"));
    let part = parts.next()?;
    // an underscore in front escapes a name that would look like the kernel's own
    let name = part.strip_prefix('_').unwrap_or(part);
    let is_unit =
        UNIT_SUFFIXES.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(|stem| !stem.is_empty()));
    is_unit.then(|| name.to_owned())
}

/// The path of an executable that is still there.
fn executable(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    (text.starts_with('/') && !text.ends_with(" (deleted)")).then(|| text.to_owned())
}

/// Units that have processes. Source: systemd.unit(5), systemd.scope(5).
const UNIT_SUFFIXES: [&str; 5] = [".service", ".scope", ".socket", ".mount", ".swap"];

#[cfg(test)]
mod tests {
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
    fn a_process_that_has_ended_is_not_known() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        assert_eq!(Facts::of(pid).map(|facts| facts.pid), Some(pid), "not yet waited for");
        child.wait().unwrap();
        assert_eq!(Facts::of(pid), None);
    }

    #[test]
    fn the_unit_is_the_first_part_that_is_no_slice() {
        for (cgroup, expected) in [
            ("/system.slice/nginx.service", Some("nginx.service")),
            ("/system.slice/system-getty.slice/getty@tty1.service", Some("getty@tty1.service")),
            ("/user.slice/user-1000.slice/session-3.scope", Some("session-3.scope")),
            (
                "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service",
                Some("user@1000.service"),
            ),
            ("/system.slice/a.service/inner.service", Some("a.service")),
            ("/system.slice/_cpu.service", Some("cpu.service")),
            ("/", None),
            ("/init.scope", Some("init.scope")),
            ("/docker/abc", None),
            ("/.service", None),
            ("", None),
        ] {
            assert_eq!(unit(cgroup).as_deref(), expected, "{cgroup:?}");
        }
    }

    #[test]
    fn a_cgroup_that_names_no_unit_hides_none() {
        let at = |hierarchy, controllers: &[&str], path: &str| ProcessCGroup {
            hierarchy,
            controllers: controllers.iter().map(|&name| name.to_owned()).collect(),
            pathname: path.to_owned(),
        };
        // as in a container of version 2 on a host that has both: the first said "/", and no unit was found
        let both = [
            at(9, &["name=systemd"], "/"),
            at(4, &["memory"], "/a.service"),
            at(0, &[], "/system.slice/b.service"),
        ];
        assert_eq!(both.iter().find_map(unit_by).as_deref(), Some("b.service"));
        let first = [at(1, &["name=systemd"], "/system.slice/b.service"), at(0, &[], "/")];
        assert_eq!(first.iter().find_map(unit_by).as_deref(), Some("b.service"));
        let of_others = [at(4, &["memory"], "/a.service"), at(0, &[], "/")];
        assert_eq!(of_others.iter().find_map(unit_by), None, "memory's groups are not systemd's alone");
    }

    #[test]
    fn a_deleted_executable_is_left_out() {
        assert_eq!(executable(Path::new("/usr/bin/x")).as_deref(), Some("/usr/bin/x"));
        assert_eq!(executable(Path::new("/usr/bin/x (deleted)")), None);
    }
}
