//! Verifying proofs of known peers.

use selfsame::{Now, Policy, Refusal, VerifyRefusal, Wanted};
use selfsame_store::StoreError;

use super::dump::{dump, refused, refused_and_counted, table};
use super::host::{Host, Party, SECOND, now, wrong};

fn plain() -> Policy {
    Policy::default()
}

#[test]
fn only_a_peer_that_is_met_or_enrolled_is_verified() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let challenge = party.challenge("web", 10);
    let proof = host.prove(&challenge, 11);
    for name in ["web", "db"] {
        let error = refused(&mut party, |store| store.verify(name, &proof, &now(12), &plain()));
        assert!(matches!(&error, StoreError::UnknownPeer { peer } if peer == name), "{error}");
    }
}

#[test]
fn a_proof_moves_the_anchor_once() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 20);
    let proof = host.prove(&challenge, 21);
    let verdict = party.store.verify("web", &proof, &now(22), &plain()).expect("it is verified");
    assert_eq!((verdict.gap, verdict.moved, verdict.known), (10, true, Some(true)));
    assert!(!verdict.first_meeting);
    let error = refused(&mut party, |store| store.verify("web", &proof, &now(23), &plain()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
    let peer = party.store.peer("web").expect("it is known");
    assert_eq!(peer.anchor().map(selfsame::Anchor::head), Some(host.head()));
    assert_eq!(peer.unconfirmed(), [host.head()]);
}

#[test]
fn an_answer_that_was_overtaken_stands_and_the_anchor_too() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenges = [party.challenge("web", 20), party.challenge("web", 20)];
    let [older, newer] = [host.prove(&challenges[0], 21), host.prove(&challenges[1], 30)];
    assert!(party.store.verify("web", &newer, &now(31), &plain()).expect("it is verified").moved);
    assert!(!party.store.verify("web", &older, &now(32), &plain()).expect("it is verified").moved);
    let [summary] = &party.store.peers().expect("readable")[..] else { panic!("one peer") };
    assert_eq!((summary.index, summary.met_wall_ms), (30, now(32).wall_ms));
}

#[test]
fn a_wall_clock_that_was_set_back_does_not_undo_a_meeting() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 20);
    let proof = host.prove(&challenge, 21);
    let set_back = Now { wall_ms: now(0).wall_ms - 1_000_000, ..now(22) };
    party.store.verify("web", &proof, &set_back, &plain()).expect("the age clock is what counts");
    let [summary] = &party.store.peers().expect("readable")[..] else { panic!("one peer") };
    assert_eq!(summary.met_wall_ms, now(12).wall_ms);
}

#[test]
fn a_refused_proof_leaves_all_but_the_count() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 20);
    let good = host.prove_as(&challenge, 21, 1000);
    let wrong = wrong(&good);
    let root = Policy { wanted: Wanted { uid: Some(0), ..Wanted::default() }, ..plain() };
    let error = refused_and_counted(&mut party, |store| store.verify("web", &wrong, &now(22), &plain()));
    let is_hop = matches!(&error, StoreError::Refused(Refusal::Verify(VerifyRefusal::Hop { .. })));
    assert!(is_hop, "{error}");
    let error = refused_and_counted(&mut party, |store| store.verify("web", &good, &now(22), &root));
    let is_subject =
        matches!(&error, StoreError::Refused(Refusal::Verify(VerifyRefusal::WrongSubject { .. })));
    assert!(is_subject, "{error}");
    let error = refused(&mut party, |store| store.verify("web", b"garbage", &now(22), &plain()));
    let is_malformed = matches!(&error, StoreError::Refused(Refusal::Verify(VerifyRefusal::Malformed(_))));
    assert!(is_malformed, "{error}");
    party.store.verify("web", &good, &now(22), &plain()).expect("its challenge is still out");
}

