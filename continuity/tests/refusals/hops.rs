//! Check 3 of section 7: each variant of `HopRefusal`.

use selfsame::{Digest, Head, HopRefusal, VerifyRefusal, Wanted, verify};

use super::crafted::{AUDIENCE, Made, Proof, Says, genesis, leaf, statement};
use super::table::{Row, hold, row};
use crate::item;

/// The proof from `start` by these hops, whose last moment `head` makes from the statement: what is wrong with a hop.
fn follow(
    start: &Made,
    head: impl FnOnce(Digest) -> Made,
    hops: impl FnOnce(&Made) -> Vec<item::Item>,
) -> Result<(), HopRefusal> {
    let challenge = item::challenge(AUDIENCE, &[1; 32], Some(&start.lineage), &[start.head]);
    let said = statement(&challenge).encode();
    let proof = Proof::from(start, hops(&head(leaf(&said))), &said).encode();
    match verify(Some(&start.anchor()), &challenge, &proof, &Wanted::default()) {
        Err(VerifyRefusal::Hop { why, .. }) => Err(why),
        other => other.map(drop).map_err(|refusal| panic!("refused by another check: {refusal}")),
    }
}

/// The moment at `index` after `previous`, with the statement, but for what `change` changes.
fn at(previous: &Made, index: u64, root: Digest, change: impl FnOnce(&mut Says)) -> Made {
    previous.then_saying("host", index, |says| {
        says.statements = Some((1, root));
        change(says);
    })
}

/// One hop from `start` by `tier` to a moment at `index` that follows `previous`, but for what `change` changes.
fn one(
    start: &Made,
    tier: u8,
    previous: &Made,
    index: u64,
    change: impl FnOnce(&mut Says),
) -> Result<(), HopRefusal> {
    follow(start, |root| at(previous, index, root, change), |head| vec![start.hop(tier, head)])
}

fn as_it_is(_: &mut Says) {}

#[test]
fn each_check_of_a_hop_refuses_what_breaks_just_it() {
    let mut rows = vec![other_lineage(), opening()];
    rows.extend(order());
    rows.extend(tiers());
    rows.extend(previous());
    rows.extend(not_turned());
    rows.extend(lists());
    hold("HopRefusal", include_str!("../../src/verify.rs"), &[], rows);
}

fn other_lineage() -> Row {
    let (one_tick, other) = (genesis("host").then("host", 1), genesis("other"));
    let of = |lineage| one(&one_tick, 0, &one_tick, 2, |says| says.lineage = lineage);
    row("OtherLineage", of(other.lineage), of(one_tick.lineage))
}

fn opening() -> Row {
    // a right moment under a pledge of another history
    let (start, copy) = (genesis("host").then("host", 1), genesis("host").then("copy", 1));
    let by = |holder: &Made| {
        follow(&start, |root| at(&start, 2, root, as_it_is), |head| vec![holder.hop(0, head)])
    };
    row("Opening { tier: 0 }", by(&copy), by(&start))
}

fn order() -> [Row; 2] {
    let start = genesis("host").then("host", 1);
    let beyond = start.then("host", 3);
    // to 3 and back to 2, which follows 1: each opening is right
    let there_and_back = follow(
        &start,
        |root| at(&start, 2, root, as_it_is),
        |head| vec![start.hop(0, &beyond), start.hop(0, head)],
    );
    // to 2, and to 2 once more
    let twice = follow(
        &start,
        |root| at(&start, 2, root, as_it_is),
        |head| vec![start.hop(0, head), head.hop(0, head)],
    );
    let on = || {
        let two = start.then("host", 2);
        follow(&start, |root| at(&two, 3, root, as_it_is), |head| vec![start.hop(0, &two), two.hop(0, head)])
    };
    [
        row("BeyondHead { to: 3, head: 2 }", there_and_back, on()),
        row("NotForward { from: 2, to: 2 }", twice, on()),
    ]
}

fn tiers() -> [Row; 3] {
    // from 255 to 256 four digits turn, but a tick is no time for their secrets
    let start = genesis("host").then("host", 255);
    let over = |tier| one(&start, tier, &start, 256, as_it_is);
    // from 1 to 6: the gap allows tier 1, and that digit turns
    let near = genesis("host").then("host", 1);
    let by = |tier| one(&near, tier, &near, 6, as_it_is);
    // from 16 to 22, the same; a moment at 18 in between may not be gone to first, though it is there
    let sixteen = genesis("host").then("host", 16);
    let eighteen = sixteen.then("host", 18);
    let slowly = follow(
        &sixteen,
        |root| at(&eighteen, 22, root, as_it_is),
        |head| vec![sixteen.hop(0, &eighteen), eighteen.hop(1, head)],
    );
    [
        row("TierTooOld { tier: 4, cap: 0 }", over(4), over(0)),
        row("NotTheWay { tier: 0, way: 1 }", by(0), by(1)),
        row("NotTheWay { tier: 0, way: 1 }", slowly, one(&sixteen, 1, &eighteen, 22, as_it_is)),
    ]
}

fn previous() -> [Row; 4] {
    let start = genesis("host").then("host", 1);
    let between = start.then("host", 5);
    let claims = |previous: Head| one(&start, 1, &start, 9, |says| says.previous = previous);
    let gone_over = "Between { tier: 1, from: 1, previous: 5 }";
    let before = Head { index: 0, digest: start.lineage.genesis_digest() };
    let other = Head { index: 1, digest: Digest::new([7; 32]) };
    [
        // the pledge stood until 5, and the copy that still has it goes on from there or from where it likes
        row(gone_over, one(&start, 1, &between, 9, as_it_is), claims(start.head)),
        row(gone_over, claims(between.head), claims(Head { index: 3, digest: Digest::new([7; 32]) })),
        row("Between { tier: 1, from: 1, previous: 0 }", claims(before), claims(start.head)),
        row("OtherPrevious { index: 1 }", claims(other), claims(start.head)),
    ]
}

fn not_turned() -> [Row; 1] {
    // from 1 to 6 by way of 2, with the pledge of tier 1, which no digit of 2 turns
    let start = genesis("host").then("host", 1);
    let (two, four) = (start.then("host", 2), start.then("host", 4));
    let by_way_of = |by: &Made| {
        follow(
            &start,
            |root| at(by, 6, root, as_it_is),
            |head| vec![start.hop(1, by), by.hop(hop_tier(by.head.index, 6, 1), head)],
        )
    };
    [row("NotTurned { tier: 1, found: 0 }", by_way_of(&two), by_way_of(&four))]
}

/// The tier at x of the one way to h, where none above `cap` may be used.
fn hop_tier(x: u64, h: u64, cap: u8) -> u8 {
    selfsame::hazmat::tier(x, h).min(cap)
}

fn lists() -> Vec<Row> {
    // from 1 to 6: tiers 0 and 1 turn, those above do not
    let start = genesis("host").then("host", 1);
    let change = |change: &dyn Fn(&mut Says)| one(&start, 1, &start, 6, change);
    let stands = (0..=1).map(|tier| {
        let refusal = format!("PledgeStands {{ tier: {tier} }}");
        row(&refusal, change(&|says| says.take_pledge(tier, &start)), change(&as_it_is))
    });
    let changed = (2..16).map(|tier| {
        let refusal = format!("PledgeChanged {{ tier: {tier} }}");
        row(&refusal, change(&|says| says.new_pledge(tier, "copy")), change(&as_it_is))
    });
    stands.chain(changed).collect()
}
