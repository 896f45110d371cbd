//! Answers that no agent gives, by a lineage whose secrets never go.

use selfsame::{Challenge, Digest};
use selfsame_dbus::VerdictReply;
use selfsame_tests::play::{
    crafted::{Made, Proof, genesis, statement, way},
    hop_item, item,
};

use crate::{
    host::Member,
    scene::{Door, Refused},
};

/// Meets a crafted lineage by its genesis, and has it answer, at index 16.
async fn met(door: &Door, peer: &str) -> (Made, Made) {
    let genesis = genesis(peer);
    door.meet(peer, &genesis.introduction().encode(), false).await.unwrap();
    let challenge = door.challenge(peer).await;
    let (sixteen, proof) = answer(&challenge, std::slice::from_ref(&genesis), "host", 16);
    door.verify(peer, &proof).await.unwrap();
    (genesis, sixteen)
}

/// The right answer to a challenge against the first of these moments, by who goes on from the last of them.
fn answer(challenge: &Challenge, since: &[Made], seed: &str, index: u64) -> (Made, Vec<u8>) {
    answer_saying(challenge, since, seed, index, &statement(challenge).encode())
}

fn answer_saying(
    challenge: &Challenge,
    since: &[Made],
    seed: &str,
    index: u64,
    said: &[u8],
) -> (Made, Vec<u8>) {
    assert_eq!(challenge.start(), since[0].head.index);
    let head = since[since.len() - 1].answering(seed, index, said);
    let hops = way(&[since, std::slice::from_ref(&head)].concat());
    let proof = Proof::from(&since[0], hops, said).encode();
    (head, proof)
}

/// A proof whose statement is for another than its challenge.
pub async fn for_another_audience(door: &Door, peer: &str) -> Result<VerdictReply, Refused> {
    let (_, sixteen) = met(door, peer).await;
    let challenge = door.challenge(peer).await;
    let mut said = statement(&challenge);
    said.audience = "window".to_owned();
    let (_, proof) = answer_saying(&challenge, std::slice::from_ref(&sixteen), "host", 17, &said.encode());
    door.verify(peer, &proof).await
}

/// A proof of another's lineage, that names a challenge of this peer's.
pub async fn of_another_lineage(
    door: &Door,
    peer: &str,
    other: &mut Member,
) -> Result<VerdictReply, Refused> {
    let challenge = door.challenge(peer).await;
    let said = statement(&challenge).encode();
    let anyone = item::challenge("door", &[7; 32], None, &[]);
    // the hops of one of its proofs, with that statement in the place of its own
    let proof = selfsame::Proof::parse(&other.prove(&anyone)).unwrap();
    let crafted = Proof {
        version: 1,
        lineage: other.id(),
        since: 0,
        hops: proof.hops().iter().map(hop_item).collect(),
        statement: said,
        inclusion: item::inclusion(0, 1, &[] as &[Digest]),
        genesis: Some(other.lineage.genesis().body().to_vec()),
    };
    door.verify(peer, &crafted.encode()).await
}

/// The host went from 16 by a moment at 17, which it handed out to nobody, to 22. A stale answer lies between.
pub async fn contradiction(door: &Door, peer: &str) -> Result<VerdictReply, Refused> {
    let (_, sixteen) = met(door, peer).await;
    let stale = door.challenge(peer).await;
    let seventeen = sixteen.then("host", 17);
    let challenge = door.challenge(peer).await;
    let (_, hosts) = answer(&challenge, &[sixteen.clone(), seventeen], "host", 22);
    door.verify(peer, &hosts).await.unwrap();
    let (_, proof) = answer(&stale, std::slice::from_ref(&sixteen), "copy", 18);
    door.verify(peer, &proof).await
}

/// A fork from the genesis, over all these moments by the lowest tier, where two go on from the last.
pub fn fork(way: &[Made]) -> Vec<u8> {
    let last = &way[way.len() - 1];
    let index = last.head.index + 1;
    let [first, second] = ["host", "copy"].map(|seed| last.hop(0, &last.then(seed, index)));
    let hops = way.windows(2).map(|pair| pair[0].hop(0, &pair[1])).collect();
    item::map([
        (1, Some(item::uint(1u8))),
        (2, Some(item::bytes(last.lineage.as_bytes()))),
        (3, Some(item::bytes(&last.genesis))),
        (4, Some(item::Item::Array(hops))),
        (5, Some(first)),
        (6, Some(second)),
    ])
    .encode()
}
