//! What a refusal leaves as it was: all but the count of the challenge's refusals, and a fork that is found.

use selfsame::{Peer, Proof, Refusal};

/// Holds the peer after a refusal of this proof against the one before.
pub fn unchanged(before: &Peer, after: &Peer, refusal: &Refusal, proof: &[u8]) {
    let (was, is) = (before.record(), after.record());
    assert_eq!(was.hops, is.hops);
    if let Refusal::Forked { fork } = refusal {
        assert_eq!(after.fork(), Some(&**fork), "it is kept");
        assert_eq!((before.anchor(), before.unconfirmed()), (after.anchor(), after.unconfirmed()));
    } else {
        assert_eq!(was.state, is.state);
    }
    let answered = Proof::parse(proof).ok().map(|proof| *proof.statement().challenge());
    let uncounted =
        matches!(refusal, Refusal::UnknownChallenge | Refusal::Expired | Refusal::KnownFork | Refusal::Busy);
    for (digest, challenge) in &was.challenges {
        if answered != Some(*digest) || uncounted {
            assert!(is.challenges.contains(&(*digest, challenge.clone())), "another challenge");
        }
    }
    let lost = was.challenges.len() - is.challenges.len();
    assert_eq!(lost, 0, "one refusal does not use it up");
    Peer::restore(&is).expect("it can be kept");
}
