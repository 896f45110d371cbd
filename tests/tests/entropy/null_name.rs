//! The TPM's null primary is held against the Name that the kernel shows of its own: an interposer's key has another.
//!
//! The TPM is a simulator behind a terminal that stands for /dev/tpmrm0, and sysfs is the test's.

use selfsame_dbus::Check;
use selfsame_tpm_sim::{Device, Simulator, Tap};

use crate::{
    history::{genesis, sources},
    host::Setting,
    machine::Machine,
    relying::Relying,
    wire::name,
};

/// A TPM, and a machine that has it.
struct Scene {
    machine: Machine,
    tap: Tap,
    _device: Device,
    _tpm: Simulator,
}

impl Scene {
    fn new() -> Self {
        let tpm = Simulator::start().unwrap();
        let tap = Tap::start(&tpm).unwrap();
        let device = Device::start(tap.tcti()).unwrap();
        let machine = Machine::with_generator("none").with_tpm(device.path());
        Self { machine, _device: device, tap, _tpm: tpm }
    }

    fn setting(&self, require: &str) -> Setting {
        let setting = Setting::new(&format!("sources = [\"tpm\"]\nrequire = [{require}]\n"));
        setting.tpm("device:/dev/tpmrm0").on(&self.machine)
    }

    /// The Name of the TPM's null primary, from what passed on the wire when it was made.
    async fn null_name(&self) -> String {
        let checks = self.setting("").diagnose().await;
        let primary = of(&checks, "tpm null primary");
        assert!(primary.finding.contains("the kernel shows no null_name"), "{primary:?}");
        for exchange in self.tap.take() {
            if let Some(name) = name(&exchange).await {
                return name;
            }
        }
        panic!("no null primary was made: {checks:?}");
    }
}

fn of<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.check == name).unwrap_or_else(|| panic!("no {name} in {checks:?}"))
}

#[tokio::test]
async fn the_kernels_own_name_is_recognised() {
    let scene = Scene::new();
    scene.machine.show_null_name(&scene.null_name().await);
    let host = scene.setting("\"tpm\"").start().await;
    assert!(sources(genesis(&host).await.evidence().fields()).contains(&"tpm".to_owned()));
    host.wait_until_steady().await;
    let checks = host.identity.diagnose().await.unwrap();
    let primary = of(&checks, "tpm null primary");
    assert!(primary.finding.contains("the kernel's own (null_name)"), "{primary:?}");
    let tpm = of(&checks, "tpm");
    assert!(tpm.state == "ok" && tpm.finding.contains("the kernel's resource manager"), "{tpm:?}");
}

#[tokio::test]
async fn another_name_by_a_bit_is_an_interposers_and_the_agent_goes_on_without_that_tpm() {
    let scene = Scene::new();
    let name = scene.null_name().await;
    let last = u8::from_str_radix(&name[name.len() - 1..], 16).unwrap() ^ 1;
    let other = format!("{}{last:x}", &name[..name.len() - 1]);
    scene.machine.show_null_name(&other);
    let host = scene.setting("").start().await;
    host.agent.logged(&other).await;
    let log = host.agent.stderr();
    assert!(log.contains("null_name") && log.contains(&name), "{log}");
    assert_eq!((host.is_healthy("tpm").await, host.condition().await.as_str()), (Some(false), "degraded"));
    let checks = host.identity.diagnose().await.unwrap();
    let tpm = of(&checks, "source tpm");
    assert!(tpm.state == "fail" && tpm.finding.contains("null_name"), "{tpm:?}");
    Relying::that_met(&host).await.verify(&host).await;
    assert!(!sources(genesis(&host).await.evidence().fields()).contains(&"tpm".to_owned()));

    // the stand-in for the device takes one client at a time
    drop(host);
    let exit = scene.setting("\"tpm\"").refused().await;
    assert_eq!(exit.status.code(), Some(78), "{}", exit.stderr);
    assert!(exit.stderr.contains("null_name"), "{}", exit.stderr);
}
