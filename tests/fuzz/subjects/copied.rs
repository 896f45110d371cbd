//! A host whose memory was copied, and a relying party that met both: where forks and answers to its questions come
//! from.

use std::sync::OnceLock;

use selfsame::{Anchor, Boot, Fork, HopAnswer, Moment, Now, Peer, Policy, Proof};

use super::host::{AUDIENCE, Host};

/// The verifier's clocks, which stand still here: time is let pass.
const NOW: Now = Now { boot: Boot([1; 16]), ticks: 0, wall_ms: 0 };

/// What came of it.
pub struct Copied {
    /// The relying party, which accepted proofs of the copy.
    pub peer: Peer,
    /// The genesis, and the moments that it accepted by a proof.
    pub held: Vec<Anchor>,
    /// The host's answers to its questions, with the way and without.
    pub answers: Vec<HopAnswer>,
    /// The forks that come of them.
    pub forks: Vec<Fork>,
}

/// Always the same one.
pub fn copied() -> &'static Copied {
    static COPIED: OnceLock<Copied> = OnceLock::new();
    COPIED.get_or_init(|| {
        let (mut host, mut copy) = (Host::born(7), Host::born(7));
        let mut peer = Peer::introduced(&host.lineage.introduce(), &NOW);
        let mut held = vec![Anchor::of_genesis(host.lineage.genesis())];
        let mut meet = |peer: &mut Peer, hosts: &mut [&mut Host<_>], index: u64| {
            let nonce = index.to_le_bytes().repeat(4);
            let challenge = peer.challenge(AUDIENCE, &nonce, &NOW).expect("few are out");
            let proofs =
                hosts.iter_mut().map(|host| host.prove(index, std::slice::from_ref(&challenge)).remove(0));
            let proof = proofs.last().expect("one of them answers");
            let policy = Policy { pass_time: true, ..Policy::default() };
            peer.take(&proof.encode(), &NOW, &policy).expect("it passes for the host");
            held.extend(moments(&proof, &held[0]));
        };
        for index in [3, 70, 301] {
            host.moment(index - 1);
            copy.moment(index - 1);
            meet(&mut peer, &mut [&mut host, &mut copy], index);
        }
        // here they part
        for (own, its) in [(310, 311), (325, 330), (1100, 1090), (1200, 1180)] {
            host.moment(own);
            copy.moment(its);
        }
        meet(&mut peer, &mut [&mut copy], 1201);
        host.moment(1210);
        let ways = [true, false];
        let asked = peer.questions().into_iter().flat_map(|(x, k)| ways.map(|way| (x, k, way)));
        let answers: Vec<_> = asked.filter_map(|(x, k, way)| host.lineage.hop(x, k, way).ok()).collect();
        let forks = answers.iter().filter_map(|answer| peer.clone().confront(answer)).collect();
        Copied { peer, held, answers, forks }
    })
}

/// The moments that a proof leads through.
fn moments(proof: &Proof, genesis: &Anchor) -> Vec<Anchor> {
    let moments = proof.hops().iter().map(|hop| hop.moment());
    let anchor =
        |moment: &Moment| Anchor::new(*genesis.lineage(), *genesis.salt(), moment.head(), *moment.pledges());
    moments.map(anchor).collect()
}

/// Answers of a host that was copied, as seeds.
pub fn answers() -> Vec<Vec<u8>> {
    copied().answers.iter().map(HopAnswer::encode).collect()
}

/// Forks that such answers show, as seeds.
pub fn forks() -> Vec<Vec<u8>> {
    copied().forks.iter().map(Fork::encode).collect()
}
