//! Proofs whose moments say what they should not, under openings that are right: by who has all secrets.

use selfsame::hazmat::{self, Purpose};
use selfsame::{Challenge, Digest, Head, LineageId, Wanted};
use selfsame_tests::play::crafted::{self, AUDIENCE, Made, Proof, Says};
use selfsame_tests::play::item::{self, Item, bytes, uint};

use super::agree::Case;
use super::dice::Dice;
use super::values::{changed, damaged};

/// A chain of moments, and a challenge against one of them that the last answers.
struct Scene {
    chain: Vec<Made>,
    start: usize,
    challenge: Challenge,
    said: Vec<u8>,
}

impl Scene {
    /// Of one of the moments after the start, `change` changes what it says.
    fn new(dice: &mut Dice, change: impl FnOnce(&mut Says, &Made, &Made, &mut Dice)) -> Self {
        let bits = 2 + dice.below(30);
        let length = 2 + dice.below(16);
        let start = dice.below(length - 1);
        let target = start + 1 + dice.below(length - start);
        let mut change = Some(change);
        let mut chain = vec![crafted::genesis("host")];
        let (mut challenge, mut said) = (None, vec![]);
        for place in 1..=length {
            let before = &chain[place - 1];
            if place == start + 1 {
                let heads: &[Head] = if start > 0 { &[before.head] } else { &[] };
                let asked = item::challenge(AUDIENCE, &dice.hash(), Some(&before.lineage), heads);
                said = crafted::statement(&asked).encode();
                challenge = Some(asked);
            }
            let index = before.head.index + dice.up_to_bits(bits);
            let next = before.then_saying("host", index, |says| {
                if place == length {
                    says.statements = Some((1, crafted::leaf(&said)));
                }
                if place == target
                    && let Some(change) = change.take()
                {
                    change(says, &chain[start], before, dice);
                }
            });
            chain.push(next);
        }
        Self { chain, start, challenge: challenge.unwrap(), said }
    }

    fn right(dice: &mut Dice) -> Self {
        Self::new(dice, |_, _, _, _| {})
    }

    fn from(&self) -> &[Made] {
        &self.chain[self.start..]
    }

    fn case(&self, made: &'static str, hops: Vec<Item>) -> Case {
        let start = &self.chain[self.start];
        let proof = Proof::from(start, hops, &self.said).encode();
        let anchor = (self.start > 0).then(|| start.anchor());
        let challenge = self.challenge.clone();
        Case { made, anchor, challenge, proof, wanted: Wanted::default() }
    }
}

pub fn crafted(dice: &mut Dice) -> Case {
    match dice.below(7) {
        0..=3 => {
            let scene = Scene::new(dice, wrong);
            scene.case("crafted moment", crafted::way(scene.from()))
        }
        4 => {
            let scene = Scene::right(dice);
            scene.case("crafted body", other_body(&scene, dice))
        }
        5 => {
            let scene = Scene::right(dice);
            scene.case("crafted way", other_way(&scene, dice))
        }
        _ => {
            let scene = Scene::right(dice);
            scene.case("crafted hop", other_hop(&scene, dice))
        }
    }
}

/// One thing that a moment should not say.
fn wrong(says: &mut Says, start: &Made, before: &Made, dice: &mut Dice) {
    let tier = usize::from(hazmat::tier(before.head.index, says.index));
    match dice.below(12) {
        0 => says.lineage = LineageId::new(dice.hash()),
        1 => says.previous.digest = Digest::new(dice.hash()),
        2 => says.previous.index = dice.below(says.previous.index.max(1) as usize) as u64,
        3 => says.previous.index += dice.below((says.index - before.head.index) as usize) as u64,
        4 if tier < 15 => says.new_pledge(tier + 1 + dice.below(15 - tier), "changed"),
        5 | 9 => says.take_pledge(dice.below(tier + 1), start),
        6 => says.take_pledge(dice.below(tier + 1), before),
        7 => says.statements = Some((1 + dice.below(2) as u64, Digest::new(dice.hash()))),
        8 => says.previous = start.head,
        10 => says.previous = Head { digest: Digest::new(dice.hash()), ..start.head },
        _ => says.wall_ms = dice.up_to_bits(64),
    }
}

