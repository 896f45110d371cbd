//! The system unit that a process is in.

use std::{fs, path::Path};

use procfs::{ProcessCGroup, process::Process};

/// A system unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) name: String,
    /// Which run of it; `None`: systemd does not say, or it changed meanwhile.
    pub(crate) invocation: Option<[u8; 16]>,
}

impl Unit {
    /// The unit of a process by its cgroup, and the unit's invocation id by what systemd exports; `None`: in no unit, or
    /// hidden.
    pub(super) fn of(process: &Process) -> Option<Self> {
        let name = name(process)?;
        // of the run in which the process was in the unit: the same before and after, and no run has another's id
        let invocation = invocation(Path::new(EXPORTED), &name).filter(|before| {
            self::name(process).as_ref() == Some(&name)
                && invocation(Path::new(EXPORTED), &name).as_ref() == Some(before)
        });
        Some(Self { name, invocation })
    }

    /// The unit that systemd has named; `None`: it is no unit that has processes.
    pub(crate) fn named(name: String, invocation: &[u8]) -> Option<Self> {
        is_unit(&name).then(|| Self { name, invocation: id(invocation) })
    }
}

fn name(process: &Process) -> Option<String> {
    process.cgroups().ok()?.0.iter().find_map(by_cgroup)
}

/// The system unit of a process, by one of its cgroups: version 2's, or systemd's own of version 1. A process may have
/// both. Where they differ, in a container with version 2 on a host with both, say, one of them names no unit.
fn by_cgroup(cgroup: &ProcessCGroup) -> Option<String> {
    let is_systemd = cgroup.hierarchy == 0 || cgroup.controllers == ["name=systemd"];
    is_systemd.then(|| by_path(&cgroup.pathname)).flatten()
}

/// The system unit of a process by its cgroup's path: the first part of the path that is no slice. For a process of a
/// user's manager that is the manager, `user@UID.service`: what is below has names that this user chooses.
fn by_path(cgroup: &str) -> Option<String> {
    let mut parts = cgroup.split('/').filter(|part| !part.is_empty() && !part.ends_with(".slice"));
    let part = parts.next()?;
    // an underscore in front escapes a name that would look like the kernel's own
    let name = part.strip_prefix('_').unwrap_or(part);
    is_unit(name).then(|| name.to_owned())
}

fn is_unit(name: &str) -> bool {
    UNIT_SUFFIXES.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(|stem| !stem.is_empty()))
}

/// The invocation id of a unit, as systemd exports it: the text of a link that all may read, made by root alone.
///
/// Source: `unit_export_invocation_id` in src/core/unit.c of systemd; journald reads the same.
fn invocation(exported: &Path, unit: &str) -> Option<[u8; 16]> {
    let text = fs::read_link(exported.join(format!("invocation:{unit}"))).ok()?;
    let text = text.to_str()?;
    // sd_id128_to_string: 32 digits, and nothing between them
    let is_plain = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = is_plain.then(|| u128::from_str_radix(text, 16).ok())??;
    id(&number.to_be_bytes())
}

/// An id of 16 bytes that are not all zero, which is none.
fn id(bytes: &[u8]) -> Option<[u8; 16]> {
    bytes.try_into().ok().filter(|id| *id != [0; 16])
}

/// Where systemd exports what it knows of its units.
const EXPORTED: &str = "/run/systemd/units";

/// Units that have processes. Source: systemd.unit(5), systemd.scope(5).
const UNIT_SUFFIXES: [&str; 5] = [".service", ".scope", ".socket", ".mount", ".swap"];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

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
            ("/machine.slice/machine-c.scope/payload/system.slice/inner.service", Some("machine-c.scope")),
            ("/system.slice/_cpu.service", Some("cpu.service")),
            ("/", None),
            ("/init.scope", Some("init.scope")),
            ("/docker/abc", None),
            // outside of the agent's own namespace of cgroups
            ("/../b.slice/b.service", None),
            ("/.service", None),
            ("", None),
        ] {
            assert_eq!(by_path(cgroup).as_deref(), expected, "{cgroup:?}");
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
        assert_eq!(both.iter().find_map(by_cgroup).as_deref(), Some("b.service"));
        let first = [at(1, &["name=systemd"], "/system.slice/b.service"), at(0, &[], "/")];
        assert_eq!(first.iter().find_map(by_cgroup).as_deref(), Some("b.service"));
        let of_others = [at(4, &["memory"], "/a.service"), at(0, &[], "/")];
        assert_eq!(of_others.iter().find_map(by_cgroup), None, "memory's groups are not systemd's alone");
    }

    #[test]
    fn an_invocation_id_is_32_digits_and_no_other_text() {
        let exported = tempfile::tempdir().unwrap();
        let export = |unit: &str, text: &str| {
            symlink(text, exported.path().join(format!("invocation:{unit}"))).unwrap();
            invocation(exported.path(), unit)
        };
        let id = export("a.service", "00112233445566778899aabbccddeeff");
        assert_eq!(id, Some(*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"));
        assert_eq!(export("short.service", "00112233445566778899aabbccddeef"), None);
        assert_eq!(export("sign.service", "+0112233445566778899aabbccddeeff"), None);
        assert_eq!(export("long.service", "00112233445566778899aabbccddeeff0"), None);
        assert_eq!(export("zero.service", "00000000000000000000000000000000"), None);
        assert_eq!(invocation(exported.path(), "none.service"), None);
    }

    #[test]
    fn what_systemd_names_is_a_unit_that_has_processes() {
        let id = [7; 16];
        let named = |name: &str, id: &[u8]| Unit::named(name.to_owned(), id);
        let known = Unit { name: "a.service".to_owned(), invocation: Some(id) };
        assert_eq!(named("a.service", &id), Some(known.clone()));
        assert_eq!(named("a.service", &[]), Some(Unit { invocation: None, ..known }));
        // of a process in none
        assert_eq!(named("-.slice", &id), None);
    }
}
