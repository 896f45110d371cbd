//! A relying party under test: a peer, and what its host and a copy of it answer.

use selfsame::{Boot, Challenge, Digest, Now, Peer, Policy, Refusal, Verdict};

use super::crafted::{AUDIENCE, BORN_MS, Made, Proof, genesis, leaf, statement, way};
use crate::item::Item;

/// The verifier's clocks at this age of the host's lineage: both run alike.
pub fn at(t: u64) -> Now {
    Now { boot: Boot([1; 16]), ticks: t, wall_ms: BORN_MS + t * 1000 / 4096 }
}

#[derive(Clone)]
pub struct Party {
    pub peer: Peer,
    asked: u8,
}

impl Party {
    pub fn of(peer: Peer) -> Self {
        Self { peer, asked: 0 }
    }

    /// Who was introduced to the host by its genesis, and accepted a proof that leads to the moment at `index`.
    pub fn with_anchor(index: u64) -> (Self, Made) {
        let genesis = genesis("host");
        let mut party = Self::of(Peer::introduced(&genesis.introduction(), &at(0)));
        let anchor = party.meet(&[genesis], index);
        (party, anchor)
    }

    pub fn ask(&mut self, t: u64) -> Challenge {
        self.ask_at(&at(t))
    }

    pub fn ask_at(&mut self, now: &Now) -> Challenge {
        self.asked += 1;
        self.peer.challenge(AUDIENCE, &[self.asked; 32], now).expect("few are out")
    }

    pub fn take(&mut self, proof: &[u8], t: u64) -> Result<Verdict, Refusal> {
        self.peer.take(proof, &at(t), &Policy::default())
    }

    /// Takes a proof, on a copy of this party: what has happened so far is the same for others.
    pub fn would_take(&self, proof: &[u8], t: u64) -> Result<Verdict, Refusal> {
        self.clone().take(proof, t)
    }

    /// Asks the host, which goes on from the last of these moments to one at `index`, at that age, and accepts it.
    pub fn meet(&mut self, since: &[Made], index: u64) -> Made {
        let challenge = self.ask(index);
        let (head, proof) = answer(&challenge, since, "host", index);
        self.take(&proof, index).unwrap_or_else(|refusal| panic!("at {index}: {refusal}"));
        head
    }
}

/// The right answer to a challenge against the first of these moments, by who goes on from the last of them.
pub fn answer(challenge: &Challenge, since: &[Made], seed: &str, index: u64) -> (Made, Vec<u8>) {
    let last = &since[since.len() - 1];
    let head = |root| last.then_saying(seed, index, |says| says.statements = Some((1, root)));
    crafted_answer(challenge, &since[0], head, |head| way(&[since, std::slice::from_ref(head)].concat()))
}

/// An answer to a challenge against `start`, with such a head and such hops.
pub fn crafted_answer(
    challenge: &Challenge,
    start: &Made,
    head: impl FnOnce(Digest) -> Made,
    hops: impl FnOnce(&Made) -> Vec<Item>,
) -> (Made, Vec<u8>) {
    let said = statement(challenge).encode();
    let head = head(leaf(&said));
    let proof = Proof::from(start, hops(&head), &said).encode();
    (head, proof)
}
