//! Checks 1 to 5 of section 7, written slowly, beside the specification and from the bytes.

use selfsame::hazmat::{self, Purpose};
use selfsame::{Anchor, Challenge, Digest, Opening, Proof, Salt};

use super::super::item::Item;
use super::super::tree::{bytes, get, items, number, read};
use super::merkle;

type Hash = [u8; 32];

/// A moment, as far as the checks need it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub index: u64,
    pub digest: Hash,
    pub pledges: Vec<Hash>,
}

/// A hop, and where it leads from.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    pub from: Moment,
    pub tier: usize,
    pub to: Moment,
    pub previous: (u64, Hash),
}

/// What a proof has shown.
pub struct Shown {
    pub start: Moment,
    pub hops: Vec<Hop>,
}

/// What a proof shows to who has asked this from there; `None` where it shows nothing. (What is well-formed is the
/// parsers' matter.)
pub fn shows(anchor: Option<&Anchor>, challenge: &Challenge, proof: &[u8]) -> Option<Shown> {
    Proof::parse(proof).ok()?;
    let proof = read(proof)?;
    let bodies: Vec<Item> = items(get(&proof, 4)?)?.iter().map(body).collect::<Option<_>>()?;
    let head = bodies.last()?;
    let (a, h) = (number(get(&proof, 3)?)?, number(get(head, 3)?)?);
    // 2 and 4, and 1's bound
    let lineage = hash(get(&proof, 2)?)?;
    ensure(anchor.map_or(0, Anchor::index) == a && h > a)?;
    ensure(bodies.len() as u64 <= 45 + (h - a) / 4u64.pow(15))?;
    ensure(anchor.is_none_or(|anchor| *anchor.lineage().as_bytes() == lineage))?;
    ensure(challenge.lineage().is_none_or(|asked| *asked.as_bytes() == lineage))?;
    ensure(get(&proof, 8).is_some() == (a == 0))?;
    let genesis = get(&proof, 8).and_then(bytes);
    ensure(genesis.is_none_or(|genesis| Purpose::Moment.hash(genesis) == lineage))?;
    let (start, salt) = match anchor {
        Some(anchor) => (of_anchor(anchor), *anchor.salt()),
        None => (moment(genesis?)?, Salt::new(hash(get(&read(genesis?)?, 9)?)?)),
    };
    says(&proof, challenge, head)?;
    let mut from = start.clone();
    let mut hops = Vec::new();
    for hop in items(get(&proof, 4)?)? {
        let hop = leads(&from, hop, &salt, &lineage, a, h)?;
        from = hop.to.clone();
        hops.push(hop);
    }
    Some(Shown { start, hops })
}

/// A moment that an anchor names.
pub fn of_anchor(anchor: &Anchor) -> Moment {
    let pledges = anchor.pledges().iter().map(|pledge| *pledge.as_bytes()).collect();
    Moment { index: anchor.index(), digest: *anchor.head().digest.as_bytes(), pledges }
}

/// Check 5.
fn says(proof: &Item, challenge: &Challenge, head: &Item) -> Option<()> {
    let said = bytes(get(proof, 6)?)?;
    let statement = read(said)?;
    ensure(hash(get(&statement, 2)?)? == *challenge.digest().as_bytes())?;
    ensure(*get(&statement, 1)? == Item::Text(challenge.audience().to_owned()))?;
    ensure(get(&statement, 5).is_some() != challenge.since().is_empty())?;
    let [position, count, path] = items(get(proof, 7)?)? else { return None };
    let path: Vec<Hash> = items(path)?.iter().map(hash).collect::<Option<_>>()?;
    let (position, count) = (number(position)?, number(count)?);
    ensure(position < count)?;
    let [carried, root] = items(get(head, 6)?)? else { return None };
    ensure(number(carried)? == count)?;
    let leaf = Purpose::Statement.hash(said);
    ensure(Some(hash(root)?) == merkle::root(leaf, position, count, &path))
}

/// Check 3.
fn leads(x: &Moment, hop: &Item, salt: &Salt, lineage: &Hash, a: u64, h: u64) -> Option<Hop> {
    let [tier, opening, carried] = items(hop)? else { return None };
    let (k, carried) = (number(tier)? as usize, bytes(carried)?);
    let (y, says) = (moment(carried)?, read(carried)?);
    let [p, digest] = items(get(&says, 4)?)? else { return None };
    let previous = (number(p)?, hash(digest)?);
    let p = previous.0;
    ensure(hash(get(&says, 2)?)? == *lineage)?;
    ensure(x.index < y.index && y.index <= h)?;
    ensure(k == cap(h - a).min(turned(x.index, h)))?;
    ensure(x.index <= p && p / span(k) == x.index / span(k))?;
    ensure(p != x.index || previous.1 == x.digest)?;
    let v = turned(p, y.index);
    ensure(v >= k)?;
    let opened = hazmat::opened(&Opening::from_bytes(bytes(opening)?)?, salt, &Digest::new(y.digest));
    ensure(*opened.as_bytes() == x.pledges[k])?;
    ensure((0..16).all(|tier| (x.pledges[tier] == y.pledges[tier]) == (tier > v)))?;
    Some(Hop { from: x.clone(), tier: k, to: y, previous })
}

fn moment(body: &[u8]) -> Option<Moment> {
    let says = read(body)?;
    let pledges = items(get(&says, 5)?)?.iter().map(hash).collect::<Option<_>>()?;
    Some(Moment { index: number(get(&says, 3)?)?, digest: Purpose::Moment.hash(body), pledges })
}

fn body(hop: &Item) -> Option<Item> {
    let [_, _, body] = items(hop)? else { return None };
    read(bytes(body)?)
}

fn hash(item: &Item) -> Option<Hash> {
    bytes(item)?.try_into().ok()
}

fn ensure(holds: bool) -> Option<()> {
    holds.then_some(())
}

fn span(k: usize) -> u64 {
    4u64.pow(k as u32)
}

/// The highest digit that turns between the two.
pub fn turned(from: u64, to: u64) -> usize {
    (0..16).rev().find(|k| from / span(*k) != to / span(*k)).unwrap_or(0)
}

/// The highest tier that may be used over a gap.
pub fn cap(gap: u64) -> usize {
    (0..16).rev().find(|k| span(*k) <= gap).unwrap_or(0)
}
