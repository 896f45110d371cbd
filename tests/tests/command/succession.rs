//! A host that was started anew: its new lineage succeeds the old one, where somebody says so.

use selfsame::{Challenge, Digest, Head, Origin, Predecessor, Reason, TpmClock};
use serde_json::{Value, json};

use super::alarms::copied;
use super::host::{AUDIENCE, Host};
use super::place::{Party, Place};
use super::run::{bytes, selfsame, text};

both! {
    a_challenge_anew_is_for_any_lineage_of_a_known_peer,
    a_new_lineage_succeeds_where_somebody_says_so_and_the_old_one_never_comes_back,
    what_there_is_to_decide_by_is_told_in_words,
    what_does_not_fit_is_told,
    a_copied_hosts_successor_is_an_alarm_to_look_at,
    a_wrong_proof_of_a_successor_is_refused_and_counted,
}

/// A host that says it follows another, after a boot.
pub fn after(seed: u8, before: &Host) -> Host {
    that_names(seed, before, Some(before.lineage.head()))
}

/// One that says it follows another from this moment on, or names nobody.
fn that_names(seed: u8, before: &Host, head: Option<Head>) -> Host {
    let predecessor = head.map(|head| Predecessor { lineage: *before.lineage.id(), head });
    Host::with_origin(seed, before.born_ms, Origin::new(Reason::Boot, predecessor))
}

fn tpm(reset_count: u64, clock_ms: u64) -> Option<TpmClock> {
    let (reset_count, clock_ms) = (Some(reset_count), Some(clock_ms));
    Some(TpmClock { reset_count, clock_ms, restart_count: Some(0), safe: Some(true) })
}

/// A party that knows "web", the host, and its next lineage, after a reset of the TPM.
fn rebooted(place: Place) -> (Party, Host, Host) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    host.tpm = tpm(40, 1_000_000);
    party.enrol("web", &mut host, 100);
    let mut successor = after(2, &host);
    successor.tpm = tpm(41, 1_090_000);
    (party, host, successor)
}

/// What is found of a successor, by a dry run.
fn look(party: &Party, successor: &mut Host, index: u64) -> Value {
    let proof = successor.prove(&party.challenge_anew("web"), index);
    party.json(&["enrol", "web", &proof, "--succeeds", "--dry-run"])
}

fn a_challenge_anew_is_for_any_lineage_of_a_known_peer(place: Place) {
    let (party, host, successor) = rebooted(place);
    let challenge = party.json(&["challenge", "web", "--audience", AUDIENCE, "--anew"]);
    assert_eq!(
        (&challenge["lineage"], &challenge["since"], &challenge["anew"]),
        (&json!(null), &json!(0), &json!(true))
    );
    let parsed = Challenge::parse(&bytes(challenge["challenge"].as_str().unwrap())).unwrap();
    assert_eq!((parsed.lineage(), parsed.start()), (None, 0));
    let challenge = party.json(&["challenge", "web", "--audience", AUDIENCE]);
    assert_eq!((&challenge["lineage"], &challenge["anew"]), (&json!(host.id()), &json!(false)));
    let one = ["challenge", "web", "--audience", AUDIENCE, "--anew", "--lineage", &successor.id()];
    assert_eq!(party.json(&one)["lineage"], successor.id());
    let (what, _) = party.refused(&["challenge", "db", "--audience", AUDIENCE, "--anew"], 1, "UnknownPeer");
    assert_eq!(what, "no peer \"db\" is known");
}