/// The last moment's body changed, and opened over what it is now.
fn other_body(scene: &Scene, dice: &mut Dice) -> Vec<Item> {
    let mut chain = scene.from().to_vec();
    let head = chain.last_mut().unwrap();
    head.body = if dice.once_in(5) { damaged(&head.body, dice) } else { changed(&head.body, dice) };
    head.head.digest = Digest::new(Purpose::Moment.hash(&head.body));
    crafted::way(&chain)
}

/// A way by another tier somewhere, each hop with the right opening.
fn other_way(scene: &Scene, dice: &mut Dice) -> Vec<Item> {
    let chain = scene.from();
    let indices: Vec<u64> = chain.iter().map(|made| made.head.index).collect();
    let (last, head) = (chain.len() - 1, indices[chain.len() - 1]);
    let cap = dice.below(16) as u8;
    let (mut at, mut hops) = (0, vec![]);
    while at < last {
        let tier = cap.min(hazmat::tier(indices[at], head));
        let to = (at + 1..=last).find(|to| hazmat::tier(indices[to - 1], indices[*to]) >= tier).unwrap();
        hops.push(chain[at].hop(tier, &chain[to]));
        at = to;
    }
    hops
}

/// The way with one hop that leads elsewhere, or by another tier, with the right opening.
fn other_hop(scene: &Scene, dice: &mut Dice) -> Vec<Item> {
    let chain = scene.from();
    let last = chain.len() - 1;
    let (head, start) = (chain[last].head.index, chain[0].head.index);
    let from = dice.below(last);
    let to = from + 1 + dice.below(last - from);
    let x = chain[from].head.index;
    let tier = hazmat::cap(head - start).min(hazmat::tier(x, head));
    let mut hops = if from > 0 { way_to(chain, from, head - start, head) } else { vec![] };
    if hops.is_empty() && from > 0 {
        hops.push(chain[0].hop(tier, &chain[from]));
    }
    match dice.below(5) {
        // to a moment that is not the first of its tier, or not of its tier
        0 | 1 => hops.push(chain[from].hop(tier, &chain[to])),
        2 => hops.push(chain[from].hop(dice.below(16) as u8, &chain[to])),
        // beyond the head, which the last hop then falls back to
        3 => {
            let beyond = chain[last].then("host", head + dice.up_to_bits(20));
            hops.push(chain[from].hop(tier, &beyond));
        }
        _ => {
            let stranger = crafted::genesis("stranger").then("stranger", x + 1);
            hops.push(Item::Array(vec![
                uint(tier),
                bytes(chain[from].opening(tier, &stranger.head.digest).as_bytes()),
                bytes(&stranger.body),
            ]));
        }
    }
    if to < last || dice.once_in(3) {
        let rest = way_to(&chain[to.min(last - 1)..], last - to.min(last - 1), head - start, head);
        hops.extend(rest);
    }
    let ends_in_head = hops
        .last()
        .is_some_and(|hop| matches!(hop, Item::Array(fields) if fields[2] == bytes(&chain[last].body)));
    if !ends_in_head {
        hops.push(chain[last - 1].hop(0, &chain[last]));
    }
    hops
}

/// The hops of the one way over the whole gap, from the first of the chain as far as it leads to the moment at `to`.
fn way_to(chain: &[Made], to: usize, gap: u64, head: u64) -> Vec<Item> {
    let index = |at: usize| chain[at].head.index;
    let (mut at, mut hops) = (0, vec![]);
    while at < to {
        let tier = hazmat::cap(gap).min(hazmat::tier(index(at), head));
        let next = (at + 1..chain.len()).find(|next| hazmat::tier(index(next - 1), index(*next)) >= tier);
        let Some(next) = next.filter(|next| *next <= to) else { break };
        hops.push(chain[at].hop(tier, &chain[next]));
        at = next;
    }
    hops
}
