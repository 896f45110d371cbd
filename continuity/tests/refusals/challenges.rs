//! A challenge is out for 60 s, for one use, for eight refusals, and as long as its anchor is what it was.

use selfsame::{Boot, Now, Peer, Policy};

use super::crafted::{AUDIENCE, BORN_MS, Made, Proof, Statement, genesis, statement};
use super::forks;
use super::party::{Party, answer, at};
use super::table::{Row, row};
use crate::item;

pub fn rows() -> Vec<Row> {
    let mut rows =
        vec![never_issued(), used_up(), eight_refusals(), replaced(), known_fork(), verify(), busy()];
    rows.extend(fragile());
    rows.extend(expired());
    rows
}

fn never_issued() -> Row {
    let (mut party, anchor) = Party::with_anchor(16);
    let own = party.ask(20);
    let other = item::challenge(AUDIENCE, &[0xff; 32], own.lineage(), own.since());
    let take =
        |challenge| party.would_take(&answer(challenge, std::slice::from_ref(&anchor), "host", 20).1, 20);
    row("UnknownChallenge", take(&other), take(&own))
}

fn used_up() -> Row {
    let (mut party, anchor) = Party::with_anchor(16);
    let challenge = party.ask(20);
    let (_, proof) = answer(&challenge, &[anchor], "host", 20);
    let first = party.take(&proof, 20);
    row("UnknownChallenge", party.take(&proof, 20), first)
}

fn eight_refusals() -> Row {
    let (mut party, anchor) = Party::with_anchor(16);
    let challenge = party.ask(20);
    let (_, proof) = answer(&challenge, std::slice::from_ref(&anchor), "host", 20);
    let copy = anchor.then("copy", 17);
    let (_, wrong) = answer(&challenge, &[copy], "host", 20);
    let after = |refusals| {
        let mut party = party.clone();
        for _ in 0..refusals {
            party.take(&wrong, 20).expect_err("it starts from another moment");
        }
        party.take(&proof, 20)
    };
    row("UnknownChallenge", after(8), after(7))
}

/// A challenge without `since`, or against an introduction that no proof has confirmed, dies when the anchor
/// changes; one against an anchor that a proof has confirmed does not.
fn fragile() -> [Row; 3] {
    let genesis = genesis("host");
    let five = genesis.then("host", 5);
    let (proven, anchor) = Party::with_anchor(16);
    let met = |mut party: Party, start: &Made| {
        let (one, other) = (party.ask(20), party.ask(20));
        let (head, first) = answer(&one, std::slice::from_ref(start), "host", 20);
        let (_, second) = answer(&other, &[start.clone(), head], "host", 21);
        let alone = party.would_take(&second, 21);
        party.take(&first, 20).expect("it is right");
        (party.take(&second, 21), alone)
    };
    let told = met(Party::of(Peer::expecting(genesis.lineage)), &genesis);
    let introduced = met(Party::of(Peer::introduced(&five.introduction(), &at(5))), &five);
    let (after_both, alone) = met(proven, &anchor);
    alone.expect("it is right");
    [
        row("UnknownChallenge", told.0, told.1),
        row("UnknownChallenge", introduced.0, introduced.1),
        row("UnknownChallenge", met(Party::of(Peer::unknown()), &genesis).0, after_both),
    ]
}

fn replaced() -> Row {
    let (mut party, anchor) = Party::with_anchor(16);
    let challenge = party.ask(20);
    let (_, proof) = answer(&challenge, std::slice::from_ref(&anchor), "host", 20);
    let kept = party.would_take(&proof, 20);
    // the very same anchor, but by a person's word: nothing that was kept before it counts any more
    party.peer.replace(&anchor.introduction(), &at(20)).expect("it is of that lineage");
    row("UnknownChallenge", party.take(&proof, 20), kept)
}

fn expired() -> [Row; 4] {
    const LIFE: u64 = 60 * 4096;
    let (mut party, anchor) = Party::with_anchor(16);
    let challenge = party.ask(1000);
    let (_, proof) = answer(&challenge, &[anchor], "host", 1000);
    let take = |now: Now| party.peer.clone().take(&proof, &now, &Policy::default());
    let later = |ticks| take(at(1000 + ticks));
    let booted = |ms| take(Now { boot: Boot([2; 16]), ticks: 0, wall_ms: at(1000).wall_ms + ms });
    let before = take(Now { ticks: 999, ..at(1000) });
    let before_by_wall = take(Now { boot: Boot([2; 16]), ticks: 2000, wall_ms: BORN_MS });
    [
        row("Expired", later(LIFE + 1), later(LIFE)),
        row("Expired", booted(60_001), booted(60_000)),
        row("Expired", before, later(0)),
        row("Expired", before_by_wall, booted(0)),
    ]
}

fn known_fork() -> Row {
    let (mut party, anchor) = Party::with_anchor(16);
    let challenge = party.ask(20);
    let (_, proof) = answer(&challenge, &[anchor], "host", 20);
    let kept = party.would_take(&proof, 20);
    party.peer.learn(&forks::right()).expect("it shows a fork");
    row("KnownFork", party.take(&proof, 20), kept)
}

fn verify() -> Row {
    let (mut party, anchor) = Party::with_anchor(16);
    let challenge = party.ask(20);
    let mut said = statement(&challenge);
    let take = |said: &Statement| {
        let said = said.encode();
        let head = anchor.answering("host", 17, &said);
        party.would_take(&Proof::from(&anchor, vec![anchor.hop(0, &head)], &said).encode(), 20)
    };
    let kept = take(&said);
    said.known = None;
    row("Verify(KnownMisplaced)", take(&said), kept)
}

/// 64 heads are unconfirmed: one more is not taken, and does not use its challenge up. A challenge that names the 64
/// is answered: then it is taken.
fn busy() -> Row {
    let (mut party, anchor) = Party::with_anchor(16);
    let challenges: Vec<_> = (0..65).map(|_| party.ask(20)).collect();
    let mut chain = vec![anchor];
    for (challenge, index) in challenges.iter().zip(17..81) {
        let (head, proof) = answer(challenge, &chain, "host", index);
        party.take(&proof, 90).expect("up to 64 are taken");
        chain.push(head);
    }
    let (head, last) = answer(&challenges[64], &chain, "host", 81);
    let broken = party.take(&last, 90);
    (0..9).for_each(|_| assert_eq!(party.take(&last, 90), broken));
    let confirming = party.ask(90);
    assert_eq!(confirming.since().len(), 64);
    let (_, proof) = answer(&confirming, &[chain[64].clone(), head], "host", 82);
    party.take(&proof, 90).expect("it confirms them");
    row("Busy", broken, party.take(&last, 90))
}
