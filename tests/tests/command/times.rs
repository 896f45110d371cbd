//! Check 6, and how a verdict tells of time.

use selfsame::{Boot, Now};

use super::host::{Host, SECOND, wall_ms};
use super::place::{Party, Place};

both! {
    a_host_that_was_paused_is_stalled_unless_a_person_lets_it_pass,
    a_host_that_is_ahead_is_refused_unless_a_person_lets_it_pass,
    a_lag_that_is_allowed_is_told,
    after_a_reboot_of_the_verifier_wall_time_is_held_against_it,
    a_lineage_ahead_of_its_own_birth_is_for_policy_to_judge,
    a_verifier_whose_wall_time_was_set_back_can_not_judge,
}

const HOUR_MS: u64 = 3_600_000;

fn a_host_that_was_paused_is_stalled_unless_a_person_lets_it_pass(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born_at(1, wall_ms() - HOUR_MS));
    party.enrol_at("web", &mut host, 100, &before(HOUR_MS));
    let proof = host.prove(&party.challenge("web"), 200);
    let (what, next) = party.refused_by(&["verify", "web", &proof], 1, "Stalled", 6);
    // an hour, without a thousandth and the ten minutes that wall time is allowed
    let lags = ["49 min ", "50 min "].map(|lag| format!("proof refused: check 6: stalled: it lags by {lag}"));
    assert!(lags.iter().any(|lag| what.starts_with(lag)), "{what}");
    assert!(what.ends_with(" s, 1 min 0 s are allowed"), "{what}");
    assert!(next.contains("the host was paused") && next.contains("verify web PROOF --pass-time`"), "{next}");
    let verdict = party.json(&["verify", "web", &proof, "--pass-time"]);
    let stalled_ms = verdict["stalled_ms"].as_u64().unwrap();
    assert!((2_990_000..3_100_000).contains(&stalled_ms), "{verdict}");
    // the times start anew with it
    party.verify("web", &mut host, 220);
}

fn a_host_that_is_ahead_is_refused_unless_a_person_lets_it_pass(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let proof = host.prove(&party.challenge("web"), 7200 * SECOND);
    let (what, next) = party.refused_by(&["verify", "web", &proof], 1, "Clock", 6);
    assert!(
        what.starts_with("proof refused: check 6: its clock is ahead of the time that passed, by 1 h 59 min"),
        "{what}"
    );
    assert!(next.starts_with("compare the clocks of both hosts"), "{next}");
    party.run(&["verify", "web", &proof, "--pass-time"]).yes();
}

fn a_lag_that_is_allowed_is_told(place: Place) {
    let past = 700_000;
    let (party, mut host) = (Party::new(place), Host::born_at(1, wall_ms() - past));
    party.enrol_at("web", &mut host, 100, &before(past));
    let proof = host.prove(&party.challenge("web"), 50 * SECOND);
    // 700 s, without 50, a thousandth and ten minutes
    let output = party.run(&["verify", "web", &proof]);
    let stalled = output.yes().lines().find(|line| line.starts_with("stalled")).unwrap();
    assert!(stalled.starts_with("stalled    by 49.") || stalled.starts_with("stalled    by 5"), "{output:?}");
}

fn after_a_reboot_of_the_verifier_wall_time_is_held_against_it(place: Place) {
    let past = 20_000;
    let (party, mut host) = (Party::new(place), Host::born_at(1, wall_ms() - past));
    party.enrol_at("web", &mut host, 100, &before(past));
    let verdict = party.verify("web", &mut host, 21 * SECOND);
    assert_eq!((&verdict["time"], &verdict["by_wall"]), (&"checked".into(), &true.into()), "{verdict}");
}

fn a_lineage_ahead_of_its_own_birth_is_for_policy_to_judge(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    let proof = host.prove(&party.challenge("web"), 7200 * SECOND);
    let output = party.run(&["enrol", "web", &proof, "--dry-run"]);
    assert!(output.yes().contains("time       first: the lineage is ahead"), "{output:?}");
    assert_eq!(party.json(&["enrol", "web", &proof])["time"], "first");
}

fn a_verifier_whose_wall_time_was_set_back_can_not_judge(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol_at("web", &mut host, 100, &ahead(HOUR_MS));
    let verdict = party.verify("web", &mut host, 200);
    assert_eq!(verdict["time"], "unjudged", "{verdict}");
}

/// The verifier's clocks so many milliseconds ago, in another boot: they are compared by wall time.
pub fn before(ms: u64) -> Now {
    Now { boot: Boot([9; 16]), ticks: 1 << 30, wall_ms: wall_ms() - ms }
}

/// The same in the future.
pub fn ahead(ms: u64) -> Now {
    Now { boot: Boot([9; 16]), ticks: 1 << 30, wall_ms: wall_ms() + ms }
}
