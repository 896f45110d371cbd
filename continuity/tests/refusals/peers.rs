//! The relying party's state machine: each variant of `Refusal`, and of `ChallengeRefusal`.

use selfsame::Peer;

use super::crafted::AUDIENCE;
use super::party::at;
use super::table::{hold, row};
use super::{challenges, contradictions, times};

const SOURCE: &str = include_str!("../../src/peer/refusals.rs");

#[test]
fn each_check_of_a_peer_refuses_what_breaks_just_it() {
    let rows = [challenges::rows(), times::rows(), contradictions::rows()];
    hold("Refusal", SOURCE, &[], rows.into_iter().flatten().collect());
}

#[test]
fn no_challenge_is_issued_beyond_256_or_out_of_range() {
    let mut peer = Peer::unknown();
    let ask = |peer: &mut Peer, n: u16, t| peer.challenge(AUDIENCE, &[n.to_le_bytes(); 8].concat(), &at(t));
    let asked: Vec<_> = (0..256).map(|n| ask(&mut peer, n, 0)).collect();
    let kept = asked.into_iter().collect::<Result<Vec<_>, _>>();
    let broken = ask(&mut peer, 256, 60 * 4096);
    ask(&mut peer, 257, 60 * 4096 + 1).expect("the first ones are dead");
    let asked = |audience: &str, nonce: usize| Peer::unknown().challenge(audience, &vec![1; nonce], &at(0));
    let (longest, longer) = ("a".repeat(255), "a".repeat(256));
    let rows = vec![
        row("Busy { out: 256 }", broken, kept),
        row("Challenge(Nonce { have: 15 })", asked(AUDIENCE, 15), asked(AUDIENCE, 16)),
        row("Challenge(Nonce { have: 65 })", asked(AUDIENCE, 65), asked(AUDIENCE, 64)),
        row("Challenge(Audience { have: 0 })", asked("", 32), asked("a", 32)),
        row("Challenge(Audience { have: 256 })", asked(&longer, 32), asked(&longest, 32)),
    ];
    hold("ChallengeRefusal", SOURCE, &[], rows);
}
