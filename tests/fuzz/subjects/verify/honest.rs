//! An honest answer, and changes to it.

use std::sync::OnceLock;

use selfsame::hazmat::Purpose;
use selfsame::{Anchor, Boot, Challenge, Now, Ordinary, Peer, Policy, Proof, Refusal, Wanted, verify};

use super::super::host::{AUDIENCE, BORN_MS, Host};
use super::super::item::{self, Item};
use super::super::tree;
use super::Outcome;
use super::alter::{alter, damage};
use super::choices::Choices;
use super::unchanged::unchanged;

/// Histories that there are, each its own indices and meetings.
const HISTORIES: usize = 64;

/// A relying party that has asked, and what its host answers.
struct Asked {
    peer: Peer,
    anchor: Option<Anchor>,
    challenge: Challenge,
    now: Now,
    proof: Vec<u8>,
    tree: Item,
    /// Parts of other right messages: of earlier answers, answers to others, of a copy, and of another host.
    parts: Vec<Item>,
}

/// An honest answer with some changes, or with none.
pub fn altered(choices: &mut Choices<'_>) -> Outcome {
    let asked = asked(choices.below(HISTORIES));
    let mut tree = asked.tree.clone();
    for _ in 0..choices.below(5) {
        alter(&mut tree, &asked.parts, choices);
    }
    let mut bytes = tree.encode();
    if choices.rarely(8) {
        damage(&mut bytes, choices);
    }
    let mut peer = asked.peer.clone();
    let taken = peer.take(&bytes, &asked.now, &Policy::default());
    let outcome = Outcome::of(&taken);
    let verified = verify(asked.anchor.as_ref(), &asked.challenge, &bytes, &Wanted::default());
    if bytes == asked.proof {
        let verdict = taken.expect("unchanged it is right");
        let verified = verified.expect("unchanged it is right");
        assert_eq!((verdict.index, verdict.hops), (verified.head.index(), verified.hops));
        assert_eq!(peer.anchor(), Some(&verified.head));
        return outcome;
    }
    let refusal = taken.expect_err("it was changed");
    let why = verified.expect_err("it was changed");
    assert!(!matches!(refusal, Refusal::Verify(ref other) if *other != why), "{refusal:?}, {why:?}");
    unchanged(&asked.peer, &peer, &refusal, &bytes);
    if choices.rarely(4) {
        let mut refusals = 1;
        while refusals < 7 && choices.rarely(2) {
            peer.take(&bytes, &asked.now, &Policy::default()).expect_err("nor the next time");
            refusals += 1;
        }
        peer.take(&asked.proof, &asked.now, &Policy::default()).expect("fewer than eight don't use it up");
    }
    outcome
}

fn asked(number: usize) -> &'static Asked {
    static ASKED: [OnceLock<Asked>; HISTORIES] = [const { OnceLock::new() }; HISTORIES];
    ASKED[number].get_or_init(|| ask(number))
}

/// The verifier's clocks at this age of the host's: both run alike.
fn at(ticks: u64) -> Now {
    Now { boot: Boot([1; 16]), ticks, wall_ms: BORN_MS + ticks * 1000 / 4096 }
}

/// The steps of a history, in ticks, irregular.
fn steps(number: usize) -> Vec<u64> {
    let seed = Purpose::Sample.hash(&number.to_le_bytes());
    let count = 1 + usize::from(seed[0] % 14);
    let step = |pair: &[u8]| 1 + (u64::from(pair[0]) * 0x0101_0101) % (1 << (pair[1] % 28));
    seed.chunks(2).take(count).map(step).collect()
}

fn ask(number: usize) -> Asked {
    let (mut host, mut copy) = (Host::born(number as u64), Host::born(number as u64));
    let mut peer = match number % 4 {
        0 => Peer::unknown(),
        1 => Peer::expecting(*host.lineage.id()),
        _ => Peer::introduced(&host.lineage.introduce(), &at(0)),
    };
    let (mut index, mut proofs) = (0, Vec::new());
    let mut steps = steps(number);
    let last = steps.pop().expect("one at least") + 1;
    for (turn, step) in steps.into_iter().enumerate() {
        index += step + 1;
        if turn == 0 && number % 4 == 3 {
            host.moment(index);
            copy.moment(index);
            copy.lineage.introduce();
            peer = Peer::introduced(&host.lineage.introduce(), &at(index));
        } else if turn % 3 == number % 3 {
            let (challenge, answers) = meet(&mut peer, &mut host, index);
            copy.prove(index, &others(&challenge, index));
            proofs.extend(answers);
        } else {
            host.moment(index);
            copy.moment(index);
        }
    }
    index += last;
    let anchor = peer.anchor().cloned();
    let challenge = peer.challenge(AUDIENCE, &[0xab; 32], &at(index - 1)).expect("few are out");
    let batch = others(&challenge, index);
    let answers = host.prove(index, &batch);
    let proof = answers[0].encode();
    proofs.extend(answers);
    // of others: a copy that was not asked this, and another host
    proofs.extend(copy.prove(index, &others(&challenge, index)[1..]));
    let theirs = item::challenge(AUDIENCE, &[0xcd; 32], None, &[]);
    proofs.extend(Host::born(1 << 32).prove(index, &[theirs]));
    let mut parts = Vec::new();
    proofs
        .iter()
        .filter_map(|proof: &Proof| tree::read(&proof.encode()))
        .for_each(|proof| collect(&proof, &mut parts));
    parts.dedup();
    let tree = tree::read(&proof).expect("a proof is CBOR");
    Asked { peer, anchor, challenge, now: at(index), proof, tree, parts }
}

/// The peer asks, with others, and accepts what the host answers.
fn meet(peer: &mut Peer, host: &mut Host<Ordinary>, index: u64) -> (Challenge, Vec<Proof>) {
    let challenge =
        peer.challenge(AUDIENCE, &index.to_le_bytes().repeat(4), &at(index - 1)).expect("few are out");
    let answers = host.prove(index, &others(&challenge, index));
    peer.take(&answers[0].encode(), &at(index), &Policy::default()).expect("it is right");
    (challenge, answers)
}

/// A batch of challenges: this one, and up to four of other relying parties.
fn others(challenge: &Challenge, index: u64) -> Vec<Challenge> {
    let other = |nonce: u64| {
        item::challenge(AUDIENCE, &[nonce as u8 + 1; 20], challenge.lineage(), challenge.since())
    };
    [challenge.clone()].into_iter().chain((0..1 + index % 4).map(other)).collect()
}

/// Everything in a message but its root, what stands in its bytes too.
fn collect(item: &Item, parts: &mut Vec<Item>) {
    let inner = tree::bytes(item).and_then(tree::read).filter(|inner| matches!(inner, Item::Map(_)));
    let items: Vec<&Item> = match item {
        Item::Array(items) => items.iter().collect(),
        Item::Map(entries) => entries.iter().map(|(_, item)| item).collect(),
        _ => inner.iter().collect(),
    };
    for item in items {
        if !matches!(item, Item::Uint(_) | Item::Bool(_) | Item::Text(_)) {
            parts.push(item.clone());
        }
        collect(item, parts);
    }
}
