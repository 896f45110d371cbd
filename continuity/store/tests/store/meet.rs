//! Meeting a peer by an introduction.

use selfsame::{Policy, Refusal};
use selfsame_store::{EnrolOptions, PeerSummary, StoreError};

use super::dump::{dump, refused, table};
use super::host::{Host, Party, SECOND, now, succeeds};

#[test]
fn a_peer_that_was_introduced_is_verified_from_the_introduced_moment() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    host.beat(100);
    party.store.meet("web", &host.introduce(), &now(110), false).expect("it is taken");
    let summary =
        PeerSummary { name: "web".into(), lineage: host.id(), index: 100, met_wall_ms: now(110).wall_ms };
    assert_eq!(party.store.peers().expect("readable"), [summary]);
    let challenge = party.challenge("web", 120);
    assert_eq!(challenge.since(), [host.head()]);
    let proof = host.prove(&challenge, 121);
    let verdict = party.store.verify("web", &proof, &now(122), &Policy::default()).expect("it is verified");
    assert_eq!((verdict.index, verdict.gap, verdict.known, verdict.moved), (121, 21, Some(true), true));
    let [summary] = &party.store.peers().expect("readable")[..] else { panic!("one peer") };
    assert_eq!((summary.index, summary.met_wall_ms), (121, now(122).wall_ms));
}

#[test]
fn a_peer_that_was_introduced_by_its_genesis_is_verified_from_there() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.store.meet("web", &host.introduce(), &now(10), false).expect("it is taken");
    let challenge = party.challenge("web", 20);
    assert_eq!((challenge.lineage(), challenge.since()), (Some(&host.id()), &[][..]));
    let (first, second) = (host.prove(&challenge, 21), party.challenge("web", 22));
    let verdict = party.store.verify("web", &first, &now(23), &Policy::default()).expect("it is verified");
    assert_eq!((verdict.index, verdict.known), (21, None));
    // the other was made without `since`: it died when the anchor changed
    let proof = host.prove(&second, 24);
    let error = refused(&mut party, |store| store.verify("web", &proof, &now(25), &Policy::default()));
    assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
}

#[test]
fn challenges_of_a_first_meeting_are_gone_when_the_peer_is_introduced() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let challenge = party.challenge("web", 10);
    let proof = host.prove(&challenge, 11);
    party.store.meet("web", &host.introduce(), &now(12), false).expect("it is taken");
    assert!(table(&party.file.path, "challenge").is_empty());
    for error in [
        refused(&mut party, |store| store.enrol("web", &proof, &now(13), &EnrolOptions::default())),
        refused(&mut party, |store| store.verify("web", &proof, &now(13), &Policy::default())),
    ] {
        assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
    }
}

#[test]
fn a_known_peer_and_a_known_lineage_exist() {
    let (mut party, mut host, mut other) = (Party::new(), Host::born(1), Host::born(2));
    party.enrol("web", &mut host, 10);
    let id = host.id();
    let exists = |error: StoreError| {
        assert!(
            matches!(&error, StoreError::PeerExists { peer, lineage } if peer == "web" && *lineage == id),
            "{error}"
        );
    };
    let (own, others) = (host.lineage.introduce(), other.introduce());
    exists(refused(&mut party, |store| store.meet("web", &own, &now(20), false)));
    exists(refused(&mut party, |store| store.meet("web", &others, &now(20), false)));
    exists(refused(&mut party, |store| store.meet("db", &own, &now(20), false)));
    exists(refused(&mut party, |store| store.meet("db", &own, &now(20), true)));
}

#[test]
fn only_a_newer_moment_of_the_same_lineage_replaces_an_anchor() {
    let (mut party, mut host, mut other) = (Party::new(), Host::born(1), Host::born(2));
    host.beat(5);
    let older = host.introduce();
    party.enrol("web", &mut host, 10);
    let same = host.introduce();
    let genesis = Host::born(1).introduce();
    for (introduction, found) in [(&older, 5), (&same, 11), (&genesis, 0)] {
        let error = refused(&mut party, |store| store.meet("web", introduction, &now(20), true));
        assert!(
            matches!(error, StoreError::NotNewer { anchor: 11, found: index } if index == found),
            "{error}"
        );
    }
    let others = other.introduce();
    let error = refused(&mut party, |store| store.meet("web", &others, &now(20), true));
    let expected = (host.id(), other.id());
    assert!(
        matches!(error, StoreError::OtherLineage { expected: own, found } if (own, found) == expected),
        "{error}"
    );
    let error = refused(&mut party, |store| store.meet("db", &others, &now(20), true));
    assert!(matches!(&error, StoreError::UnknownPeer { peer } if peer == "db"), "{error}");
}

#[test]
fn a_newer_introduction_replaces_all_that_was_kept() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    party.meet_again("web", &mut host, 20);
    let (ordinary, anew) = (party.challenge("web", 30), party.challenge_anew("web", 30));
    let proofs = [host.prove(&ordinary, 31), host.prove(&anew, 32)];
    host.beat(100 * SECOND);
    party.store.meet("web", &host.introduce(), &now(100 * SECOND), true).expect("it is newer");
    let mut introduced = Party::new();
    introduced.store.meet("web", &host.introduce(), &now(100 * SECOND), false).expect("it is new");
    assert_eq!(dump(&party.file.path), dump(&introduced.file.path), "as if it was never met before");
    for proof in proofs {
        let error =
            refused(&mut party, |store| store.verify("web", &proof, &now(101 * SECOND), &Policy::default()));
        assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
    }
    party.meet_again("web", &mut host, 110 * SECOND);
}

#[test]
fn a_lineage_that_was_succeeded_is_not_introduced_again() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let mut successor = Host::after(2, &host, None);
    let challenge = party.challenge_anew("web", 20);
    let proof = successor.prove(&challenge, 21);
    party.store.enrol("web", &proof, &now(22), &succeeds()).expect("it succeeds");
    host.beat(100);
    let introduction = host.introduce();
    for (name, replace) in [("web", false), ("web", true), ("db", false)] {
        let error = refused(&mut party, |store| store.meet(name, &introduction, &now(100), replace));
        assert!(
            matches!(&error, StoreError::PastLineage { lineage, peer } if *lineage == host.id() && peer == "web"),
            "{error}"
        );
    }
    // whoever forgets the peer forgets its past: so one takes back a succession that was a mistake
    party.store.forget("web").expect("it is known");
    party.store.meet("web", &introduction, &now(100), false).expect("it is nobody's");
}
