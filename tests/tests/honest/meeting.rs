//! One host and one relying party that met it, step by step.

use selfsame::{Challenge, Proof, Refusal, Verdict};
use selfsame_tests::play::{Chance, Party};

use super::machine::Machine;

/// What the relying party calls the host.
pub const PEER: &str = "web1";

pub struct Meeting {
    pub chance: Chance,
    pub party: Party,
    pub machine: Machine,
    pub t: u64,
}

impl Meeting {
    /// Nobody has met anybody yet.
    pub fn strangers() -> Self {
        let mut chance = Chance::new(1);
        let machine = Machine::started(&mut chance, 0, None);
        Self { chance, party: Party::default(), machine, t: 100 }
    }

    /// The relying party has enrolled the host.
    pub fn enrolled() -> Self {
        let mut meeting = Self::strangers();
        let challenge = meeting.ask();
        let proof = meeting.answer(&challenge);
        meeting.party.enrol(PEER, &proof, meeting.t).unwrap();
        meeting
    }

    pub fn passes(&mut self, ticks: u64) {
        self.t += ticks;
    }

    /// A challenge, on its way.
    pub fn ask(&mut self) -> Challenge {
        self.passes(100);
        self.party.ask(PEER, self.t).unwrap()
    }

    /// The host's answer, by a moment of its own.
    pub fn answer(&mut self, challenge: &Challenge) -> Proof {
        self.passes(100);
        self.machine.answers(self.t, std::slice::from_ref(challenge)).remove(0).unwrap()
    }

    pub fn verify(&mut self, proof: &Proof) -> Result<Verdict, Refusal> {
        self.passes(100);
        self.party.verify(PEER, &proof.encode(), self.t)
    }

    /// The relying party asks, and takes the answer.
    pub fn meets(&mut self) -> Verdict {
        let challenge = self.ask();
        let proof = self.answer(&challenge);
        self.verify(&proof).unwrap()
    }

    /// Heads that the relying party has accepted and the host has not confirmed.
    pub fn unconfirmed(&mut self) -> usize {
        self.party.store().peer(PEER).unwrap().unconfirmed().len()
    }
}
