//! Alarms: code 6.

use super::host::{Host, SECOND, wall_ms};
use super::place::{Party, Place};
use super::run::{bytes, text};
use super::times::before;

both! {
    two_openings_of_one_pledge_are_a_fork,
    a_fork_has_its_check_in_json,
    two_histories_contradict_each_other_until_a_person_decides,
    an_opening_that_does_not_match_is_an_alarm,
    a_genesis_that_is_missing_is_an_alarm,
    a_host_that_no_longer_knows_what_was_accepted_is_unconfirmed_and_may_not_be_ahead,
}

/// A party that knows "web" by a moment at index 64, the host, and a copy of it.
pub fn copied(place: Place) -> (Party, Host, Host) {
    let (party, born) = (Party::new(place), wall_ms());
    let (mut host, mut copy) = (Host::born_at(1, born), Host::born_at(1, born));
    let challenge = party.challenge("web");
    let proof = host.prove(&challenge, 64);
    assert_eq!(copy.prove(&challenge, 64), proof, "two of one seed are copies of each other");
    party.run(&["enrol", "web", &proof]).yes();
    (party, host, copy)
}

fn two_openings_of_one_pledge_are_a_fork(place: Place) {
    let (party, mut host, mut copy) = copied(place);
    let challenges = [party.challenge("web"), party.challenge("web")];
    party.run(&["verify", "web", &copy.prove(&challenges[0], 74)]).yes();
    let proof = host.prove(&challenges[1], 74);
    let output = party.run(&["verify", "web", &proof]);
    let (what, next) = output.no(6);
    let expected = "check 7: a pledge was opened over two moments: this lineage was copied";
    assert_eq!(what, format!("proof refused: {expected}"));
    assert!(next.contains("never accepted again") && next.contains("forget web"), "{next}");
    assert!(next.contains(" forks web` shows the fork") && next.contains(" questions web`"), "{next}");

    // from then on nothing of that lineage is taken, also where the peer is forgotten
    let proof = copy.prove(&party.challenge("web"), 90);
    let (what, _) = party.refused_by(&["verify", "web", &proof], 6, "Forked", None::<u8>);
    assert_eq!(what, "proof refused: a fork of this lineage is known");
    party.run(&["forget", "web"]).yes();
    let (what, next) = party.refused(&["meet", "web", &host.introduce()], 6, "Forked");
    assert!(next.contains(" forks` shows the fork"), "{next}");
    assert_eq!(what, format!("a fork of lineage {} is known", host.id()));
    let proof = host.prove(&party.challenge("web"), 100);
    party.refused(&["enrol", "web", &proof], 6, "Forked");
}

fn a_fork_has_its_check_in_json(place: Place) {
    let (party, mut host, mut copy) = copied(place);
    let challenges = [party.challenge("web"), party.challenge("web")];
    party.run(&["verify", "web", &copy.prove(&challenges[0], 74)]).yes();
    let object = party.json(&["verify", "web", &host.prove(&challenges[1], 74)]);
    assert_eq!((&object["error"], &object["check"]), (&"Forked".into(), &7.into()), "{object}");
}

fn two_histories_contradict_each_other_until_a_person_decides(place: Place) {
    let (party, mut host, mut copy) = copied(place);
    let challenges = [party.challenge("web"), party.challenge("web")];
    // over a pledge of tier 0 to 65, and over one of tier 2 past it: no pledge is opened twice
    party.run(&["verify", "web", &copy.prove(&challenges[0], 65)]).yes();
    let proof = host.prove(&challenges[1], 80);
    let (what, next) = party.refused_by(&["verify", "web", &proof], 6, "Contradiction", 8);
    assert_eq!(
        what,
        "proof refused: check 8: it contradicts what is known at index 65: this lineage was copied"
    );
    assert!(next.contains("meet web INTRODUCTION --replace"), "{next}");
    assert!(next.contains(" questions web`") && next.contains(" confront web TEXT`"), "{next}");
    let introduction = host.introduce();
    party.run(&["meet", "web", &introduction, "--replace"]).yes();
    party.verify("web", &mut host, 90);
}

fn an_opening_that_does_not_match_is_an_alarm(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let proof = host.prove(&party.challenge("web"), 120);
    let mut wrong = bytes(&proof);
    // the first thousand bytes of a proof are nothing but its first hop's opening
    wrong[500] ^= 1;
    let (what, next) = party.refused_by(&["verify", "web", &text(&wrong)], 6, "NotContinuous", 3);
    assert_eq!(what, "proof refused: check 3: hop 1: the opening does not match the pledge of tier 2");
    assert!(next.starts_with("anyone's garbage fails this check, and so does a thief"), "{next}");
    assert!(next.contains(" questions web`") && next.contains(" confront web TEXT`"), "{next}");
    party.run(&["verify", "web", &proof]).yes();
}

fn a_genesis_that_is_missing_is_an_alarm(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    let mut proof = bytes(&host.prove(&party.challenge("web"), 100));
    // its last field: key 8, the head of a byte string of two bytes' length, the body
    let genesis = host.lineage.genesis().body();
    assert!(genesis.len() > 0xff && proof.ends_with(genesis));
    proof.truncate(proof.len() - genesis.len() - 4);
    assert_eq!(proof[0], 0xa7, "a map of seven");
    proof[0] = 0xa6;
    let (what, next) = party.refused_by(&["enrol", "web", &text(&proof)], 6, "NotContinuous", 4);
    assert!(!next.contains("questions"), "nothing is kept of who was never met: {next}");
    assert_eq!(what, "proof refused: check 4: the genesis is there if and only if the proof starts from it");
}

fn a_host_that_no_longer_knows_what_was_accepted_is_unconfirmed_and_may_not_be_ahead(place: Place) {
    let past = 1_000_000;
    let (party, mut host) = (Party::new(place), Host::born_at(1, wall_ms() - past));
    party.enrol_at("web", &mut host, 1, &before(past));
    let challenges = [party.challenge("web"), party.challenge("web")];
    // one more than it remembers (protocol section 4)
    for index in 2..2 + 16_384 {
        host.beat(index);
        host.lineage.introduce();
    }
    let proof = host.prove(&challenges[0], 1000 * SECOND);
    let file = format!("@{}", party.beside("proof", &proof));
    let output = party.run(&["enrol", "web", &file]);
    assert_eq!(output.code, 1, "a proof of a known peer is for verify: {output:?}");
    let object = party.json(&["verify", "web", &file]);
    assert_eq!((&object["confirmed"], &object["moved"]), (&false.into(), &true.into()), "{object}");

    let proof = host.prove(&challenges[1], 9000 * SECOND);
    let (what, next) = party.refused_by(&["verify", "web", &proof], 6, "Clock", 6);
    assert!(
        what.starts_with("proof refused: check 6: its clock is ahead of the time that passed, by 2 h "),
        "{what}"
    );
    assert!(what.ends_with(", after a lag or by a head that it does not know"), "{what}");
    assert!(next.contains(" questions web`") && next.contains(" confront web TEXT`"), "{next}");
    assert!(next.contains("--pass-time"), "{next}");
    let output = party.run(&["verify", "web", &proof, "--pass-time"]);
    assert!(output.yes().contains("unconfirmed"), "{output:?}");
}
