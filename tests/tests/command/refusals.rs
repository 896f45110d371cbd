//! What is refused, and is no alarm: code 1, and Busy: code 4.

use selfsame_store::ChallengeOptions;

use super::host::{AUDIENCE, Host};
use super::place::{Party, Place};
use super::run::{bytes, text};
use super::times::before;

both! {
    who_is_unknown_is_not_verified_nor_forgotten,
    who_is_known_is_neither_met_nor_enrolled_again,
    an_anchor_is_replaced_only_by_a_newer_moment_of_its_lineage,
    a_proof_is_good_once_and_for_one_peer,
    a_late_proof_is_refused,
    another_lineage_than_was_asked_is_refused,
    a_statement_that_was_changed_is_refused,
    what_is_no_proof_is_a_refusal_and_what_is_no_text_is_usage,
    so_many_challenges_are_out_at_most,
    so_many_heads_are_unconfirmed_at_most,
    names_and_audiences_have_bounds,
}

fn who_is_unknown_is_not_verified_nor_forgotten(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    let proof = host.prove(&party.challenge("web"), 100);
    for arguments in [&["verify", "web", &proof][..], &["forget", "db"]] {
        let (what, next) = party.refused(arguments, 1, "UnknownPeer");
        assert_eq!(what, format!("no peer {:?} is known", arguments[1]));
        assert!(next.contains("enrol it by a proof"), "{next}");
    }
    let introduction = host.introduce();
    party.refused(&["meet", "web", &introduction, "--replace"], 1, "UnknownPeer");
}

fn who_is_known_is_neither_met_nor_enrolled_again(place: Place) {
    let (party, mut host, mut other) = (Party::new(place), Host::born(1), Host::born(2));
    party.enrol("web", &mut host, 100);
    let known = format!("peer \"web\" is known, as lineage {}", host.id());
    for introduction in [host.introduce(), other.introduce()] {
        let (what, next) = party.refused(&["meet", "web", &introduction], 1, "PeerExists");
        assert_eq!(what, known);
        assert!(next.contains("meet web INTRODUCTION --replace"), "{next}");
    }
    let (what, next) = party.refused(&["meet", "db", &host.introduce()], 1, "PeerExists");
    assert_eq!(what, known);
    assert!(next.contains("verify web PROOF"), "{next}");
    let proof = host.prove(&party.challenge("web"), 120);
    let (what, next) = party.refused(&["enrol", "web", &proof], 1, "PeerExists");
    assert_eq!(what, known);
    assert!(next.contains("verify web PROOF"), "{next}");
}

fn an_anchor_is_replaced_only_by_a_newer_moment_of_its_lineage(place: Place) {
    let (party, mut host, mut other) = (Party::new(place), Host::born(1), Host::born(2));
    party.enrol("web", &mut host, 100);
    let same = host.introduce();
    let (what, _) = party.refused(&["meet", "web", "--replace", &same], 1, "PeerExists");
    assert_eq!(what, "the introduction is of index 100, the anchor of 100: only a newer one replaces it");
    let others = other.introduce();
    let (what, next) = party.refused(&["meet", "web", "--replace", &others], 1, "OtherLineage");
    assert_eq!(what, format!("lineage {}, the peer is {}", other.id(), host.id()));
    assert!(
        next.contains("after a reboot") && next.contains("challenge web --audience NAME --anew"),
        "{next}"
    );
    let arguments = ["challenge", "web", "--audience", AUDIENCE, "--lineage", &other.id()];
    party.refused(&arguments, 1, "OtherLineage");
}

fn a_proof_is_good_once_and_for_one_peer(place: Place) {
    let (party, mut host, mut other) = (Party::new(place), Host::born(1), Host::born(2));
    party.enrol("web", &mut host, 100);
    party.enrol("db", &mut other, 100);
    let proof = host.prove(&party.challenge("web"), 120);
    let check = |peer| {
        let (what, next) = party.refused(&["verify", peer, &proof], 1, "UnknownChallenge");
        assert_eq!(what, "proof refused: it answers no challenge that is out");
        let command = format!("issue a new one: `{} challenge {peer} --audience NAME`", party.line());
        assert_eq!(next, command);
    };
    check("db");
    party.run(&["verify", "web", &proof]).yes();
    check("web");
}

