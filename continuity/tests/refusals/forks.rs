//! The fork of section 7: each variant of `ForkRefusal`, and of `IntroduceRefusal`.

use selfsame::{Anchor, Fork, ForkRefusal, ForkStart, Peer};

use super::crafted::{Made, genesis};
use super::party::{Party, at};
use super::table::{Row, hold, row};
use crate::item::{Item, bytes, map, uint};

/// What evidence of a fork says, before it is encoded.
#[derive(Clone)]
struct Says {
    lineage: Made,
    genesis: Option<Made>,
    way: Vec<Item>,
    hops: [Item; 2],
}

impl Says {
    fn fork(&self) -> Fork {
        let [first, second] = self.hops.clone();
        let item = map([
            (1, Some(uint(1u8))),
            (2, Some(bytes(self.lineage.lineage.as_bytes()))),
            (3, self.genesis.as_ref().map(|genesis| bytes(&genesis.body))),
            (4, Some(Item::Array(self.way.clone()))),
            (5, Some(first)),
            (6, Some(second)),
        ]);
        Fork::parse(&item.encode()).expect("well-formed")
    }

    fn check(&self, held: &[Anchor]) -> Result<ForkStart, ForkRefusal> {
        self.fork().check(held)
    }
}

/// The host's moment at 16, and what the host and its copy made of it, for anyone.
fn parted() -> (Made, Made, Says) {
    let genesis = genesis("host");
    let sixteen = genesis.then("host", 16);
    let hops = ["host", "copy"].map(|who| sixteen.hop(1, &sixteen.then(who, 20)));
    let way = vec![genesis.hop(2, &sixteen)];
    let says = Says { lineage: genesis.clone(), genesis: Some(genesis.clone()), way, hops };
    (genesis, sixteen, says)
}

/// A right one, of lineage `host`, for anyone.
pub fn right() -> Fork {
    parted().2.fork()
}

/// One for anyone, of this genesis's lineage.
pub fn fork_of(genesis: &Made, way: Vec<Item>, hops: [Item; 2]) -> Fork {
    Says { lineage: genesis.clone(), genesis: Some(genesis.clone()), way, hops }.fork()
}

/// The same, for who holds the moment at 16.
fn for_who_holds() -> Says {
    Says { genesis: None, way: Vec::new(), ..parted().2 }
}

#[test]
fn each_check_of_a_fork_refuses_what_breaks_just_it() {
    let mut rows = vec![no_start(), way(), hop(), two_pledges()];
    rows.extend(other_lineage());
    rows.extend(one_moment());
    hold("ForkRefusal", include_str!("../../src/fork.rs"), &[], rows);
}

fn other_lineage() -> [Row; 3] {
    let (genesis, sixteen, right) = parted();
    let other = super::crafted::genesis("other");
    let named = Says { lineage: other.clone(), ..right.clone() };
    let held = for_who_holds();
    let told = |lineage| Peer::expecting(lineage).learn(&right.fork());
    [
        row("OtherLineage", named.check(&[]), right.check(&[])),
        row("OtherLineage", held.check(&[other.then("host", 16).anchor()]), held.check(&[sixteen.anchor()])),
        row("OtherLineage", told(other.lineage), told(genesis.lineage)),
    ]
}

/// From a moment that the checker itself accepted by a proof: an introduction is not enough.
fn no_start() -> Row {
    let (_, sixteen, _) = parted();
    let says = for_who_holds();
    let learn = |mut party: Party| party.peer.learn(&says.fork());
    assert_eq!(says.check(&[]), Err(ForkRefusal::NoStart));
    assert_eq!(learn(Party::of(Peer::unknown())), Err(ForkRefusal::NoStart));
    let introduced = Party::of(Peer::introduced(&sixteen.introduction(), &at(16)));
    let mut proven = introduced.clone();
    proven.meet(&[sixteen], 17);
    row("NoStart", learn(introduced), learn(proven))
}

