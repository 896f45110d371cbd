//! Forks: found by a proof, by questions, or reported; kept by lineage, whoever is forgotten.

use selfsame::{Fork, ForkRefusal, ForkStart, HopAnswer, Policy, Refusal};
use selfsame_store::{EnrolOptions, ReportedFork, StoreError};

use super::dump::{refused, table};
use super::host::{Host, Party, now, succeeds};

/// A party that knows "web", and the host with a copy of its memory.
fn copied() -> (Party, Host, Host) {
    let (mut party, mut host, mut copy) = (Party::new(), Host::born(1), Host::born(1));
    let challenge = party.challenge("web", 10);
    let proof = host.prove(&challenge, 11);
    assert_eq!(copy.prove(&challenge, 11), proof, "two of one seed are copies of each other");
    party.store.enrol("web", &proof, &now(12), &EnrolOptions::default()).expect("it is enrolled");
    (party, host, copy)
}

/// The copy answers, then the host, both from the same anchor.
fn both_answer(party: &mut Party, host: &mut Host, copy: &mut Host) -> Fork {
    let challenges = [party.challenge("web", 20), party.challenge("web", 20)];
    let [stolen, own] = [copy.prove(&challenges[0], 21), host.prove(&challenges[1], 21)];
    party.store.verify("web", &stolen, &now(22), &Policy::default()).expect("it is verified");
    match party.store.verify("web", &own, &now(23), &Policy::default()) {
        Err(StoreError::Refused(Refusal::Forked { fork })) => *fork,
        other => panic!("a fork is expected, not {other:?}"),
    }
}

/// A party that knows "web" as a host that was copied, and a fork of its lineage.
pub fn forked() -> (Party, Host) {
    let (mut party, mut host, mut copy) = copied();
    both_answer(&mut party, &mut host, &mut copy);
    (party, host)
}

/// The copy answers alone; the host, asked for a hop, shows the fork.
fn answer_of(party: &mut Party, host: &mut Host, copy: &mut Host, way: bool) -> HopAnswer {
    let challenge = party.challenge("web", 20);
    let stolen = copy.prove(&challenge, 21);
    party.store.verify("web", &stolen, &now(22), &Policy::default()).expect("it is verified");
    host.beat(21);
    // what the copy opened: the others are the host's own hops
    let questions = party.store.questions("web").expect("it is known");
    let (index, tier) = *questions.first().expect("hops are kept");
    host.lineage.hop(index, tier, way).expect("it is kept")
}

/// A fork for anyone of the lineage of seed 1, made elsewhere.
fn fork_for_anyone() -> Fork {
    let (mut party, mut host, mut copy) = copied();
    let answer = answer_of(&mut party, &mut host, &mut copy, true);
    party.store.confront("web", &answer).expect("it is known").expect("a fork")
}

#[test]
fn a_fork_that_a_proof_shows_is_kept_and_nothing_else_of_it() {
    let (mut party, mut host, mut copy) = copied();
    let fork = both_answer(&mut party, &mut host, &mut copy);
    party.reopen();
    assert_eq!(party.store.forks(Some("web")).expect("it is known"), [fork]);
    let [summary] = &party.store.peers().expect("readable")[..] else { panic!("one peer") };
    assert_eq!((summary.index, summary.met_wall_ms), (21, now(22).wall_ms), "the refused proof changed it");
    assert_eq!(party.store.peer("web").expect("it is known").unconfirmed(), [copy.head()]);
    // never accepted again, whoever answers
    let challenge = party.challenge("web", 30);
    let proof = copy.prove(&challenge, 31);
    let error = refused(&mut party, |store| store.verify("web", &proof, &now(32), &Policy::default()));
    assert!(matches!(error, StoreError::Refused(Refusal::KnownFork)), "{error}");
}

