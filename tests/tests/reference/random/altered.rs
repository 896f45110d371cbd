//! Good proofs with something done to them.

use selfsame::{Head, LineageId, Opening, Proof};
use selfsame_tests::play::item::{self, Item, bytes, uint};
use selfsame_tests::play::{crafted, host::AUDIENCE};

use super::agree::Case;
use super::dice::Dice;
use super::history::History;
use super::values::{changed, damaged};

/// A good proof, and another of the same lineage, become one that is most likely bad.
pub fn altered(good: &Case, other: &Case, history: &History, dice: &mut Dice) -> Case {
    let mut case = good.clone();
    match dice.below(11) {
        10 => {
            case.made = "overtaken";
            overtaken(&mut case, history, dice);
        }
        0 => {
            case.made = "bytes";
            case.proof = damaged(&good.proof, dice);
        }
        1 => {
            case.made = "values";
            case.proof = changed(&good.proof, dice);
        }
        2 | 3 => {
            case.made = "inside";
            case.proof = inside(&good.proof, dice);
        }
        4 => {
            case.made = "asked";
            asked(&mut case, other, history, dice);
        }
        5 | 6 => {
            case.made = "hops";
            let mut proof = taken_apart(&good.proof);
            hops(&mut proof.hops, &taken_apart(&other.proof).hops, dice);
            case.proof = proof.encode();
        }
        7 => {
            case.made = "statement";
            case.proof = statement(&good.proof, dice);
        }
        _ => {
            case.made = "parts";
            case.proof = parts(&good.proof, &other.proof, dice);
        }
    }
    case
}

fn taken_apart(proof: &[u8]) -> crafted::Proof {
    let proof = Proof::parse(proof).unwrap();
    let hop = |hop: &selfsame::Hop| {
        Item::Array(vec![uint(hop.tier()), bytes(hop.opening().as_bytes()), bytes(hop.moment().body())])
    };
    let inclusion = proof.inclusion();
    crafted::Proof {
        version: 1,
        lineage: *proof.lineage(),
        since: proof.since(),
        hops: proof.hops().iter().map(hop).collect(),
        statement: proof.statement_bytes().to_vec(),
        inclusion: item::inclusion(inclusion.position(), inclusion.count(), inclusion.path()),
        genesis: proof.genesis().map(|genesis| genesis.body().to_vec()),
    }
}

/// The last that was handed out is the anchor, and the proof says that it starts there.
fn overtaken(case: &mut Case, history: &History, dice: &mut Dice) {
    let anchor = history.anchors.last().unwrap();
    case.challenge = item::challenge(AUDIENCE, &dice.hash(), Some(anchor.lineage()), &[anchor.head()]);
    let mut proof = taken_apart(&case.proof);
    proof.since = anchor.index();
    case.proof = proof.encode();
    case.anchor = Some(anchor.clone());
}

/// Something in the statement, in a moment or in the genesis.
fn inside(proof: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut proof = taken_apart(proof);
    let mut change = |given: &[u8]| if dice.once_in(4) { damaged(given, dice) } else { changed(given, dice) };
    match (proof.statement.len() + proof.hops.len()) % 3 {
        0 => proof.statement = change(&proof.statement),
        1 if proof.genesis.is_some() => proof.genesis = proof.genesis.map(|genesis| change(&genesis)),
        _ => {
            let mut hop = proof.hops.pop().unwrap();
            if let Item::Array(fields) = &mut hop
                && let Item::Bytes(body) = &mut fields[2]
            {
                *body = change(body);
            }
            proof.hops.push(hop);
        }
    }
    proof.encode()
}

