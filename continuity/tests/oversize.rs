//! A host's answer to a question may be as long as a message can be: what becomes of it must still fit one.
//!
//! What broke: an answer just below 4 MiB made a fork just above it, which the store could write and not read.

use selfsame::{
    Birth, Boot, Evidence, EvidenceFields, HopAnswer, Lineage, Now, Ordinary, Origin, Peer, Policy, Reason,
    Request, Salt, Step, Subject,
};

const MOST_BYTES: usize = 4 * 1024 * 1024;

fn evidence() -> Evidence {
    Evidence::new(EvidenceFields::default()).expect("it is short")
}

/// Two of these are one until their steps differ: a host, and a copy of its memory.
fn born() -> Lineage<Ordinary> {
    let birth = Birth {
        contributions: &[("test", b"x")],
        randomness: &[1; 32],
        salt: Salt::new([2; 32]),
        wall_ms: 0,
        evidence: evidence(),
        origin: Origin::new(Reason::Install, None),
    };
    Lineage::born(Ordinary::default(), birth).expect("it is born")
}

fn step(index: u64, wall_ms: u64) -> Step<'static> {
    Step { index, wall_ms, randomness: &[3; 32], evidence: evidence() }
}

fn at(ticks: u64) -> Now {
    Now { boot: Boot([0; 16]), ticks, wall_ms: ticks / 4 }
}

#[test]
fn a_fork_of_the_longest_answer_still_fits() {
    let (mut host, mut copy) = (born(), born());
    let (mut way, mut bytes, mut index) = (Vec::new(), 0, 0);
    // as many hops as leave no room for a genesis beside two more
    while bytes < MOST_BYTES - 6_000 {
        index += 1;
        for lineage in [&mut host, &mut copy] {
            lineage.moment(step(index, index)).expect("it is later");
        }
        let hop = host.hop(index - 1, 0, false).expect("it is kept").hop;
        bytes += hop.encode().len();
        way.push(hop);
    }
    let mut peer = Peer::introduced(&host.introduce(), &at(index));
    let challenge = peer.challenge("door", &[7; 32], &at(index)).expect("it is issued");
    let subject = Subject::default();
    let request = Request { audience: "door".into(), challenge, subject, payload: None };
    let proof =
        host.prove(step(index + 1, index), vec![request]).expect("a moment").remove(0).expect("a proof");
    peer.take(&proof.encode(), &at(index + 1), &Policy::default()).expect("it is right");

    copy.moment(step(index + 1, 9)).expect("it is later");
    let tier = proof.hops()[0].tier();
    let hop = copy.hop(index, tier, false).expect("it is kept").hop;
    let answer = HopAnswer { hop, way };
    assert!(HopAnswer::parse(&answer.encode()).is_ok(), "the answer itself is within the limit");

    let fork = peer.confront(&answer).expect("two moments under one pledge");
    assert!(!fork.is_for_anyone(), "there is no room for the way");
    assert!(fork.encode().len() <= MOST_BYTES);
    let restored = Peer::restore(&peer.record()).expect("what is kept comes back");
    assert_eq!(restored.fork(), Some(&fork));
}