#[test]
fn a_forked_lineage_is_neither_met_nor_enrolled_even_where_its_peer_is_forgotten() {
    let (mut party, mut host, mut copy) = copied();
    let fork = both_answer(&mut party, &mut host, &mut copy);
    host.beat(40);
    let introduction = host.introduce();
    for forgotten in [false, true] {
        if forgotten {
            party.store.forget("web").expect("it is known");
        }
        for (name, replace) in [("web", true), ("web", false), ("db", false)] {
            let error = refused(&mut party, |store| store.meet(name, &introduction, &now(41), replace));
            assert!(matches!(error, StoreError::Forked { lineage } if lineage == host.id()), "{error}");
        }
        let challenge = party.challenge("db", 42);
        let proof = host.prove(&challenge, if forgotten { 44 } else { 43 });
        let error =
            refused(&mut party, |store| store.enrol("db", &proof, &now(45), &EnrolOptions::default()));
        assert!(matches!(error, StoreError::Forked { lineage } if lineage == host.id()), "{error}");
    }
    assert_eq!(party.store.forks(None).expect("readable"), [fork]);
    let error = refused(&mut party, |store| store.forks(Some("web")));
    assert!(matches!(error, StoreError::UnknownPeer { .. }), "{error}");
}

#[test]
fn a_peer_recovers_from_a_fork_by_a_successor() {
    let (mut party, mut host, mut copy) = copied();
    let fork = both_answer(&mut party, &mut host, &mut copy);
    let mut successor = Host::after(2, &host, None);
    let challenge = party.challenge_anew("web", 30);
    let proof = successor.prove(&challenge, 31);
    party.store.enrol("web", &proof, &now(32), &succeeds()).expect("it succeeds");
    party.meet_again("web", &mut successor, 40);
    assert_eq!(party.store.forks(Some("web")).expect("it is known"), [fork], "of its past lineage");
    for lineage in [host.id(), successor.id()] {
        assert_eq!(party.store.whose(&lineage).expect("readable").as_deref(), Some("web"));
    }
    party.store.forget("web").expect("it is known");
    assert_eq!(party.store.whose(&host.id()).expect("readable"), None);
}

#[test]
fn an_answer_shows_the_fork_for_anyone_where_it_has_the_way() {
    for way in [false, true] {
        let (mut party, mut host, mut copy) = copied();
        let answer = answer_of(&mut party, &mut host, &mut copy, way);
        let fork = party.store.confront("web", &answer).expect("it is known").expect("a fork");
        party.reopen();
        assert_eq!(party.store.forks(Some("web")).expect("it is known"), std::slice::from_ref(&fork));
        assert_eq!(fork.check([]).is_ok(), way, "for anyone, where the way is known");
        let challenge = party.challenge("web", 30);
        let proof = copy.prove(&challenge, 31);
        let error = refused(&mut party, |store| store.verify("web", &proof, &now(32), &Policy::default()));
        assert!(matches!(error, StoreError::Refused(Refusal::KnownFork)), "{error}");
    }
}

#[test]
fn an_answer_of_the_same_history_shows_nothing() {
    let (mut party, mut host, _) = copied();
    party.meet_again("web", &mut host, 20);
    let before = super::dump::dump(&party.file.path);
    for (index, tier) in party.store.questions("web").expect("it is known") {
        let answer = host.lineage.hop(index, tier, true).expect("it is kept");
        assert_eq!(party.store.confront("web", &answer).expect("it is known"), None);
    }
    assert_eq!(super::dump::dump(&party.file.path), before);
    let answer = host.lineage.hop(0, 0, false).expect("it is kept");
    let error = refused(&mut party, |store| store.confront("db", &answer));
    assert!(matches!(error, StoreError::UnknownPeer { .. }), "{error}");
    let mut other = Host::born(2);
    other.beat(90);
    let answer = other.lineage.hop(0, 0, false).expect("it is kept");
    let error = refused(&mut party, |store| store.confront("web", &answer));
    let (expected, found) = (host.id(), other.id());
    assert!(
        matches!(error, StoreError::OtherAnswer { expected: e, found: f } if (e, f) == (expected, found)),
        "{error}"
    );
}