#[test]
fn eight_refusals_use_a_challenge_up_whoever_opens_the_store() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 20);
    let good = host.prove(&challenge, 21);
    let wrong = wrong(&good);
    for _ in 0..8 {
        party.reopen();
        let error = party.store.verify("web", &wrong, &now(22), &plain()).expect_err("a wrong opening");
        let is_hop = matches!(&error, StoreError::Refused(Refusal::Verify(VerifyRefusal::Hop { .. })));
        assert!(is_hop, "{error}");
    }
    let error = refused(&mut party, |store| store.verify("web", &good, &now(22), &plain()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
}

#[test]
fn a_peer_that_stalled_passes_only_where_that_is_asked_for() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 1000 * SECOND);
    let proof = host.prove(&challenge, 100 * SECOND);
    let at = now(1000 * SECOND + 1);
    let error = refused_and_counted(&mut party, |store| store.verify("web", &proof, &at, &plain()));
    assert!(matches!(error, StoreError::Refused(Refusal::Stalled { .. })), "{error}");
    let pass = Policy { pass_time: true, ..plain() };
    let verdict = party.store.verify("web", &proof, &at, &pass).expect("it is let pass");
    assert!(verdict.lag > 800 * SECOND);
}

#[test]
fn a_challenge_anew_is_not_for_verify_and_dies_when_the_anchor_moves() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let anew = party.challenge_anew("web", 20);
    let proof = host.prove(&anew, 21);
    let error = refused(&mut party, |store| store.verify("web", &proof, &now(22), &plain()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
    assert_eq!(table(&party.file.path, "challenge").len(), 1);
    party.meet_again("web", &mut host, 30);
    assert!(table(&party.file.path, "challenge").is_empty());
}

#[test]
fn what_is_of_one_peer_is_not_of_another() {
    let (mut party, mut host, mut other) = (Party::new(), Host::born(1), Host::born(2));
    party.enrol("db", &mut other, 10);
    let of_db = dump(&party.file.path);
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 20);
    let proof = host.prove(&challenge, 21);
    let error = refused(&mut party, |store| store.verify("db", &proof, &now(22), &plain()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
    party.store.verify("web", &proof, &now(22), &plain()).expect("it is verified");
    party.store.forget("web").expect("it is known");
    assert_eq!(dump(&party.file.path), of_db);
    party.meet_again("db", &mut other, 30);
}

#[test]
fn a_verify_writes_only_the_hops_that_it_adds() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    for step in 1..40 {
        let before = table(&party.file.path, "hop");
        let verdict = party.meet_again("web", &mut host, step * 10 * SECOND);
        let after = table(&party.file.path, "hop");
        let new = after.iter().filter(|line| !before.contains(line)).count();
        assert!(new <= verdict.hops, "{new} rows were written, the proof has {} hops", verdict.hops);
        let all: Vec<_> = party.store.peer("web").expect("it is known").record().hops;
        assert_eq!(after.len(), all.len(), "each hop is there once");
    }
    let of_tier_0 =
        party.store.questions("web").expect("it is known").iter().filter(|(_, k)| *k == 0).count();
    assert!(of_tier_0 <= 8, "no more than the eight that lead furthest");
}

#[test]
fn a_peer_is_forgotten_with_all_its_challenges() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.challenge("db", 10);
    party.enrol("web", &mut host, 10);
    party.challenge("web", 20);
    party.challenge_anew("web", 20);
    party.store.forget("web").expect("it is known");
    party.store.forget("db").expect("a challenge is out");
    assert_eq!(dump(&party.file.path), Vec::<String>::new());
    let error = refused(&mut party, |store| store.forget("web"));
    assert!(matches!(&error, StoreError::UnknownPeer { peer } if peer == "web"), "{error}");
    for error in [
        refused(&mut party, |store| store.questions("web")),
        refused(&mut party, |store| store.forks(Some("web"))),
        refused(&mut party, |store| store.peer("web").map(drop)),
    ] {
        assert!(matches!(&error, StoreError::UnknownPeer { .. }), "{error}");
    }
    // and may be met again, as new
    party.enrol("web", &mut host, 30);
}