fn a_late_proof_is_refused(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    let proof = host.prove(&party.challenge_at("web", &before(61_000), false), 100);
    let (what, _) = party.refused(&["enrol", "web", &proof], 1, "UnknownChallenge");
    assert_eq!(what, "proof refused: it answers a challenge that was issued more than 60 s ago");
}

fn another_lineage_than_was_asked_is_refused(place: Place) {
    let (party, mut host, other) = (Party::new(place), Host::born(1), Host::born(2));
    party.enrol("web", &mut host, 100);
    // an agent would answer OtherLineage: this one lies about which it is
    let mut proof = bytes(&host.prove(&party.challenge("web"), 120));
    let place = proof.windows(32).position(|bytes| bytes == host.lineage.id().as_bytes()).unwrap();
    proof[place..place + 32].copy_from_slice(other.lineage.id().as_bytes());
    let (what, next) = party.refused_by(&["verify", "web", &text(&proof)], 1, "OtherLineage", 2);
    assert_eq!(what, format!("proof refused: check 2: lineage {}, expected {}", other.id(), host.id()));
    assert!(
        next.contains("after a reboot") && next.contains("challenge web --audience NAME --anew"),
        "{next}"
    );
}

fn a_statement_that_was_changed_is_refused(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let mut proof = bytes(&host.prove(&party.challenge("web"), 120));
    let place = proof.windows(11).position(|bytes| bytes == b"web.service").unwrap();
    proof[place] = b'v';
    let (what, _) = party.refused_by(&["verify", "web", &text(&proof)], 1, "Malformed", 5);
    assert_eq!(what, "proof refused: check 5: the statement is not in the head moment");
}

fn what_is_no_proof_is_a_refusal_and_what_is_no_text_is_usage(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    for verb in ["verify", "enrol"] {
        let (what, _) = party.refused_by(&[verb, "web", "AAAA"], 1, "Malformed", 1);
        assert_eq!(what, "proof refused: check 1: malformed: proof: `proof` is not a map");
        let (what, next) = party.refused(&[verb, "web", "no proof"], 2, "InvalidArgument");
        assert_eq!(what, "the proof is malformed: white space at byte 2: it is one line");
        assert!(next.contains("`@FILE`"), "{next}");
    }
}

fn so_many_challenges_are_out_at_most(place: Place) {
    let party = Party::new(place);
    let mut store = party.store();
    for nonce in 0..256_u128 {
        let options = ChallengeOptions::default();
        store.challenge("web", AUDIENCE, &nonce.to_be_bytes(), &before(0), &options).unwrap();
    }
    let (what, next) = party.refused(&["challenge", "web", "--audience", AUDIENCE], 4, "Busy");
    assert_eq!(what, "256 challenges are out for this peer, that is the limit");
    assert!(next.starts_with("wait a minute"), "{next}");
}

fn so_many_heads_are_unconfirmed_at_most(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let challenges: Vec<String> = (0..65).map(|_| party.challenge("web")).collect();
    let proofs: Vec<String> =
        (110..).step_by(10).zip(&challenges).map(|(index, challenge)| host.prove(challenge, index)).collect();
    for proof in &proofs[..64] {
        party.run(&["verify", "web", proof]).yes();
    }
    let (what, next) = party.refused_by(&["verify", "web", &proofs[64]], 4, "Busy", 9);
    assert_eq!(what, "proof refused: 64 heads are unconfirmed: answer the challenges that name them first");
    assert!(next.contains("This challenge is still out"), "{next}");
    party.verify("web", &mut host, 1000);
    party.run(&["verify", "web", &proofs[64]]).yes();
}

fn names_and_audiences_have_bounds(place: Place) {
    let party = Party::new(place);
    let long = "a".repeat(256);
    for (peer, audience, what) in [
        ("web", "", "audience of 0 bytes: 1 to 255"),
        ("web", &long, "audience of 256 bytes: 1 to 255"),
        ("", AUDIENCE, "peer: a name of 0 bytes: 1 to 255 without control characters"),
        (
            "a\nb",
            AUDIENCE,
            "peer: a name of 3 bytes, with a control character: 1 to 255 without control characters",
        ),
    ] {
        let output = party.run(&["challenge", peer, "--audience", audience]);
        assert_eq!(output.no(2).0, what);
    }
}
