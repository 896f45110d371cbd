//! `require`: what a birth waits for, what it does not wait for, and what it says where that is not there.

use std::time::Duration;

use selfsame_tpm_sim::{CommandCode, How, Simulator, Tap, When};

use crate::{
    changes::Changes,
    history::{History, genesis, sources},
    host::{Setting, has_rdseed},
    machine::Machine,
    stream::Stream,
};

/// Starts it, sees it give up with 78, and looks for `parts` in what it says.
async fn unmet(setting: Setting, parts: &[&str]) {
    let exit = setting.refused().await;
    assert_eq!(exit.status.code(), Some(78), "{}", exit.stderr);
    for part in parts {
        assert!(exit.stderr.contains(part), "{part} is not in {}", exit.stderr);
    }
}

#[tokio::test]
async fn no_hardware_at_all_is_refused_as_a_configuration() {
    let parts = ["agent.toml: `require`", "one class of tpm, tee, hsm, cpu", "add one, or set `require`"];
    unmet(Setting::new("sources = [\"kernel\"]\n"), &parts).await;
}

#[tokio::test]
async fn by_default_any_hardware_would_do_and_where_there_is_none_all_are_named() {
    let parts = [
        "`require` is not met",
        "one class of tpm, tee, hsm, cpu",
        "/nonexistent/tpm",
        "tpm-udev",
        "group tss",
        "set `require` to what this machine has",
    ];
    unmet(Setting::new("sources = [\"tpm\"]\n"), &parts).await;
}

#[tokio::test]
async fn a_tee_is_met_by_a_secure_world_and_not_by_a_hypervisor() {
    let (machine, _feed) = Machine::fed("optee-rng", Stream::good(1));
    let host = Setting::new("require = [\"tee\"]\n").on(&machine).start().await;
    let mixed = sources(genesis(&host).await.evidence().fields());
    assert!(mixed.contains(&"hwrng:optee-rng".to_owned()), "the birth waited for it: {mixed:?}");

    let (machine, _feed) = Machine::fed("virtio_rng.0", Stream::good(1));
    let parts = ["each class of tee", "none of them is configured on this machine", "take \"tee\" out"];
    unmet(Setting::new("require = [\"tee\"]\n").on(&machine), &parts).await;
    let parts = ["one class of tpm, tee, hsm, cpu"];
    unmet(Setting::new("sources = [\"hwrng\", \"kernel\"]\n").on(&machine), &parts).await;
}

#[tokio::test]
async fn an_hsm_that_is_not_there_is_said_to_be_missing() {
    let configuration =
        "sources = [\"pkcs11:token=gone?module-path=/nonexistent/hsm.so\"]\nrequire = [\"hsm\"]\n";
    let parts = ["each class of hsm", "pkcs11:gone", "/nonexistent/hsm.so", "take \"hsm\" out"];
    unmet(Setting::new(configuration), &parts).await;
}

#[tokio::test]
async fn a_birth_waits_for_a_slow_tpm_that_is_required() {
    let tpm = Simulator::start().unwrap();
    let tap = Tap::start(&tpm).unwrap();
    tap.disturb(When::Every, How::Delay(Duration::from_millis(100)));
    let host = Setting::new("require = [\"tpm\"]\n").tpm(tap.tcti()).start().await;
    let mixed = sources(genesis(&host).await.evidence().fields());
    assert!(mixed.contains(&"tpm".to_owned()), "{mixed:?}");
    let random = tap.take().into_iter().filter(|exchange| exchange.code() == CommandCode::GET_RANDOM).count();
    // 1,024 bytes, and a TPM gives no more at once than its longest digest: 64
    assert!(random >= 16, "its start-up test has passed: {random} commands");
}

#[tokio::test]
async fn a_birth_does_not_wait_for_a_tpm_where_something_else_is_enough() {
    let tpm = Simulator::start().unwrap();
    let tap = Tap::start(&tpm).unwrap();
    tap.disturb(When::Command(CommandCode::GET_RANDOM), How::Freeze);
    // where the processor has no RDSEED, a secure world is enough, too
    let (machine, _feed) = Machine::fed("optee-rng", Stream::good(1));
    let enough = if has_rdseed() { "rdseed" } else { "hwrng" };
    let host = Setting::new(&format!("sources = [\"tpm\", \"{enough}\"]\n")).on(&machine);
    let host = host.tpm(tap.tcti()).start().await;
    assert_eq!((host.condition().await.as_str(), host.is_healthy("tpm").await), ("warming", Some(false)));
    host.agent.logged("born before this source has answered").await;
    let mixed = sources(genesis(&host).await.evidence().fields());
    assert!(!mixed.contains(&"tpm".to_owned()), "{mixed:?}");

    let mut changes = Changes::of(&host).await;
    let mut history = History::from_now(&host).await;
    tap.calm();
    changes.condition("steady").await;
    assert_eq!(host.is_healthy("tpm").await, Some(true));
    history.next_with(&host, "tpm").await;
}