fn a_new_lineage_succeeds_where_somebody_says_so_and_the_old_one_never_comes_back(place: Place) {
    let (party, mut host, mut successor) = rebooted(place);
    let proof = successor.prove(&party.challenge_anew("web"), 100);
    let (what, next) = party.refused(&["enrol", "web", &proof], 1, "Succession");
    let expected = format!(
        "lineage {}, begun by `boot`, which says that it follows the peer's, where the peer is {}: it is not taken \
         as its successor unasked",
        successor.id(),
        host.id()
    );
    assert_eq!(what, expected);
    assert!(
        next.contains("a person decides") && next.contains("enrol web PROOF --succeeds` shows"),
        "{next}"
    );

    let before = std::fs::read(&party.file).unwrap();
    let found = party.json(&["enrol", "web", &proof, "--succeeds", "--dry-run"]);
    assert_eq!(std::fs::read(&party.file).unwrap(), before, "a dry run changes nothing");
    for (key, value) in [
        ("lineage", json!(successor.id())),
        ("succeeds", json!(host.id())),
        ("predecessor", json!(host.id())),
        ("reason", json!("boot")),
        ("claim", json!("known")),
        ("claim_ms", json!(0)),
        ("tpm_resets", json!(1)),
        ("tpm_clock", json!("on")),
        ("tpm_clock_ms", json!(90_000)),
        ("dry_run", json!(true)),
        ("forked", Value::Null),
    ] {
        assert_eq!(found[key], value, "{key}: {found}");
    }
    assert!(found["silent_ms"].as_u64().unwrap() < 60_000, "{found}");

    let mut done = party.json(&["enrol", "web", &proof, "--succeeds", "--yes"]);
    assert!(done["silent_ms"].as_u64() >= found["silent_ms"].as_u64(), "{done}");
    (done["silent_ms"], done["dry_run"]) = (found["silent_ms"].clone(), json!(true));
    assert_eq!(done, found, "what was found is what is told in the end");
    let verdict = party.verify("web", &mut successor, 120);
    assert_eq!(verdict["confirmed"], true);

    let (what, next) = party.refused(&["meet", "db", &host.introduce()], 1, "PeerExists");
    assert_eq!(what, format!("lineage {} was peer \"web\" until another succeeded it", host.id()));
    assert!(next.contains("an old copy"), "{next}");
    let proof = host.prove(&party.challenge_anew("web"), 140);
    party.refused(&["enrol", "web", &proof, "--succeeds", "--yes"], 1, "PeerExists");
}

fn what_there_is_to_decide_by_is_told_in_words(place: Place) {
    let (party, host, mut successor) = rebooted(place);
    let proof = successor.prove(&party.challenge_anew("web"), 100);
    let output = party.run(&["enrol", "web", &proof, "--succeeds", "--dry-run"]);
    let shown = output.yes();
    for row in [
        "verdict         web: would succeed the peer's lineage (nothing has changed)".to_owned(),
        format!("lineage         {}", successor.id()),
        format!("origin          follows {}: the host was started anew (boot)", host.id()),
        format!("peer's lineage  {}", host.id()),
        "its word        it names the very moment that was accepted last of the peer's".to_owned(),
        "TPM resets      one since it last said: as by one start of the host".to_owned(),
        "TPM clock       goes on, 1 min 30 s after it last said".to_owned(),
    ] {
        assert!(shown.lines().any(|line| line == row), "{row:?} is not in\n{shown}");
    }
    let silent = shown.lines().last().unwrap();
    assert!(silent.starts_with("silent for      ") && silent.ends_with(" since it was last met"), "{shown}");
    let output = party.run(&["enrol", "web", &proof, "--succeeds", "--yes"]);
    let first =
        format!("verdict         web: enrolled, in the place of {}, which is refused from now on", host.id());
    assert_eq!(output.yes().lines().next(), Some(&*first));
}

