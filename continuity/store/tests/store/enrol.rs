//! Enrolling by a proof from the genesis.

use selfsame::{Policy, Reason, Refusal, VerifyRefusal, Wanted};
use selfsame_store::{ChallengeOptions, EnrolOptions, PeerSummary, StoreError};

use super::dump::{dump, refused, refused_and_counted, table};
use super::host::{AUDIENCE, Host, Party, SECOND, now, succeeds, wrong};

fn plain() -> EnrolOptions {
    EnrolOptions::default()
}

#[test]
fn the_first_who_answers_is_enrolled() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let enrolment = party.enrol("web", &mut host, 10);
    let verdict = &enrolment.verdict;
    assert_eq!((verdict.lineage, verdict.index, verdict.gap), (host.id(), 11, 11));
    assert!(verdict.first_meeting && verdict.moved && verdict.known.is_none());
    assert_eq!((enrolment.reason, enrolment.predecessor), (Reason::Install, None));
    assert_eq!((enrolment.succeeds, enrolment.tpm_resets, enrolment.silent_ms), (None, None, None));
    let summary =
        PeerSummary { name: "web".into(), lineage: host.id(), index: 11, met_wall_ms: now(12).wall_ms };
    assert_eq!(party.store.peers().expect("readable"), [summary]);
    party.meet_again("web", &mut host, 20);
}

#[test]
fn of_two_that_answer_the_first_is_enrolled() {
    let (mut party, mut host, mut other) = (Party::new(), Host::born(1), Host::born(2));
    let challenges = [party.challenge("web", 10), party.challenge("web", 10)];
    let proofs = [host.prove(&challenges[0], 11), other.prove(&challenges[1], 11)];
    party.store.enrol("web", &proofs[0], &now(12), &plain()).expect("it is enrolled");
    // its challenge died with the meeting
    let error = refused(&mut party, |store| store.enrol("web", &proofs[1], &now(13), &succeeds()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
}

#[test]
fn a_challenge_is_used_once() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let challenge = party.challenge("web", 10);
    let proof = host.prove(&challenge, 11);
    party.store.enrol("web", &proof, &now(12), &plain()).expect("it is enrolled");
    party.store.forget("web").expect("it is known");
    let error = refused(&mut party, |store| store.enrol("web", &proof, &now(13), &plain()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
}

#[test]
fn a_challenge_is_one_names() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let challenge = party.challenge("web", 10);
    let proof = host.prove(&challenge, 11);
    let error = refused(&mut party, |store| store.enrol("db", &proof, &now(12), &plain()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
}

#[test]
fn another_lineage_than_was_expected_is_refused_and_the_eighth_uses_the_challenge_up() {
    let (mut party, mut host, mut other) = (Party::new(), Host::born(1), Host::born(2));
    let options = ChallengeOptions { lineage: Some(host.id()), ..ChallengeOptions::default() };
    let challenge = party.try_challenge("web", 10, &options).expect("a challenge is issued");
    // a thief takes the lineage out of a challenge for whoever comes: the digest is another
    let proof = edited_lineage(&host.prove(&challenge, 11), &host, &other);
    for _ in 0..7 {
        let error = refused_and_counted(&mut party, |store| store.enrol("web", &proof, &now(12), &plain()));
        let is_lineage = matches!(
            &error,
            StoreError::Refused(Refusal::Verify(VerifyRefusal::OtherLineage { expected, found }))
                if *expected == host.id() && *found == other.id()
        );
        assert!(is_lineage, "{error}");
    }
    party.store.enrol("web", &proof, &now(12), &plain()).expect_err("the eighth");
    assert!(table(&party.file.path, "challenge").is_empty());
    let proof = host.prove(&challenge, 13);
    let error = refused(&mut party, |store| store.enrol("web", &proof, &now(14), &plain()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
    let challenge = party.challenge("web", 20);
    let proof = other.prove(&challenge, 21);
    party.store.enrol("web", &proof, &now(22), &plain()).expect("whoever comes");
}

/// A proof that says it is of another lineage.
fn edited_lineage(proof: &[u8], from: &Host, to: &Host) -> Vec<u8> {
    let mut proof = proof.to_vec();
    let place = proof.windows(32).position(|bytes| bytes == from.id().as_bytes()).expect("it is in there");
    proof.splice(place..place + 32, *to.id().as_bytes());
    proof
}

#[test]
fn a_refused_proof_does_not_use_its_challenge_up() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let challenge = party.challenge("web", 10);
    let proof = host.prove_as(&challenge, 11, 1000);
    let wanted = |uid| EnrolOptions {
        policy: Policy { wanted: Wanted { uid: Some(uid), ..Wanted::default() }, ..Policy::default() },
        ..plain()
    };
    let error = refused_and_counted(&mut party, |store| store.enrol("web", &proof, &now(12), &wanted(0)));
    let is_subject = matches!(
        &error,
        StoreError::Refused(Refusal::Verify(VerifyRefusal::WrongSubject { field: "uid", .. }))
    );
    assert!(is_subject, "{error}");
    party.store.enrol("web", &proof, &now(13), &wanted(1000)).expect("it is enrolled");
}

#[test]
fn a_late_answer_is_refused() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let challenge = party.challenge("web", 10);
    let proof = host.prove(&challenge, 11);
    let late = now(11 + 60 * SECOND);
    let error = refused(&mut party, |store| store.enrol("web", &proof, &late, &plain()));
    assert!(matches!(error, StoreError::Refused(Refusal::Expired)), "{error}");
    party.store.enrol("web", &proof, &now(10 + 60 * SECOND), &plain()).expect("at the very end");
}

#[test]
fn garbage_is_malformed() {
    let mut party = Party::new();
    let error = refused(&mut party, |store| store.enrol("web", b"garbage", &now(10), &plain()));
    let is_malformed = matches!(&error, StoreError::Refused(Refusal::Verify(VerifyRefusal::Malformed(_))));
    assert!(is_malformed, "{error}");
}

#[test]
fn a_lineage_is_one_peers() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("db", 20);
    let proof = host.prove(&challenge, 21);
    for options in [plain(), succeeds()] {
        let error = refused(&mut party, |store| store.enrol("db", &proof, &now(22), &options));
        assert!(
            matches!(&error, StoreError::PeerExists { peer, lineage } if peer == "web" && *lineage == host.id()),
            "{error}"
        );
    }
}

#[test]
fn a_peer_is_not_enrolled_by_a_challenge_for_its_anchor() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 20);
    let proof = host.prove(&challenge, 21);
    let other = edited_lineage(&proof, &host, &Host::born(2));
    for proof in [&proof, &other] {
        let error = refused(&mut party, |store| store.enrol("web", proof, &now(22), &succeeds()));
        assert!(matches!(&error, StoreError::PeerExists { peer, .. } if peer == "web"), "{error}");
    }
    party.store.verify("web", &proof, &now(23), &Policy::default()).expect("it is for verify");
}

#[test]
fn an_old_copy_does_not_reset_an_anchor() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge_anew("web", 20);
    let proof = host.prove(&challenge, 21);
    for options in [plain(), succeeds(), EnrolOptions { dry_run: true, ..succeeds() }] {
        let error = refused(&mut party, |store| store.enrol("web", &proof, &now(22), &options));
        assert!(matches!(&error, StoreError::PeerExists { peer, .. } if peer == "web"), "{error}");
    }
}

