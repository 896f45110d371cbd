//! A reboot, as an administrator goes through it: by what the command says at each step.

use std::{fs, path::Path};

use selfsame_tests::{Agent, AgentOptions, Host, PrivateBus};
use selfsame_tpm_sim::Simulator;
use serde_json::{Value, json};

use super::command::{Sides, line};

/// Lets what the agent left be that of another boot.
fn reboot(state: &Path) {
    let file = state.join("last-head.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(record["version"], 2);
    assert!(record["tpm_clock"]["clock_ms"].is_u64(), "the TPM's clock is kept: {record}");
    record["boot_id"] = json!("another boot");
    fs::write(&file, record.to_string()).unwrap();
}

#[tokio::test]
async fn after_a_reboot_what_the_command_says_leads_to_a_successor() {
    let (mut tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
    let state = tempfile::tempdir().unwrap();
    let options = |tpm: &Simulator| AgentOptions {
        state_dir: Some(state.path().to_owned()),
        ..Host::options(&bus, tpm)
    };
    let agent = Agent::start(options(&tpm)).await.unwrap();
    let sides = Sides::on(&bus);
    let old = line(sides.host(&["id"]).await);
    let (_, proof) = sides.exchange("web1").await;
    assert_eq!(sides.door(&["enrol", "web1", &proof]).await.code(), Some(0));
    let (_, proof) = sides.exchange("web1").await;
    assert_eq!(sides.door(&["verify", "web1", &proof]).await.code(), Some(0));
    let introduction = line(sides.host(&["introduce"]).await);

    let ended = agent.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    reboot(state.path());
    tpm.restart().unwrap();
    let _agent = Agent::start(options(&tpm)).await.unwrap();
    let new = line(sides.host(&["id"]).await);
    assert_ne!(new, old);
    let status = sides.host(&["status", "--json"]).await.json();
    let text = format!("follows {old}: the host was started anew (boot)");
    assert_eq!(status["origin"], json!({"reason": "boot", "predecessor": old, "text": text}));

    // the old challenge is refused at the host, which says what to run
    let challenge = line(sides.door(&["challenge", "web1", "--audience", "door"]).await);
    let refused = sides.host(&["prove", "--audience", "door", &challenge]).await;
    assert_eq!(refused.code(), Some(4), "{refused:?}");
    assert!(refused.stderr.contains("challenge PEER --audience NAME --anew`"), "{}", refused.stderr);
    assert!(refused.stderr.contains("enrol PEER PROOF --succeeds`"), "{}", refused.stderr);

    let challenge = line(sides.door(&["challenge", "web1", "--audience", "door", "--anew"]).await);
    let proof = line(sides.host(&["prove", "--audience", "door", &challenge]).await);
    let unasked = sides.door(&["enrol", "web1", &proof]).await;
    assert_eq!(unasked.code(), Some(1), "{unasked:?}");
    assert!(unasked.stderr.contains("enrol web1 PROOF --succeeds`"), "{}", unasked.stderr);
    let nobody = sides.door(&["enrol", "web1", &proof, "--succeeds"]).await;
    assert_eq!(nobody.code(), Some(1), "{nobody:?}");
    assert!(nobody.stderr.contains("--succeeds --yes`"), "{}", nobody.stderr);
    assert!(nobody.stdout.contains(&text), "{}", nobody.stdout);

    let enrolled = sides.door(&["--json", "enrol", "web1", &proof, "--succeeds", "--yes"]).await;
    assert_eq!(enrolled.code(), Some(0), "{enrolled:?}");
    let found = enrolled.json();
    println!("{found}");
    assert_eq!((&found["succeeds"], &found["predecessor"]), (&json!(old), &json!(old)), "{found}");
    assert_eq!((&found["lineage"], &found["reason"]), (&json!(new), &json!("boot")), "{found}");
    // it was told to end after it had answered
    let claim = found["claim"].as_str().unwrap();
    assert!(["known", "ahead"].contains(&claim), "{found}");
    assert_eq!(found["tpm_resets"], 1, "{found}");
    // swtpm, torn out and started again, may lack what it had not noted
    let clock = found["tpm_clock"].as_str().unwrap();
    assert!(["on", "unsafe"].contains(&clock), "{found}");

    let (_, proof) = sides.exchange("web1").await;
    let verified = sides.door(&["--json", "verify", "web1", &proof]).await;
    assert_eq!(verified.code(), Some(0), "{verified:?}");
    assert_eq!(verified.json()["lineage"], new);
    let back = sides.door(&["meet", "db", &introduction]).await;
    assert_eq!(back.code(), Some(1), "{back:?}");
    assert!(back.stderr.contains("until another succeeded it"), "{}", back.stderr);
}
