//! How it begins: a host, a relying party that met it, and a copy of the host's memory.

use selfsame::{Challenge, Fork, Ordinary, Proof, ProveRefusal, Refusal, Verdict};
use selfsame_tests::play::host::Host;
use selfsame_tests::play::sparse::Beat;
use selfsame_tests::play::{Party, asked_for_hop, copied};

/// What the relying party calls the host.
pub const PEER: &str = "web1";

/// Ticks of a second.
pub const SECOND: u64 = selfsame::TICKS_PER_SECOND;

/// A challenge is so long on its way, in ticks.
pub const WAY: u64 = 100;

/// When things happen, in ticks of the host's age.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The relying party last meets the host.
    pub met: u64,
    /// The host's memory is copied.
    pub copied: u64,
}

/// A host, one who met it, and what was in its memory when it was copied.
#[derive(Debug)]
pub struct Scene {
    pub party: Party,
    pub host: Host<Ordinary>,
    pub beat: Beat,
}

impl Scene {
    /// Until the host's memory is copied.
    pub fn until_copied(seed: u64, times: Times, beat: Beat) -> Self {
        let Times { met, copied } = times;
        let mut scene = Self { party: Party::in_memory(), host: Host::born(seed), beat };
        let first = (met / 2).clamp(WAY + 1, met - 1);
        scene.beats(0, first, 1);
        let challenge = scene.party.ask(PEER, first - WAY).unwrap();
        let proof = scene.host.prove(first, &[challenge]).remove(0);
        scene.party.enrol(PEER, &proof, first).unwrap();
        scene.beats(first, met, 4);
        scene.meets(met).unwrap();
        scene.beats(met, copied, 4);
        scene
    }

    /// The host's beats after `from` and before `to`, as far as they matter: the `last` of them at least.
    pub fn beats(&mut self, from: u64, to: u64, last: u64) {
        for index in self.beat.between(from, to, last) {
            if index > self.host.lineage.head().index {
                self.host.moment(index);
            }
        }
    }

    /// The relying party asks, and the host answers at `t`.
    pub fn meets(&mut self, t: u64) -> Result<Verdict, Refusal> {
        let challenge = self.asked(t);
        let proof = self.host.prove(t, &[challenge]).remove(0);
        self.party.verify(PEER, &proof.encode(), t)
    }

    /// A challenge that arrives at `t`.
    pub fn asked(&mut self, t: u64) -> Challenge {
        self.party.ask(PEER, t - WAY).unwrap()
    }

    /// A clone of the machine, which goes on by itself.
    pub fn clone_of_host(&self, seed: u64) -> Host<Ordinary> {
        copied(&self.host, seed)
    }

    /// What the host itself says when it is asked at `t`.
    pub fn host_answers(&mut self, t: u64) -> Result<Proof, ProveRefusal> {
        let challenge = self.asked(t);
        self.host.try_prove(t, &[challenge]).unwrap().remove(0)
    }

    /// The relying party's questions, asked of the host, until one shows a fork.
    pub fn questioned(&mut self) -> Option<Fork> {
        let Self { party, host, .. } = self;
        party.questioned(PEER, |index, tier| asked_for_hop(host, index, tier))
    }
}

/// What a third party says of a fork, which knows nothing but the lineage's id.
pub fn convinces_anyone(fork: &Fork, lineage: &selfsame::LineageId) -> bool {
    let told = Fork::parse(&fork.encode()).unwrap();
    told.lineage() == lineage && told.check([]) == Ok(selfsame::ForkStart::Genesis)
}
