//! How it begins: a relying party meets a host, the memory is stolen, and they meet again.

use selfsame::{Ordinary, Proof};
use selfsame_tests::play::Party;
use selfsame_tests::play::crafted::Made;
use selfsame_tests::play::host::Host;
use selfsame_tests::play::sparse::Beat;

use super::forge::Pledges;
use super::loot::{Loot, public};

/// What the relying party calls the host.
pub const PEER: &str = "web1";

/// Ticks of a second.
pub const SECOND: u64 = 4096;

/// When things happen, in ticks of the host's age.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// They meet first.
    pub met: u64,
    /// The last moment before the theft.
    pub stolen: u64,
    /// They meet again: the moment that becomes the anchor. Its challenge is issued in the tick before.
    pub anchor: u64,
    /// The relying party has the proof.
    pub accepted: u64,
    /// The host goes on until then.
    pub until: u64,
    /// The host's beat.
    pub every: u64,
}

/// A relying party that has met a host after its memory was stolen.
#[derive(Debug)]
pub struct Scene {
    pub party: Party,
    pub host: Host<Ordinary>,
    pub loot: Loot,
    /// The thief's own.
    pub pledges: Pledges,
    /// The moment at the time of the theft.
    pub stolen: Made,
    /// The moment that the relying party knows.
    pub anchor: Made,
    pub when: When,
}

impl Scene {
    pub fn play(seed: u64, when: When) -> Self {
        Self::play_with(seed, when, None, |_| {})
    }

    /// The same, where `before` is done to the host just before the theft, and its next moment is at `next`, if given.
    pub fn play_with(
        seed: u64,
        when: When,
        next: Option<u64>,
        before: impl FnOnce(&mut Host<Ordinary>),
    ) -> Self {
        let (mut party, mut host) = (Party::in_memory(), Host::born(seed));
        let When { met, stolen, anchor, accepted, until, every } = when;
        meets_first(&mut party, &mut host, met);
        let stolen = host.moment(stolen);
        before(&mut host);
        let loot = Loot::of(&host.lineage);
        let genesis = host.lineage.genesis().clone();
        next.into_iter().for_each(|next| drop(host.moment(next)));
        beats(&mut host, every, next.unwrap_or(when.stolen), anchor);
        let proof = proves(&mut party, &mut host, anchor - 1, anchor);
        let verdict = party.verify(PEER, &proof.encode(), accepted).unwrap();
        assert!(verdict.moved && verdict.lag == 0, "{when:?}");
        beats(&mut host, every, anchor, until);
        let (stolen, anchor) = (public(&genesis, &stolen), public(&genesis, proof.head().unwrap()));
        Self {
            party,
            host,
            stolen: loot.on(&stolen),
            loot,
            pledges: Pledges::of(genesis.salt()),
            anchor,
            when,
        }
    }

    /// Ticks from theft to anchor: over gaps up to this nothing is accepted.
    pub fn healed(&self) -> u64 {
        self.anchor.head.index - self.stolen.head.index
    }

    /// The lowest tier at which the thief can open what stands in the anchor.
    pub fn lowest(&self) -> Option<u8> {
        self.loot.tiers(&self.anchor).first().copied()
    }
}

/// The host's beats after `from` and before `to`, as far as they matter.
pub fn beats(host: &mut Host<Ordinary>, every: u64, from: u64, to: u64) {
    for index in (Beat { every, phase: from % every + 1 }).between(from, to, 2) {
        host.moment(index);
    }
}

/// They meet first, by a proof from the genesis.
pub fn meets_first(party: &mut Party, host: &mut Host<Ordinary>, t: u64) {
    let proof = proves(party, host, t - 1, t);
    party.enrol(PEER, &proof, t).unwrap();
}

/// A challenge is issued at `issued`, and the host answers at `t`.
pub fn proves(party: &mut Party, host: &mut Host<Ordinary>, issued: u64, t: u64) -> Proof {
    let challenge = party.ask(PEER, issued).unwrap();
    host.prove(t, &[challenge]).remove(0)
}
