//! One flipped bit, anywhere in any message, and it is refused: no byte is carried that nothing stands for.

use proptest::prelude::*;
use selfsame::{
    Boot, Challenge, Fork, ForkStart, Genesis, HopAnswer, Introduction, Moment, Now, Ordinary, Peer, Policy,
    Proof, Statement, Wanted, hazmat, verify,
};

use super::count::check;
use super::host::{AUDIENCE, Host};
use super::schedule::indices;
use crate::item;

/// The verifier's clocks, which stand still here: time is let pass.
pub const NOW: Now = Now { boot: Boot([1; 16]), ticks: 0, wall_ms: 0 };

/// Every byte's bit in turn (which bit, from `bits`), each as the changed message.
fn flips(message: &[u8], bits: u64) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..message.len()).map(move |at| {
        let mut flipped = message.to_vec();
        let bit = bits.rotate_left(at as u32 * 7) & 7;
        flipped[at] ^= 1 << bit;
        (at, flipped)
    })
}

/// A host with some history, and the challenges of three relying parties which one moment answers.
fn answered(seed: u64, indices: &[u64]) -> (Host<Ordinary>, Vec<Challenge>, Vec<Proof>) {
    let mut host = Host::born(seed);
    let mut heads = Vec::new();
    for index in indices {
        host.moment(*index);
        host.lineage.introduce();
        heads.push(host.lineage.head());
    }
    let id = *host.lineage.id();
    let from_genesis = item::challenge(AUDIENCE, &[1; 32], None, &[]);
    let from_some = item::challenge(AUDIENCE, &[2; 32], Some(&id), &heads[heads.len() / 2..]);
    let challenges = vec![from_genesis, from_some.clone(), from_some];
    let index = host.lineage.head().index + 1;
    let proofs = host.prove(index, &challenges);
    (host, challenges, proofs)
}

#[test]
fn of_a_proof() {
    check(30, (any::<u64>(), indices(2..4, 2), any::<u64>()), |(seed, indices, bits)| {
        let (_, challenges, proofs) = answered(seed, &indices);
        let (challenge, proof) = (&challenges[0], proofs[0].encode());
        verify(None, challenge, &proof, &Wanted::default()).expect("unchanged it is right");
        for (at, changed) in flips(&proof, bits) {
            let found = verify(None, challenge, &changed, &Wanted::default());
            assert!(found.is_err(), "byte {at} of {}", proof.len());
        }
    });
}

#[test]
fn of_a_proof_from_an_anchor() {
    check(50, (any::<u64>(), indices(2..3, 2), any::<u64>()), |(seed, indices, bits)| {
        let mut host = Host::born(seed);
        let mut peer = Peer::introduced(&host.lineage.introduce(), &NOW);
        for index in indices {
            // what is confirmed and what is not: all of it is in the challenge
            let challenge = peer.challenge(AUDIENCE, &[3; 32], &NOW).expect("few are out");
            let proof = host.prove(index, &[challenge]).remove(0).encode();
            let policy = Policy { pass_time: true, ..Policy::default() };
            for (at, changed) in flips(&proof, bits) {
                assert!(peer.clone().take(&changed, &NOW, &policy).is_err(), "byte {at} of {}", proof.len());
            }
            peer.take(&proof, &NOW, &policy).expect("unchanged it is right");
        }
    });
}

#[test]
fn of_a_statement_or_a_moment() {
    check(200, (any::<u64>(), indices(1..4, 1), any::<u64>()), |(seed, indices, bits)| {
        let (host, challenges, proofs) = answered(seed, &indices);
        let proof = &proofs[0];
        let statement = proof.statement_bytes();
        for (at, changed) in flips(statement, bits) {
            let differs = Statement::parse(&changed).map_or(true, |changed| changed != *proof.statement());
            assert!(differs, "byte {at}");
            let moved = replaced(&proof.encode(), statement, &changed);
            assert!(verify(None, &challenges[0], &moved, &Wanted::default()).is_err(), "byte {at}");
        }
        let moment = proof.head().expect("every proof has a head");
        for (at, changed) in flips(moment.body(), bits) {
            let differs = Moment::parse(&changed).map_or(true, |changed| changed.digest() != moment.digest());
            assert!(differs, "byte {at}");
        }
        let genesis = host.lineage.genesis();
        for (at, changed) in flips(genesis.body(), bits) {
            let differs =
                Genesis::parse(&changed).map_or(true, |changed| changed.lineage() != genesis.lineage());
            assert!(differs, "byte {at}");
        }
    });
}