/// Another challenge, another anchor, or somebody else is asked for.
fn asked(case: &mut Case, other: &Case, history: &History, dice: &mut Dice) {
    let (lineage, since) = (case.challenge.lineage().copied(), case.challenge.since().to_vec());
    let nonce = dice.hash();
    match dice.below(9) {
        0 => case.challenge = item::challenge(AUDIENCE, &nonce, lineage.as_ref(), &since),
        1 => {
            let nonce = case.challenge.nonce();
            case.challenge = item::challenge("other.example", nonce, lineage.as_ref(), &since);
        }
        2 => {
            case.anchor.clone_from(&other.anchor);
            case.challenge = other.challenge.clone();
        }
        3 => (case.anchor, case.challenge) = history.challenge(dice),
        4 => {
            let stranger = crafted::genesis("stranger").then("stranger", 7);
            let heads: &[Head] = if since.is_empty() { &[] } else { &[stranger.head] };
            case.anchor = case.anchor.is_some().then(|| stranger.anchor());
            case.challenge = item::challenge(AUDIENCE, &nonce, Some(&stranger.lineage), heads);
        }
        _ => match dice.below(3) {
            0 => case.wanted.uid = Some(dice.below(3) as u32),
            1 => case.wanted.unit = Some("another.service".to_owned()),
            _ => case.wanted.app = Some(String::new()),
        },
    }
}

fn hops(hops: &mut Vec<Item>, others: &[Item], dice: &mut Dice) {
    let (one, two) = (dice.below(hops.len()), dice.below(hops.len()));
    match dice.below(8) {
        0 if hops.len() > 1 => drop(hops.remove(one)),
        1 => hops.swap(one, two),
        2 => hops.insert(two, hops[one].clone()),
        3 => hops[one] = dice.one_of(others),
        4 => hops.insert(one, dice.one_of(others)),
        5 => {
            let one = hops[one].clone();
            let count = 45 + dice.below(8);
            hops.resize(hops.len().max(count), one);
        }
        6 => hops.reverse(),
        _ => {
            let Item::Array(fields) = &mut hops[one] else { panic!("a hop is an array") };
            if dice.once_in(2) {
                fields[0] = uint(dice.below(17) as u64);
            } else {
                let mut opening = vec![0; selfsame::OPENING_BYTES];
                opening[..32].copy_from_slice(&dice.hash());
                assert!(Opening::from_bytes(&opening).is_some());
                fields[1] = bytes(opening);
            }
        }
    }
}

/// Another statement, which is well-formed, and says it of this challenge or another.
fn statement(proof: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut apart = taken_apart(proof);
    let proof = Proof::parse(proof).unwrap();
    let mut said = crafted::Statement {
        audience: AUDIENCE.to_owned(),
        challenge: *proof.statement().challenge(),
        subject: Item::Map(vec![(1, uint(dice.below(2) as u64))]),
        known: proof.statement().known(),
    };
    match dice.below(4) {
        0 => said.audience = "other.example".to_owned(),
        1 => said.challenge = selfsame::Digest::new(dice.hash()),
        2 => said.known = if said.known.is_some() { None } else { Some(dice.once_in(2)) },
        _ => (),
    }
    apart.statement = said.encode();
    apart.encode()
}

fn parts(proof: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let (mut apart, other) = (taken_apart(proof), taken_apart(other));
    let proof = Proof::parse(proof).unwrap();
    let inclusion = proof.inclusion();
    let (position, count, mut path) = (inclusion.position(), inclusion.count(), inclusion.path().to_vec());
    let digest = selfsame::Digest::new(dice.hash());
    match dice.below(15) {
        0 => apart.version = 2,
        1 => apart.since = dice.up_to_bits(64) - 1,
        2 => apart.since = other.since,
        3 => apart.genesis = if apart.genesis.is_some() { None } else { other.genesis },
        4 | 12..=13 => apart.genesis = apart.genesis.map(|_| crafted::genesis("stranger").genesis),
        5 => apart.lineage = LineageId::new(dice.hash()),
        6 => apart.inclusion = item::inclusion((position + 1) % count, count, &path),
        7 => apart.inclusion = item::inclusion(position, count + dice.below(3) as u64, &path),
        8 => {
            path.resize(dice.below(19), digest);
            apart.inclusion = item::inclusion(position, count, &path);
        }
        9 => {
            path.push(digest);
            apart.inclusion = item::inclusion(dice.below(7) as u64, dice.below(7) as u64, &path);
        }
        10 => apart.statement = other.statement,
        _ => apart.genesis = Some(crafted::genesis("stranger").genesis),
    }
    apart.encode()
}
