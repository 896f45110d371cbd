//! Section 4: every moment that was handed out reaches every later head, by the one way, in few hops.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use selfsame::{Anchor, Head, Moment, Ordinary, Pledge, Proof, Wanted, hazmat, verify};

use super::count::check;
use super::host::{AUDIENCE, Host};
use super::model::{self, History};
use super::schedule::indices;
use crate::item;

/// A lineage, its history, and every moment that it handed out.
struct Walked {
    host: Host<Ordinary>,
    history: History,
    anchors: Vec<Anchor>,
    /// All moments, handed out or not, by index.
    moments: HashMap<u64, Anchor>,
    /// The pledge that an opening opens, by tier and moment: each is worked out once.
    opened: HashMap<(u8, u64), Pledge>,
}

impl Walked {
    fn born(seed: u64) -> Self {
        let host = Host::born(seed);
        let genesis = Anchor::of_genesis(host.lineage.genesis());
        let moments = HashMap::from([(0, genesis.clone())]);
        let history = History::of_genesis();
        Self { host, history, anchors: vec![genesis], moments, opened: HashMap::new() }
    }

    fn made(&mut self, moment: &Moment) -> Anchor {
        let genesis = self.host.lineage.genesis();
        let anchor = Anchor::new(*moment.lineage(), *genesis.salt(), moment.head(), *moment.pledges());
        self.history.push(moment.index());
        self.moments.insert(moment.index(), anchor.clone());
        anchor
    }

    /// A moment that is not handed out.
    fn beat(&mut self, index: u64) {
        let moment = self.host.moment(index);
        self.made(&moment);
    }

    /// A moment that is handed out, but proves nothing.
    fn introduce(&mut self, index: u64) {
        let moment = self.host.moment(index);
        self.host.lineage.introduce();
        let anchor = self.made(&moment);
        self.anchors.push(anchor);
    }

    /// A moment that answers a challenge from each of the anchors. All reach it; of some the proof is verified.
    fn reached(&mut self, index: u64, verified: usize) {
        let id = *self.host.lineage.id();
        let since = |anchor: &Anchor| Some(anchor.head()).filter(|head: &Head| head.index > 0);
        let challenges: Vec<_> = self
            .anchors
            .iter()
            .map(|anchor| item::challenge(AUDIENCE, &[7; 32], Some(&id), since(anchor).as_slice()))
            .collect();
        let proofs = self.host.prove(index, &challenges);
        let head = proofs.first().and_then(Proof::head).expect("every proof has a head").clone();
        let head = self.made(&head);
        let anchors = std::mem::take(&mut self.anchors);
        for (number, ((anchor, challenge), proof)) in anchors.iter().zip(&challenges).zip(&proofs).enumerate()
        {
            self.is_the_one_way(anchor, proof);
            if number < verified || number + verified >= anchors.len() {
                let found = verify(Some(anchor), challenge, &proof.encode(), &Wanted::default());
                assert_eq!(found.expect("it is right").head, head);
            }
        }
        self.anchors = anchors;
        self.anchors.push(head);
    }

    fn is_the_one_way(&mut self, anchor: &Anchor, proof: &Proof) {
        let (a, h) = (anchor.index(), self.history.head());
        let hops: Vec<_> = proof.hops().iter().map(|hop| (hop.tier(), hop.moment().index())).collect();
        assert_eq!(hops, self.history.way(a, h, model::cap(h - a)), "from {a} to {h}");
        assert!(hops.len() as u64 <= model::most_hops(h - a), "{} hops from {a} to {h}", hops.len());
        assert_eq!(proof.statement().known(), (a > 0).then_some(true), "it was handed out");
        let mut from = anchor;
        for hop in proof.hops() {
            let (tier, moment) = (hop.tier(), hop.moment());
            let opened = self.opened.entry((tier, moment.index()));
            let opened =
                opened.or_insert_with(|| hazmat::opened(hop.opening(), from.salt(), moment.digest()));
            assert_eq!(*opened, from.pledges()[usize::from(tier)], "the pledge that stood there");
            from = self.moments.get(&moment.index()).expect("every moment is known");
            assert_eq!(moment.head(), from.head());
        }
    }
}

#[test]
fn every_anchor_reaches_every_later_head_by_the_one_way() {
    let schedule = indices(1..24, 6).prop_flat_map(|indices| {
        let many = indices.len();
        (any::<u64>(), Just(indices), vec(prop::bool::weighted(0.7), many))
    });
    check(1000, schedule, |(seed, indices, handed_out)| {
        let mut walked = Walked::born(seed);
        for (index, handed_out) in indices.into_iter().zip(handed_out) {
            if handed_out { walked.reached(index, 1) } else { walked.beat(index) }
        }
    });
}

#[test]
fn anchors_of_long_ago_reach_the_head_after_their_openings_thinned_out() {
    check(40, (any::<u64>(), indices(80..160, 40)), |(seed, indices)| {
        let mut walked = Walked::born(seed);
        let last = indices.len() - 1;
        for (number, index) in indices.into_iter().enumerate() {
            if number % 150 == 149 || number == last {
                walked.reached(index, 5);
            } else {
                walked.introduce(index);
            }
        }
    });
}
