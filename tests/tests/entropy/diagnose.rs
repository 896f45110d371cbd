//! `Diagnose` and `selfsame-agent diagnose`: what is there, what is missing, and what mends it.

use std::{fs, os::unix::fs::PermissionsExt};

use futures_util::{FutureExt, StreamExt};
use selfsame_dbus::Check;
use selfsame_tests::{Run, binary};
use selfsame_tpm_sim::Simulator;
use zbus::fdo::DBusProxy;

use crate::{
    host::Setting,
    machine::Machine,
    stream::Stream,
    wire::{NOTHING, loaded},
};

/// Names and states.
fn outlines(checks: &[Check]) -> Vec<(&str, &str)> {
    checks.iter().map(|check| (check.check.as_str(), check.state.as_str())).collect()
}

/// The check of this name.
fn of<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    let found = checks.iter().find(|check| check.check == name);
    found.unwrap_or_else(|| panic!("no check {name} in {:?}", outlines(checks)))
}

/// A check that failed, with `finding` in what was found and `remedy` in what mends it.
fn failed(checks: &[Check], name: &str, finding: &str, remedy: &str) {
    let check = of(checks, name);
    assert_eq!(check.state, "fail", "{check:?}");
    assert!(check.finding.contains(finding) && check.remedy.contains(remedy), "{check:?}");
}

#[tokio::test]
async fn the_agent_and_the_program_find_the_same() {
    let tpm = Simulator::start().unwrap();
    let (machine, _feed) = Machine::fed("optee-rng", Stream::good(1));
    let configuration = "sources = [\"tpm\", \"hwrng\", \"kernel\"]\nrequire = [\"tpm\", \"tee\"]\n";
    let setting = Setting::new(configuration).tpm(tpm.tcti()).on(&machine);
    let program = setting.diagnose().await;
    assert_eq!(loaded(&tpm), NOTHING, "it leaves nothing in the TPM");
    let host = setting.start().await;
    let agent = host.identity.diagnose().await.unwrap();
    assert_eq!(outlines(&agent), outlines(&program));

    for (name, state, part) in [
        ("configuration", "ok", "sound"),
        ("require", "ok", "is met"),
        ("source kernel", "ok", "class kernel"),
        ("tpm", "info", tpm.tcti()),
        ("tpm manufacturer", "info", "IBM"),
        ("tpm firmware", "info", "."),
        ("tpm null primary", "info", "not comparable"),
        ("source tpm", "ok", "class tpm"),
        ("source hwrng:optee-rng", "ok", "class tee"),
        ("speed tpm", "info", "ms a command"),
    ] {
        for checks in [&agent, &program] {
            let check = of(checks, name);
            assert!(check.state == state && check.finding.contains(part), "{check:?}");
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_mends_it() {
    let machine = Machine::with_generator("none");
    let configuration = "sources = [\"tpm\", \"hwrng:optee-rng\"]\n";
    let setting = Setting::new(configuration).tpm("device:/dev/tpmrm0").on(&machine);
    let checks = setting.diagnose().await;
    failed(&checks, "tpm", "/dev/tpmrm0 is not there", "enable the TPM in the firmware's settings");
    failed(&checks, "source tpm", "/dev/tpmrm0", "take \"tpm\" out of `sources`");
    failed(&checks, "source hwrng:optee-rng", "no hardware generator", "check that /dev/hwrng is there");
    failed(&checks, "require", "one class of tpm, tee, hsm, cpu", "set `require`");
}

#[tokio::test]
async fn what_a_user_may_not_use_is_named_with_who_may() {
    let (machine, _feed) = Machine::fed("virtio_rng.0", Stream::good(1));
    let device = machine.path("dev/tpmrm0");
    fs::write(&device, "").unwrap();
    fs::set_permissions(&device, fs::Permissions::from_mode(0o660)).unwrap();
    let as_nobody = async |arguments: &[&str]| {
        let run = machine.run_agent(Some("nobody")).args(arguments).arg("diagnose").run().await;
        assert_eq!(run.code(), Some(0), "{run:?}");
        serde_json::from_str::<Vec<Check>>(&run.stdout).unwrap()
    };
    let checks = as_nobody(&["--config", "/dev/null"]).await;
    failed(&checks, "tpm", "may not be used: mode 660, user 0, group 0", "usermod -aG tss _selfsame");
    failed(&checks, "source tpm", "Permission denied", "see the check `tpm`");
    let left_out = of(&checks, "source hwrng:virtio_rng.0");
    assert!(left_out.state == "warn" && left_out.remedy.contains("udev rule"), "{left_out:?}");
}

#[tokio::test]
async fn the_program_needs_no_bus_and_touches_none() {
    let setting = Setting::new("sources = [\"kernel\"]\nrequire = []\n");
    let dbus = DBusProxy::new(&setting.bus().connect().await).await.unwrap();
    // whoever connects gets a name
    let mut names = dbus.receive_name_owner_changed().await.unwrap();
    let run = Run::program(binary("selfsame-agent")).args(["--bus-address", setting.bus().address()]);
    let run = run.args(setting.arguments()).arg("diagnose").run().await;
    assert_eq!(run.code(), Some(0), "{run:?}");
    dbus.get_id().await.unwrap();
    assert!(names.next().now_or_never().is_none(), "it was on the bus");

    let without =
        Run::program(binary("selfsame-agent")).args(["--bus-address", "unix:path=/nonexistent/bus"]);
    let without = without.args(setting.arguments()).arg("diagnose").run().await;
    assert_eq!(without.json(), run.json());
    let checks: Vec<Check> = serde_json::from_str(&run.stdout).unwrap();
    assert!(checks.iter().all(|check| !check.finding.is_empty()), "{checks:?}");
}
