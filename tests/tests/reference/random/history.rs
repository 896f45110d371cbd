//! Real lineages with irregular schedules, and the proofs that they give.

use selfsame::{
    Anchor, Challenge, Evidence, EvidenceFields, Head, Ordinary, Proof, Request, Step, Subject, Wanted,
};
use selfsame::{Behaviour, Condition, Digest, TpmClock};
use selfsame_tests::play::host::{AUDIENCE, BORN_MS, Host};
use selfsame_tests::play::item;

use super::agree::{Case, plain};
use super::dice::Dice;
use crate::spec::messages;
use crate::spec::way::way;

/// A lineage, and all that it has handed out.
pub struct History {
    pub host: Host<Ordinary>,
    /// The indices of all its moments.
    pub indices: Vec<u64>,
    /// Heads that it handed out, ascending; the first is the genesis.
    pub anchors: Vec<Anchor>,
    /// Ticks between two moments: at most so many bits.
    bits: usize,
}

impl History {
    pub fn born(dice: &mut Dice) -> Self {
        let mut host = Host::born(dice.number());
        let anchors = vec![host.lineage.introduce().anchor()];
        // from ticks to 2 years; now and then to 2,000 (the wall time of crafted moments ends at 140,000)
        let bits = if dice.once_in(12) { 48 } else { 2 + dice.below(37) };
        Self { host, indices: vec![0], anchors, bits }
    }

    /// The index of a next moment.
    pub fn next(&self, dice: &mut Dice) -> u64 {
        self.host.lineage.head().index + dice.up_to_bits(self.bits)
    }

    /// Moments, some of which are handed out.
    pub fn live(&mut self, dice: &mut Dice) {
        for _ in 0..1 + dice.below(25) {
            let index = self.next(dice);
            self.host.moment(index);
            self.indices.push(index);
            if dice.once_in(4) {
                self.anchors.push(self.host.lineage.introduce().anchor());
            }
        }
    }

    /// An anchor, or none at a first meeting, and a challenge against it.
    pub fn challenge(&self, dice: &mut Dice) -> (Option<Anchor>, Challenge) {
        let nonce = [dice.hash(), dice.hash()].concat();
        let nonce = &nonce[..16 + dice.below(49)];
        let lineage = self.host.lineage.id();
        let place = if dice.once_in(4) { 0 } else { dice.below(self.anchors.len()) };
        let anchor = &self.anchors[place];
        if anchor.index() > 0 {
            let first = dice.below(place) + 1;
            let since: Vec<Head> = self.anchors[first.min(place)..=place].iter().map(Anchor::head).collect();
            return (Some(anchor.clone()), item::challenge(AUDIENCE, nonce, Some(lineage), &since));
        }
        let told = if dice.once_in(3) { None } else { Some(lineage) };
        let is_stored = told.is_some() && !dice.once_in(3);
        let stored = is_stored.then(|| anchor.clone());
        (stored, item::challenge(AUDIENCE, nonce, told, &[]))
    }

    /// One moment that answers a few challenges: good proofs.
    pub fn answer(&mut self, dice: &mut Dice) -> Vec<Case> {
        let mut asked = Vec::new();
        let mut requests = Vec::new();
        for _ in 0..1 + dice.below(5) {
            let (anchor, challenge) = self.challenge(dice);
            let subject = subject(dice);
            let wanted = Wanted {
                uid: if dice.once_in(2) { subject.uid } else { None },
                unit: if dice.once_in(2) { subject.unit.clone() } else { None },
                app: if dice.once_in(2) { subject.app.clone() } else { None },
            };
            asked.push((anchor, challenge.clone(), wanted));
            let payload = if dice.once_in(2) { Some(vec![7; dice.below(4097)]) } else { None };
            requests.push(Request { audience: AUDIENCE.into(), challenge, subject, payload });
        }
        let index = self.next(dice);
        let (randomness, evidence) = (dice.hash(), evidence(dice));
        let wall_ms = (BORN_MS + index / 4096 * 1000).min((1 << 63) - 1);
        let step = Step { index, wall_ms, randomness: &randomness, evidence };
        let proofs = self.host.lineage.prove(step, requests).unwrap();
        self.indices.push(index);
        let mut cases = Vec::new();
        for (proof, (anchor, challenge, wanted)) in proofs.into_iter().zip(asked) {
            let proof = proof.unwrap();
            self.hold_against_the_way(&proof);
            cases.push(Case { made: "good", anchor, challenge, proof: proof.encode(), wanted });
        }
        self.anchors.push(self.host.lineage.introduce().anchor());
        cases
    }

    /// The hops are those of the one way, by who sees the whole history.
    fn hold_against_the_way(&self, proof: &Proof) {
        let slow = messages::Proof::parse(&proof.encode()).unwrap();
        let mut x = slow.since;
        let mut hops = Vec::new();
        for hop in &slow.hops {
            hops.push((x, hop.tier, hop.moment.index));
            x = hop.moment.index;
        }
        assert_eq!(hops, way(&self.indices, slow.since, slow.head().index));
        let genesis = plain(&self.anchors[0]);
        assert!(slow.genesis.is_none_or(|found| found.anchor() == genesis));
    }
}

fn subject(dice: &mut Dice) -> Subject {
    let mut text = |most: usize| if dice.once_in(2) { Some("é".repeat(1 + dice.below(most))) } else { None };
    let (unit, exe, label, app) = (text(9), text(2048), text(9), text(2));
    let mut id = || if dice.once_in(2) { Some(dice.up_to_bits(32) as u32) } else { None };
    let (uid, gid, pid) = (id(), id(), id());
    let invocation = dice.maybe([3; 16]);
    Subject { uid, gid, pid, unit, exe, label, app, invocation }
}

fn evidence(dice: &mut Dice) -> Evidence {
    let commitment = Some(Digest::new(dice.hash()));
    let behaviour = Behaviour { samples: Some(dice.number()), drift: Some(7), commitment };
    let clock = TpmClock {
        clock_ms: Some(dice.up_to_bits(63)),
        reset_count: Some(1),
        restart_count: None,
        safe: Some(dice.once_in(2)),
    };
    let sources = vec!["kernel".to_owned(), "hwrng:optee-rng".to_owned()];
    let condition = dice.one_of(&[Condition::Steady, Condition::Warming, Condition::Degraded]);
    Evidence::new(EvidenceFields {
        sources: dice.maybe(sources),
        behaviour: dice.maybe(behaviour),
        tpm_clock: dice.maybe(clock),
        condition: dice.maybe(condition),
    })
    .unwrap()
}