fn way() -> Row {
    let (genesis, _, right) = parted();
    let other = genesis.then("copy", 16);
    // to the copy's moment at 16, by the host's opening
    let wrong = Item::Array(vec![uint(2u8), opening(&right.way[0]), bytes(&other.body)]);
    let broken = Says { way: vec![wrong], ..right.clone() };
    row("Way { number: 1, why: Opening { tier: 2 } }", broken.check(&[]), right.check(&[]))
}

fn opening(hop: &Item) -> Item {
    match hop {
        Item::Array(parts) => parts[1].clone(),
        other => other.clone(),
    }
}

fn hop() -> Row {
    let (_, sixteen, right) = parted();
    let copys = sixteen.then("copy", 20);
    let wrong = Item::Array(vec![uint(1u8), opening(&right.hops[0]), bytes(&copys.body)]);
    let broken = Says { hops: [right.hops[0].clone(), wrong], ..right.clone() };
    row("Hop { number: 2, why: Opening { tier: 1 } }", broken.check(&[]), right.check(&[]))
}

fn two_pledges() -> Row {
    let (_, sixteen, right) = parted();
    let copys = sixteen.then("copy", 20);
    let by = |tier| Says { hops: [right.hops[0].clone(), sixteen.hop(tier, &copys)], ..right.clone() };
    row("TwoPledges { first: 1, second: 0 }", by(0).check(&[]), by(1).check(&[]))
}

fn one_moment() -> [Row; 2] {
    let (_, sixteen, right) = parted();
    let held = for_who_holds();
    let same = |says: &Says| Says { hops: [says.hops[0].clone(), says.hops[0].clone()], ..says.clone() };
    let at = [sixteen.anchor()];
    [
        row("OneMoment", same(&right).check(&[]), right.check(&[])),
        row("OneMoment", same(&held).check(&at), held.check(&at)),
    ]
}

#[test]
fn each_check_of_an_introduction_refuses_what_breaks_just_it() {
    let (party, anchor) = Party::with_anchor(16);
    let replace = |mut party: Party, by: &Made| party.peer.replace(&by.introduction(), &at(20));
    let other = genesis("other").then("host", 16);
    let mut forked = party.clone();
    forked.peer.learn(&right()).expect("it shows a fork");
    let told = Party::of(Peer::expecting(anchor.lineage));
    let rows = vec![
        row("OtherLineage", replace(party.clone(), &other), replace(party.clone(), &anchor)),
        row("OtherLineage", replace(told.clone(), &other), replace(told, &anchor)),
        row("KnownFork", replace(forked, &anchor), replace(party, &anchor)),
    ];
    hold("IntroduceRefusal", include_str!("../../src/peer/refusals.rs"), &[], rows);
}

/// Of two forks of a lineage one for anyone is kept, and of two alike the first.
#[test]
fn the_fork_that_convinces_more_is_kept() {
    let (_, sixteen, anyones) = parted();
    let ours = for_who_holds();
    let swapped = |says: &Says| {
        let [first, second] = says.hops.clone();
        Says { hops: [second, first], ..says.clone() }.fork()
    };
    let mut party = Party::of(Peer::introduced(&sixteen.introduction(), &at(16)));
    party.meet(&[sixteen], 17);
    let keeps = |learnt: &[&Fork], kept: &Fork| {
        let mut peer = party.peer.clone();
        for fork in learnt {
            peer.learn(fork).expect("it shows a fork");
        }
        peer.fork() == Some(kept)
    };
    let (anyones_too, ours_too) = (swapped(&anyones), swapped(&ours));
    let (anyones, ours) = (anyones.fork(), ours.fork());
    assert!(keeps(&[&ours, &anyones], &anyones));
    assert!(keeps(&[&anyones, &ours], &anyones));
    assert!(keeps(&[&anyones, &anyones_too], &anyones));
    assert!(keeps(&[&ours, &ours_too], &ours));
}
