//! A host, step by step, and a relying party that meets it again and again.

use selfsame::{
    Birth, Boot, Digest, Evidence, EvidenceFields, Lineage, Memory, Now, Ordinary, Origin, Peer, Policy,
    Predecessor, ProveRefusal, Reason, Request, Salt, Secrets, Step, Subject, hazmat,
};

use crate::item;

fn evidence() -> Evidence {
    Evidence::new(EvidenceFields::default()).expect("short")
}

fn born(salt: u8, predecessor: Option<Predecessor>) -> Lineage<Ordinary> {
    let birth = Birth {
        contributions: &[("test", b"x")],
        randomness: &[1; 32],
        salt: Salt::new([salt; 32]),
        wall_ms: 0,
        evidence: evidence(),
        origin: Origin::new(Reason::Boot, predecessor),
    };
    Lineage::born(Ordinary::default(), birth).expect("it is born")
}

fn step(index: u64) -> Step<'static> {
    Step { index, wall_ms: index, randomness: &[3; 32], evidence: evidence() }
}

/// The digest of the host's next moment, at `index`.
fn next(host: &mut Lineage<Ordinary>, index: u64) -> Digest {
    *host.moment(step(index)).expect("it is later").digest()
}

fn secrets(of: &Secrets) -> Vec<[u8; 32]> {
    hazmat::pending(of).iter().chain(hazmat::ahead(of)).map(|secret| *secret.expose()).collect()
}

/// Over gaps of which the age has turned higher digits than the gap has; with what is made ahead, once and twice.
#[test]
fn a_host_is_met_again_and_again() {
    let mut host = born(2, None);
    let mut peer = Peer::expecting(*host.id());
    for (number, index) in (1u8..).zip([3, 4, 15, 16, 63, 64, 65, 1000, 4095, 4096, 4097]) {
        (1..number % 4).for_each(|ahead| host.prepare(&[number + ahead; 32], 16).expect("it takes all"));
        let now = Now { boot: Boot([1; 16]), ticks: index, wall_ms: index };
        let challenge = peer.challenge("door", &[number; 32], &now).expect("few are out");
        let request =
            Request { audience: "door".into(), challenge, subject: Subject::default(), payload: None };
        let proof = host.prove(step(index), vec![request]).expect("it is later").remove(0).expect("a proof");
        let verdict = peer.take(&proof.encode(), &now, &Policy::default());
        let verdict = verdict.unwrap_or_else(|refusal| panic!("at {index}: {refusal}"));
        assert_eq!((verdict.index, host.moments()), (index, 1 + u64::from(number)));
    }
}

#[test]
fn all_moments_and_openings_of_a_young_host_are_kept() {
    let mut host = born(2, None);
    assert_eq!((host.moments(), host.kept()), (1, (0, 0)));
    for (index, openings) in [(1, 1), (4, 3), (16, 6), (17, 7)] {
        next(&mut host, index);
        assert_eq!(host.kept().1, openings);
    }
    assert_eq!((host.moments(), host.kept().0), (5, 4));
}

#[test]
fn what_is_stirred_in_changes_the_next_pledges() {
    let after = |stirred: &[(&str, &[u8])]| {
        let mut host = born(2, None);
        host.stir(stirred).expect("it takes all");
        next(&mut host, 1)
    };
    assert_eq!(after(&[("test", b"y")]), after(&[("test", b"y")]));
    assert_ne!(after(&[("test", b"y")]), after(&[("test", b"z")]));
}

#[test]
fn what_is_ahead_is_made_once() {
    let (mut once, mut twice) = (born(2, None), born(2, None));
    once.prepare(&[7; 32], 4).expect("it takes all");
    twice.prepare(&[7; 32], 4).expect("it takes all");
    twice.prepare(&[8; 32], 16).expect("it takes all");
    assert_eq!(next(&mut once, 1), next(&mut twice, 1));
}

#[test]
fn a_copy_of_memory_goes_on_like_its_host() {
    let mut host = born(2, None);
    next(&mut host, 5);
    host.prepare(&[7; 32], 3).expect("it takes all");
    let Ok(mut copy) = hazmat::copy(&host, Ordinary::default());
    let (hosts, copys) = (host.memory().secrets(), copy.memory().secrets());
    assert_eq!(secrets(hosts), secrets(copys));
    assert!(secrets(hosts).iter().all(|secret| *secret != [0; 32]), "all 32 are there");
    assert_eq!((host.head(), host.kept(), host.moments()), (copy.head(), copy.kept(), copy.moments()));
    for index in [6, 4096] {
        assert_eq!(next(&mut host, index), next(&mut copy, index));
    }
}

#[test]
fn a_host_says_whom_it_follows() {
    let before = born(3, None);
    let predecessor = Predecessor { lineage: *before.id(), head: before.head() };
    let mut host = born(2, Some(predecessor));
    assert_eq!(host.genesis().origin().predecessor(), Some(&predecessor));
    let challenge = item::challenge("door", &[4; 32], Some(before.id()), &[]);
    let request = Request { audience: "door".into(), challenge, subject: Subject::default(), payload: None };
    let refusal = host.prove(step(1), vec![request]).expect("it is later").remove(0).expect_err("another");
    let (asked, own) = (*before.id(), *host.id());
    assert_eq!(refusal, ProveRefusal::OtherLineage { asked, own, predecessor: Some(asked) });
    let said =
        format!("the challenge is for lineage {asked}, this is {own}, which says that it follows {asked}");
    assert_eq!(refusal.to_string(), said);
}