fn replaced(message: &[u8], part: &[u8], by: &[u8]) -> Vec<u8> {
    let at = message.windows(part.len()).position(|window| window == part).expect("the part is in it");
    [&message[..at], by, &message[at + part.len()..]].concat()
}

#[test]
fn of_an_introduction() {
    check(100, (any::<u64>(), indices(1..4, 1), any::<u64>()), |(seed, indices, bits)| {
        let mut host = Host::born(seed);
        indices.into_iter().for_each(|index| drop(host.moment(index)));
        let introduction = host.lineage.introduce();
        for (at, changed) in flips(&introduction.encode(), bits) {
            let differs =
                Introduction::parse(&changed).map_or(true, |other| other.anchor() != introduction.anchor());
            assert!(differs, "byte {at}: no message, or another anchor");
        }
    });
}

#[test]
fn of_a_challenge() {
    check(300, (any::<u64>(), indices(1..4, 1), any::<u64>()), |(seed, indices, bits)| {
        let (_, challenges, proofs) = answered(seed, &indices);
        for (challenge, proof) in challenges.iter().zip(&proofs) {
            for (at, changed) in flips(challenge.as_bytes(), bits) {
                let Ok(other) = Challenge::parse(&changed) else { continue };
                assert_ne!(other.digest(), challenge.digest(), "byte {at}");
                assert_ne!(proof.statement().challenge(), &other.digest(), "nor does the proof answer it");
            }
        }
    });
}

/// A host and its copy, which part after `indices`; what a relying party has of the copy, and the host's answers.
pub fn forked(seed: u64, indices: &[u64]) -> (Peer, Vec<HopAnswer>) {
    let (mut host, mut copy) = (Host::born(seed), Host::born(seed));
    for index in indices {
        host.moment(*index);
        copy.moment(*index);
    }
    let mut peer = Peer::introduced(&host.lineage.introduce(), &NOW);
    copy.lineage.introduce();
    let challenge = peer.challenge(AUDIENCE, &[4; 32], &NOW).expect("few are out");
    let next = host.lineage.head().index + 1;
    let policy = Policy { pass_time: true, ..Policy::default() };
    let proof = copy.prove(next, &[challenge]).remove(0);
    peer.take(&proof.encode(), &NOW, &policy).expect("the copy passes for the host, once");
    host.moment(next);
    let questions = peer.questions().into_iter();
    let answers = questions.filter_map(|(index, tier)| host.lineage.hop(index, tier, true).ok()).collect();
    (peer, answers)
}

#[test]
fn of_a_fork() {
    check(30, (any::<u64>(), indices(1..3, 1), any::<u64>()), |(seed, indices, bits)| {
        let (mut peer, answers) = forked(seed, &indices);
        let fork = answers.iter().find_map(|answer| peer.confront(answer)).expect("an answer shows the fork");
        assert_eq!(fork.check([]), Ok(ForkStart::Genesis));
        for (at, changed) in flips(&fork.encode(), bits).skip(bits as usize % 4).step_by(4) {
            let shows = Fork::parse(&changed).is_ok_and(|changed| changed.check([]).is_ok());
            assert!(!shows, "byte {at}");
        }
    });
}

#[test]
fn of_a_hop_answer() {
    check(30, (any::<u64>(), indices(1..3, 1), any::<u64>()), |(seed, indices, bits)| {
        let (peer, answers) = forked(seed, &indices);
        let genesis = peer.genesis().expect("it was introduced").clone();
        let answer = answers.first().expect("the host answers");
        let leads = |answer: &HopAnswer| {
            let made = hazmat::walk(&genesis, &answer.way);
            made.is_ok_and(|made| hazmat::hop(&made, &answer.hop).is_ok())
        };
        assert!(leads(answer) && peer.clone().confront(answer).is_some(), "unchanged it shows the fork");
        for (at, changed) in flips(&answer.encode(), bits).skip(bits as usize % 4).step_by(4) {
            let Ok(changed) = HopAnswer::parse(&changed) else { continue };
            assert!(!leads(&changed), "byte {at}");
            // with a wrong way it may still show the fork to who holds the moment that it starts from
            if let Some(fork) = peer.clone().confront(&changed) {
                assert!(
                    changed.hop == answer.hop && !fork.is_for_anyone() && fork.way().is_empty(),
                    "byte {at}"
                );
            }
        }
    });
}