fn what_does_not_fit_is_told(place: Place) {
    let (party, mut host, mut other) = rebooted(place);
    let own = host.lineage.head();
    let false_one = Head { digest: Digest::new([7; 32]), ..own };
    let (later, earlier) = (Head { index: 100 + 4096, ..false_one }, Head { index: 99, ..false_one });
    for (seed, head, claim, ms) in [
        (3, Some(false_one), "false", json!(null)),
        (4, Some(later), "ahead", json!(1000)),
        (5, Some(earlier), "behind", json!(1)),
        (6, None, "nobody", json!(null)),
    ] {
        let found = look(&party, &mut that_names(seed, &host, head), 100);
        assert_eq!((&found["claim"], &found["claim_ms"]), (&json!(claim), &ms), "{found}");
        assert_eq!((&found["tpm_resets"], &found["tpm_clock"]), (&json!(null), &json!(null)), "{found}");
    }
    let mut stranger = after(7, &Host::born(8));
    stranger.tpm = tpm(39, 10);
    let found = look(&party, &mut stranger, 100);
    assert_eq!((&found["claim"], &found["tpm_clock"]), (&json!("other"), &json!("back")), "{found}");
    assert_eq!((&found["tpm_resets"], &found["tpm_clock_ms"]), (&json!(null), &json!(999_990)), "{found}");

    // its own lineage succeeds nothing: an old copy must not reset the anchor
    let proof = host.prove(&party.challenge_anew("web"), 120);
    let (what, _) = party.refused(&["enrol", "web", &proof, "--succeeds", "--yes"], 1, "PeerExists");
    assert_eq!(what, format!("peer \"web\" is known, as lineage {}", host.id()));
    // nor does one succeed who is not known
    let proof = other.prove(&party.challenge("db"), 100);
    let (what, next) = party.refused(&["enrol", "db", &proof, "--succeeds", "--yes"], 1, "UnknownPeer");
    assert_eq!(what, "no peer \"db\" is known: there is no lineage of it to succeed");
    assert!(next.contains(" peers`"), "{next}");
    assert_eq!(selfsame(["enrol", "web", &proof, "--yes"]).code, 2, "--yes to what?");
}

fn a_copied_hosts_successor_is_an_alarm_to_look_at(place: Place) {
    let (party, mut host, mut copy) = copied(place);
    let challenges = [party.challenge("web"), party.challenge("web")];
    party.run(&["verify", "web", &copy.prove(&challenges[0], 74)]).yes();
    assert_eq!(party.run(&["verify", "web", &host.prove(&challenges[1], 74)]).code, 6);
    let mut successor = after(2, &host);
    let proof = successor.prove(&party.challenge_anew("web"), 100);
    let output = party.run(&["enrol", "web", &proof, "--succeeds", "--dry-run"]);
    let alarm = format!(
        "ALARM           a fork of {} is known: that host was copied. The new lineage is not forked",
        host.id()
    );
    assert!(output.yes().lines().any(|line| line.starts_with(&alarm)), "{output:?}");
    let found = party.json(&["enrol", "web", &proof, "--succeeds", "--yes"]);
    assert_eq!((&found["forked"], &found["claim"]), (&json!(host.id()), &json!("false")), "{found}");
    party.verify("web", &mut successor, 120);
}

fn a_wrong_proof_of_a_successor_is_refused_and_counted(place: Place) {
    let (party, _, mut successor) = rebooted(place);
    let challenge = party.challenge_anew("web");
    let proof = successor.prove(&challenge, 100);
    let mut wrong = bytes(&proof);
    // in its first hop's opening
    wrong[500] ^= 1;
    let wrong = text(&wrong);
    // a look does not count
    for _ in 0..8 {
        assert_eq!(party.run(&["enrol", "web", &wrong, "--succeeds", "--dry-run"]).code, 6);
    }
    for _ in 0..8 {
        let output = party.run(&["enrol", "web", &wrong, "--succeeds", "--yes"]);
        assert!(output.no(6).0.starts_with("proof refused: check 3: "), "{output:?}");
    }
    let (what, _) = party.refused(&["enrol", "web", &proof, "--succeeds", "--yes"], 1, "UnknownChallenge");
    assert_eq!(what, "proof refused: it answers no challenge that is out", "the eighth used it up");
}