#[test]
fn a_new_lineage_succeeds_only_where_that_is_asked_for() {
    let (mut party, mut host) = (Party::new(), Host::with_tpm(1, 40));
    party.enrol("web", &mut host, 10);
    party.meet_again("web", &mut host, 20);
    let mut successor = Host::after(2, &host, Some(43));
    let at = 1000 * SECOND;
    let (ordinary, challenge) = (party.challenge("web", at), party.challenge_anew("web", at));
    let proof = successor.prove(&challenge, at + 1);
    for options in [plain(), EnrolOptions { dry_run: true, ..plain() }] {
        let error = refused(&mut party, |store| store.enrol("web", &proof, &now(at + 2), &options));
        let is_succession = matches!(
            &error,
            StoreError::Succession { own, found, predecessor, reason: Reason::Boot }
                if (*own, *found, *predecessor) == (host.id(), successor.id(), Some(host.id()))
        );
        assert!(is_succession, "{error}");
    }
    let before = dump(&party.file.path);
    let dry = EnrolOptions { dry_run: true, ..succeeds() };
    let found = party.store.enrol("web", &proof, &now(at + 2), &dry).expect("it may succeed");
    assert_eq!(dump(&party.file.path), before, "a dry run changes nothing");
    let enrolment = party.store.enrol("web", &proof, &now(at + 2), &succeeds()).expect("it succeeds");
    assert_eq!(enrolment, found, "a dry run finds the same");
    assert_eq!(enrolment.succeeds, Some(host.id()));
    assert_eq!(enrolment.predecessor.map(|before| before.lineage), Some(host.id()));
    assert_eq!(enrolment.reason, Reason::Boot);
    assert_eq!(enrolment.tpm_resets, Some(3));
    assert_eq!(enrolment.silent_ms, Some(now(at + 2).wall_ms - now(22).wall_ms));

    let [summary] = &party.store.peers().expect("readable")[..] else { panic!("one peer") };
    assert_eq!((&*summary.name, summary.lineage, summary.index), ("web", successor.id(), at + 1));
    // nothing of the old lineage is left, but that it was
    assert_eq!(table(&party.file.path, "past").len(), 1);
    assert!(table(&party.file.path, "challenge").is_empty());
    let old = host.prove(&ordinary, at + 3);
    let error = refused(&mut party, |store| store.verify("web", &old, &now(at + 4), &Policy::default()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
    party.meet_again("web", &mut successor, at + 10);
}

#[test]
fn the_succession_of_a_tpm_that_counts_less_says_nothing() {
    let (mut party, mut host) = (Party::new(), Host::with_tpm(1, 40));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge_anew("web", 20);
    let proof = Host::after(2, &host, Some(39)).prove(&challenge, 21);
    let enrolment = party.store.enrol("web", &proof, &now(22), &succeeds()).expect("it succeeds");
    assert_eq!(enrolment.tpm_resets, None);
}

#[test]
fn the_last_that_the_predecessor_said_of_its_tpm_counts() {
    let (mut party, mut host) = (Party::new(), Host::with_tpm(1, 40));
    party.enrol("web", &mut host, 10);
    host.tpm.reset_count = Some(50);
    let overtaken = party.challenge("web", 20);
    let late = host.prove(&overtaken, 21);
    host.tpm.reset_count = Some(60);
    party.meet_again("web", &mut host, 30);
    host.tpm.reset_count = None;
    party.meet_again("web", &mut host, 40);
    // an older word, and none at all, do not count
    party.store.verify("web", &late, &now(50), &Policy::default()).expect("it is verified");
    let challenge = party.challenge_anew("web", 60);
    let proof = Host::after(2, &host, Some(61)).prove(&challenge, 61);
    let enrolment = party.store.enrol("web", &proof, &now(62), &succeeds()).expect("it succeeds");
    assert_eq!(enrolment.tpm_resets, Some(1));
}

#[test]
fn an_introduction_says_of_the_tpm_too() {
    let (mut party, mut host) = (Party::new(), Host::with_tpm(1, 40));
    host.tpm.reset_count = Some(41);
    host.beat(5);
    party.store.meet("web", &host.introduce(), &now(10), false).expect("it is new");
    let challenge = party.challenge_anew("web", 20);
    let proof = Host::after(2, &host, Some(44)).prove(&challenge, 21);
    let enrolment = party.store.enrol("web", &proof, &now(22), &succeeds()).expect("it succeeds");
    assert_eq!(enrolment.tpm_resets, Some(3));
}

#[test]
fn a_lineage_that_was_succeeded_is_refused_from_then_on() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    for (seed, at) in [(2, 20), (3, 30)] {
        let challenge = party.challenge_anew("web", at);
        let proof = Host::after(seed, &host, None).prove(&challenge, at + 1);
        party.store.enrol("web", &proof, &now(at + 2), &succeeds()).expect("it succeeds");
    }
    // also the older of two
    let (again, elsewhere) = (party.challenge_anew("web", 40), party.challenge("db", 40));
    for (name, challenge, index) in [("web", again, 41), ("db", elsewhere, 42)] {
        let proof = host.prove(&challenge, index);
        for options in [plain(), succeeds()] {
            let error = refused(&mut party, |store| store.enrol(name, &proof, &now(43), &options));
            assert!(
                matches!(&error, StoreError::PastLineage { lineage, peer } if *lineage == host.id() && peer == "web"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_successor_is_no_other_peers_lineage() {
    let (mut party, mut host, mut other) = (Party::new(), Host::born(1), Host::born(2));
    party.enrol("web", &mut host, 10);
    party.enrol("db", &mut other, 20);
    let challenge = party.challenge_anew("web", 30);
    let proof = other.prove(&challenge, 31);
    let error = refused(&mut party, |store| store.enrol("web", &proof, &now(32), &succeeds()));
    assert!(matches!(&error, StoreError::PeerExists { peer, .. } if peer == "db"), "{error}");
}

#[test]
fn a_wrong_proof_of_a_successor_is_refused_before_anyone_is_asked() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge_anew("web", 20);
    let mut successor = Host::after(2, &host, None);
    let good = successor.prove(&challenge, 21);
    let wrong = wrong(&good);
    for options in [plain(), succeeds()] {
        let error = refused_and_counted(&mut party, |store| store.enrol("web", &wrong, &now(22), &options));
        let is_hop = matches!(&error, StoreError::Refused(Refusal::Verify(VerifyRefusal::Hop { .. })));
        assert!(is_hop, "{error}");
    }
    let dry = EnrolOptions { dry_run: true, ..succeeds() };
    refused(&mut party, |store| store.enrol("web", &wrong, &now(22), &dry));
    party.store.enrol("web", &good, &now(22), &succeeds()).expect("it succeeds");
}

#[test]
fn a_dry_run_of_a_first_meeting_uses_nothing_up() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let challenge = party.challenge("web", 10);
    let proof = host.prove(&challenge, 11);
    let before = dump(&party.file.path);
    let dry = EnrolOptions { dry_run: true, ..plain() };
    let found = party.store.enrol("web", &proof, &now(12), &dry).expect("it may be enrolled");
    assert_eq!(dump(&party.file.path), before);
    assert_eq!(party.store.enrol("web", &proof, &now(12), &plain()).expect("it is enrolled"), found);
}

#[test]
fn a_relying_partys_name_is_in_the_statement() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let options = ChallengeOptions::default();
    let challenge = party.store.challenge("web", AUDIENCE, &[9; 32], &now(10), &options);
    let proof = host.prove(&challenge.expect("a challenge is issued"), 11);
    let enrolment = party.store.enrol("web", &proof, &now(12), &plain()).expect("it is enrolled");
    assert_eq!(enrolment.verdict.statement.audience(), AUDIENCE);
}