#[test]
fn a_fork_found_by_a_proof_becomes_one_for_anyone_by_an_answer() {
    let (mut party, mut host, mut copy) = copied();
    let fork = both_answer(&mut party, &mut host, &mut copy);
    assert!(!fork.is_for_anyone());
    let mut better = None;
    for (index, tier) in party.store.questions("web").expect("it is known") {
        let Ok(answer) = host.lineage.hop(index, tier, true) else { continue };
        better = better.or(party.store.confront("web", &answer).expect("it is known"));
    }
    let better = better.expect("one of the questions shows it");
    assert!(better.is_for_anyone());
    assert_eq!(party.store.forks(None).expect("readable"), std::slice::from_ref(&better), "one a lineage");
    // and is not replaced by a lesser one, nor by another
    let reported = party.store.report_fork(&fork).expect("a fork");
    assert_eq!((reported.start, reported.is_new), (ForkStart::Held, false));
    assert_eq!(party.store.forks(None).expect("readable"), [better]);
}

#[test]
fn a_reported_fork_is_checked_and_kept_for_a_present_lineage() {
    let fork = fork_for_anyone();
    let (mut party, mut host, _) = copied();
    let challenge = party.challenge("web", 20);
    let reported = party.store.report_fork(&fork).expect("a fork");
    let expected = ReportedFork { peer: "web".into(), start: ForkStart::Genesis, is_new: true };
    assert_eq!(reported, expected);
    assert_eq!(party.store.report_fork(&fork).expect("a fork"), ReportedFork { is_new: false, ..expected });
    let proof = host.prove(&challenge, 21);
    let error = refused(&mut party, |store| store.verify("web", &proof, &now(22), &Policy::default()));
    assert!(matches!(error, StoreError::Refused(Refusal::KnownFork)), "{error}");
    assert_eq!(table(&party.file.path, "fork").len(), 1);
}

#[test]
fn a_reported_fork_is_kept_for_a_past_lineage_where_anyone_can_check_it() {
    let (mut party, mut host, mut copy) = copied();
    // one that only a holder of the moment can check
    let answer = answer_of(&mut party, &mut host, &mut copy, false);
    let mut elsewhere = Party::new();
    std::fs::copy(&party.file.path, &elsewhere.file.path).expect("copied");
    elsewhere.reopen();
    let held = elsewhere.store.confront("web", &answer).expect("it is known").expect("a fork");
    let challenge = party.challenge_anew("web", 30);
    let proof = Host::after(2, &host, None).prove(&challenge, 31);
    party.store.enrol("web", &proof, &now(32), &succeeds()).expect("it succeeds");
    let error = refused(&mut party, |store| store.report_fork(&held));
    assert!(matches!(error, StoreError::NoFork(ForkRefusal::NoStart)), "{error}");
    let reported = party.store.report_fork(&fork_for_anyone()).expect("a fork");
    assert_eq!((&*reported.peer, reported.is_new), ("web", true));
    assert_eq!(party.store.forks(Some("web")).expect("it is known").len(), 1);
}

#[test]
fn what_is_of_no_peers_lineage_or_shows_no_fork_is_not_kept() {
    let fork = fork_for_anyone();
    let mut party = Party::new();
    let error = refused(&mut party, |store| store.report_fork(&fork));
    assert!(matches!(error, StoreError::UnknownLineage { lineage } if lineage == *fork.lineage()), "{error}");
    let (mut party, ..) = copied();
    let mut bytes = fork.encode();
    // the last hop's body ends with its evidence; before that, its wall time
    let place = bytes.len() - 5;
    bytes[place] ^= 1;
    let wrong = Fork::parse(&bytes).expect("well-formed");
    let error = refused(&mut party, |store| store.report_fork(&wrong));
    assert!(matches!(error, StoreError::NoFork(ForkRefusal::Hop { number: 2, .. })), "{error}");
}
