//! What this platform tells of copies, rollbacks and sleep.

use std::{fs, path::Path};

use procfs::KernelVersion;
use selfsame_dbus::Check;

use super::{State, check};
use crate::{
    breaks::{Generations, Inhibiting, VmClock},
    clock::Clock,
    entropy::Status,
};

/// All of it. `inhibiting` is the running agent's; none: there is none.
pub(super) fn checks(status: &Status, inhibiting: Option<&Inhibiting>) -> Vec<Check> {
    let vmgenid = ["/sys/bus/platform/drivers/vmgenid", "/sys/bus/acpi/drivers/vmgenid"].map(Path::new);
    let logind = Path::new("/run/systemd/seats").exists();
    let marks = status.marks().into_iter().map(|why| {
        let remedy = "find out why; if this machine may be a copy, `selfsame end` begins another lineage";
        check("lineage", State::Warn, why, remedy)
    });
    let clone = [vmclock(Path::new("/dev")), generation_id(&vmgenid, KernelVersion::current().ok())];
    marks.chain(clone).chain([sleep(inhibiting, logind), age(&Clock::system())]).collect()
}

fn vmclock(devices: &Path) -> Check {
    let state = |state, finding: String, remedy| check("vmclock", state, finding, remedy);
    match VmClock::find(devices) {
        None => state(State::Info, "this machine has none".to_owned(), ""),
        Some(Err(why)) => {
            let remedy = "install the package's udev rule, which lets everybody read it";
            state(State::Warn, why.to_string(), remedy)
        }
        Some(Ok(mut clock)) => {
            let shown = clock.path().display().to_string();
            match clock.read() {
                None => state(State::Warn, format!("{shown} is being written to for long"), "look again"),
                Some(read) if read.counter.is_some() => {
                    let finding = format!("{shown} counts generations, and is looked at before every moment");
                    state(State::Ok, finding, "")
                }
                Some(_) => state(State::Info, format!("{shown} counts no generations, only disruptions"), ""),
            }
        }
    }
}

fn generation_id(drivers: &[&Path], kernel: Option<KernelVersion>) -> Check {
    let is_bound = |driver: &&Path| {
        let mut entries = fs::read_dir(driver).into_iter().flatten().filter_map(Result::ok);
        // a device's name has its number behind a colon
        entries.any(|entry| entry.file_name().to_string_lossy().contains(':'))
    };
    let finding = match (drivers.iter().any(is_bound), kernel) {
        (false, _) => "this machine has none, or the kernel no driver for it",
        (true, Some(kernel)) if kernel < TELLS_FROM => {
            "this machine has one, but this kernel tells nobody when it changes (Linux 6.9 does): only a fork at a \
             relying party shows a copy"
        }
        (true, _) => "this machine has one, and the kernel tells when it changes",
    };
    check("vm generation id", State::Info, finding, "")
}

fn sleep(inhibiting: Option<&Inhibiting>, has_logind: bool) -> Check {
    let (state, finding) = match inhibiting.map(Inhibiting::is_held) {
        Some(true) => (State::Ok, "logind waits for a last moment before a sleep"),
        Some(false) => (State::Info, "no logind that waits for a last moment before a sleep"),
        None if has_logind => (State::Info, "there is logind: a running agent has it wait before a sleep"),
        None => (State::Info, "no logind: there is no last moment before a sleep"),
    };
    check("sleep", state, finding, "")
}

fn age(clock: &Clock) -> Check {
    let slept_s = clock.slept_nanos() / 1_000_000_000;
    let finding =
        format!("it counts sleep: {slept_s} s of it since the boot; where it goes back, the lineage ends");
    check("age clock", State::Info, finding, "")
}

/// The first kernel that is known to. Source: Linux, drivers/virt/vmgenid.c.
const TELLS_FROM: KernelVersion = KernelVersion { major: 6, minor: 9, patch: 0 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_id_is_told_apart_from_one_that_nobody_hears_of() {
        let directory = tempfile::tempdir().unwrap();
        let kernel = |minor| Some(KernelVersion { major: 6, minor, patch: 0 });
        let found = |kernel| generation_id(&[directory.path()], kernel).finding;
        fs::write(directory.path().join("bind"), "").unwrap();
        assert!(found(kernel(18)).contains("has none"));
        fs::write(directory.path().join("VMGENCTR:00"), "").unwrap();
        assert!(found(kernel(18)).ends_with("the kernel tells when it changes"));
        assert!(found(kernel(1)).contains("this kernel tells nobody"));
    }

    #[test]
    fn a_vmclock_that_can_not_be_read_is_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(vmclock(directory.path()).state, "info");
        fs::write(directory.path().join("vmclock0"), [0; 4096]).unwrap();
        let check = vmclock(directory.path());
        assert_eq!(check.state, "warn");
        assert!(check.finding.contains("vmclock0: not VMClock") && check.remedy.contains("udev rule"));
    }

    #[test]
    fn what_a_running_agent_has_is_told_apart_from_what_one_would_have() {
        let inhibiting = Inhibiting::default();
        let findings =
            [sleep(Some(&inhibiting), true).finding, sleep(None, true).finding, sleep(None, false).finding];
        assert!(findings.iter().all(|finding| finding.contains("logind")));
        assert_eq!(std::collections::BTreeSet::from(findings).len(), 3);
    }
}
