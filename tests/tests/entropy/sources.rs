//! Which sources there are, and which of them a moment says were mixed in.

use std::{
    fs::{self, File},
    io::Read,
};

use selfsame_tpm_sim::Simulator;

use crate::{
    history::{History, genesis, sources},
    host::{Host, Setting, has_rdseed},
};

/// The kernel's generator as a source, where this machine has one that is none of a TPM's: name, class, and whether it
/// gives anything.
fn generator() -> Option<(String, String, bool)> {
    let name = fs::read_to_string("/sys/class/misc/hw_random/rng_current").ok()?;
    let name = name.trim_end();
    if name == "none" || name.starts_with("tpm-rng") || !fs::exists("/dev/hwrng").unwrap() {
        return None;
    }
    let is_tee = ["optee-rng", "smccc_trng"].contains(&name) || name.starts_with("ccp-");
    let class = if is_tee { "tee" } else { "platform" };
    let gives = File::open("/dev/hwrng").and_then(|mut device| device.read_exact(&mut [0; 32])).is_ok();
    Some((format!("hwrng:{name}"), class.to_owned(), gives))
}

/// What there is on this machine, with a TPM, in the order of names.
fn expected() -> Vec<(String, String, bool)> {
    let named = |name: &str, class: &str| (name.to_owned(), class.to_owned(), true);
    let mut expected = vec![named("kernel", "kernel"), named("tpm", "tpm")];
    expected.extend(has_rdseed().then(|| named("rdseed", "cpu")));
    expected.extend(generator());
    expected.sort();
    expected
}

async fn sorted(host: &Host) -> Vec<(String, String, bool)> {
    let mut sources = host.sources().await;
    sources.sort();
    sources
}

#[tokio::test]
async fn by_default_all_that_this_machine_has_is_a_source_of_its_class() {
    let (tpm, expected) = (Simulator::start().unwrap(), expected());
    let host = Setting::new("").tpm(tpm.tcti()).start().await;
    host.wait_until(&format!("{expected:?}"), async || sorted(&host).await == expected).await;
    let all_good = expected.iter().all(|(.., healthy)| *healthy);
    if all_good {
        host.wait_until_steady().await;
    } else {
        assert_eq!(host.condition().await, "degraded");
    }
}

#[tokio::test]
async fn a_birth_lists_what_it_was_made_of_and_a_moment_what_came_since_the_one_before() {
    let tpm = Simulator::start().unwrap();
    let host = Setting::new("sources = [\"tpm\", \"rdseed\"]\nrequire = [\"tpm\"]\n").tpm(tpm.tcti());
    let host = host.start().await;
    let mut drawn = vec!["kernel", "tpm"];
    let mut later = vec!["behaviour", "kernel"];
    if has_rdseed() {
        drawn.insert(1, "rdseed");
        later.push("rdseed");
    }
    assert_eq!(sources(genesis(&host).await.evidence().fields()), drawn);

    // the TPM's turn comes after a minute
    let mut history = History::from_genesis(&host).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        let listed = sources(history.next(&host).await.evidence().fields());
        assert!(listed.iter().all(|source| later.contains(&source.as_str())), "{listed:?}");
        assert!(listed.contains(&"kernel".to_owned()), "each moment draws from it: {listed:?}");
        seen.extend(listed);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, later);
}
