//! Checks 1, 2, 4 and 5 of section 7: each variant of `VerifyRefusal`.

use selfsame::{Challenge, Digest, VerifyRefusal, Wanted, hazmat, verify};

use super::crafted::{AUDIENCE, Made, Proof, Statement, genesis, leaf, statement};
use super::table::{Row, hold, row};
use crate::item::{self, Item, bytes, map, text, uint};

/// The genesis, and the host's moments 5, 20 and 21.
fn moments() -> [Made; 4] {
    let genesis = genesis("host");
    let five = genesis.then("host", 5);
    let twenty = five.then("host", 20);
    let next = twenty.then("host", 21);
    [genesis, five, twenty, next]
}

fn first_meeting() -> Challenge {
    item::challenge(AUDIENCE, &[1; 32], None, &[])
}

/// The challenge against an anchor.
fn challenge_since(made: &Made) -> Challenge {
    item::challenge(AUDIENCE, &[1; 32], Some(&made.lineage), &[made.head])
}

/// A right proof, one hop from `start` to the tick after it, of this statement.
fn one_hop(start: &Made, said: &[u8]) -> Proof {
    let head = start.answering("host", start.head.index + 1, said);
    let tier = hazmat::cap(1);
    Proof::from(start, vec![start.hop(tier, &head)], said)
}

fn check(start: Option<&Made>, challenge: &Challenge, proof: &Proof) -> Result<(), VerifyRefusal> {
    check_of(start, challenge, proof, &Wanted::default())
}

fn check_of(
    start: Option<&Made>,
    challenge: &Challenge,
    proof: &Proof,
    wanted: &Wanted,
) -> Result<(), VerifyRefusal> {
    verify(start.map(Made::anchor).as_ref(), challenge, &proof.encode(), wanted).map(drop)
}

#[test]
fn each_check_of_a_proof_refuses_what_breaks_just_it() {
    let mut rows = vec![malformed(), too_many_hops()];
    rows.extend(other_lineage());
    rows.extend([other_start(), hop()]);
    rows.extend(not_younger());
    rows.extend(genesis_rows());
    rows.extend(challenge_rows());
    rows.extend(not_in_head());
    rows.extend(wrong_subject());
    hold("VerifyRefusal", include_str!("../../src/verify.rs"), &[], rows);
}

fn malformed() -> Row {
    let (challenge, genesis) = (first_meeting(), genesis("host"));
    let kept = one_hop(&genesis, &statement(&challenge).encode());
    let broken = Proof { version: 2, ..kept.clone() };
    row("Malformed(Field { what: \"proof\"", check(None, &challenge, &broken), check(None, &challenge, &kept))
}

/// The one way never has more hops than check 1 allows: what has is also wrong by check 3. So the rows: 46 hops are
/// refused by check 1, 45 of the same kind pass it, and the one way over the same moments is right.
fn too_many_hops() -> Row {
    let challenge = first_meeting();
    let said = statement(&challenge).encode();
    let hops = |count: u64| {
        let mut chain = vec![genesis("host")];
        for index in 1..count {
            chain.push(chain[chain.len() - 1].then("host", index));
        }
        chain.push(chain[chain.len() - 1].answering("host", count, &said));
        chain
    };
    let every = |chain: &[Made]| {
        let hops = chain.windows(2).map(|pair| pair[0].hop(0, &pair[1])).collect();
        check(None, &challenge, &Proof::from(&chain[0], hops, &said))
    };
    let passes = every(&hops(45)).expect_err("tier 0 is not the one way's");
    assert!(matches!(passes, VerifyRefusal::Hop { number: 1, .. }), "{passes}");
    let chain = hops(46);
    let way = [(0, 2, 16), (16, 2, 32), (32, 1, 36), (36, 1, 40), (40, 1, 44), (44, 0, 45), (45, 0, 46)];
    let way = way.map(|(x, tier, y): (usize, u8, usize)| chain[x].hop(tier, &chain[y])).to_vec();
    let kept = check(None, &challenge, &Proof::from(&chain[0], way, &said));
    row("TooManyHops { hops: 46, max: 45 }", every(&chain), kept)
}

fn other_lineage() -> [Row; 3] {
    let (host, other) = (genesis("host"), genesis("other"));
    let met = |told: Option<&Made>, who: &Made| {
        let challenge = item::challenge(AUDIENCE, &[1; 32], told.map(|told| &told.lineage), &[]);
        check(None, &challenge, &one_hop(who, &statement(&challenge).encode()))
    };
    let against_anchor = |anchor: &Made, who: &Made| {
        let challenge = challenge_since(anchor);
        check(Some(anchor), &challenge, &one_hop(who, &statement(&challenge).encode()))
    };
    let (five, other_five) = (host.then("host", 5), other.then("host", 5));
    let mixed = |lineage| {
        let challenge = first_meeting();
        let right = one_hop(&host, &statement(&challenge).encode());
        check(None, &challenge, &Proof { lineage, ..right })
    };
    [
        row("OtherLineage", met(Some(&host), &other), met(None, &other)),
        row("OtherLineage", against_anchor(&five, &other_five), against_anchor(&other_five, &other_five)),
        row("OtherLineage", mixed(other.lineage), mixed(host.lineage)),
    ]
}

fn other_start() -> Row {
    let [_, five, twenty, _] = moments();
    let challenge = challenge_since(&twenty);
    let said = statement(&challenge).encode();
    let head = twenty.answering("host", 21, &said);
    // from 5 to 21 by the one way, but the anchor is at 20
    let proof = Proof::from(&five, vec![five.hop(2, &twenty), twenty.hop(0, &head)], &said);
    let right = Proof::from(&twenty, vec![twenty.hop(0, &head)], &said);
    check(Some(&five), &challenge, &proof).expect("it is right from there");
    let broken = check(Some(&twenty), &challenge, &proof);
    row("OtherStart { expected: 20, found: 5 }", broken, check(Some(&twenty), &challenge, &right))
}

fn not_younger() -> [Row; 2] {
    let [genesis, five, ..] = moments();
    let challenge = challenge_since(&five);
    let said = statement(&challenge).encode();
    [4, 5].map(|index| {
        let old = genesis.answering("host", index, &said);
        let broken = Proof::from(&five, vec![five.hop(0, &old)], &said);
        let (broken, kept) = (check(Some(&five), &challenge, &broken), one_hop(&five, &said));
        let refusal = format!("NotYounger {{ head: {index}, anchor: 5 }}");
        row(&refusal, broken, check(Some(&five), &challenge, &kept))
    })
}

fn hop() -> Row {
    let [_, _, twenty, _] = moments();
    let challenge = challenge_since(&twenty);
    let said = statement(&challenge).encode();
    let head = twenty.answering("host", 21, &said);
    let of = |tier| {
        let hop = Item::Array(vec![
            uint(0u8),
            bytes(twenty.opening(tier, &head.head.digest).as_bytes()),
            bytes(&head.body),
        ]);
        check(Some(&twenty), &challenge, &Proof::from(&twenty, vec![hop], &said))
    };
    row("Hop { number: 1, why: Opening { tier: 0 } }", of(1), of(0))
}

fn genesis_rows() -> [Row; 3] {
    let (host, other) = (genesis("host"), genesis("other"));
    let five = host.then("host", 5);
    let challenge = challenge_since(&five);
    let right = one_hop(&five, &statement(&challenge).encode());
    let too_much = Proof { genesis: Some(host.genesis.clone()), ..right.clone() };
    let (too_much, without) =
        (check(Some(&five), &challenge, &too_much), check(Some(&five), &challenge, &right));
    // the host was introduced by its genesis: that is the anchor, and the proof has to carry it all the same
    let challenge = item::challenge(AUDIENCE, &[1; 32], Some(&host.lineage), &[]);
    let right = one_hop(&host, &statement(&challenge).encode());
    let of = |genesis| check(Some(&host), &challenge, &Proof { genesis, ..right.clone() });
    let with = || of(Some(host.genesis.clone()));
    [
        row("GenesisMisplaced", too_much, without),
        row("GenesisMisplaced", of(None), with()),
        row("OtherGenesis", of(Some(other.genesis)), with()),
    ]
}

/// What the statement says of its challenge.
fn challenge_rows() -> [Row; 4] {
    let five = genesis("host").then("host", 5);
    let first = first_meeting();
    let later = challenge_since(&five);
    let says = |challenge: &Challenge, change: &dyn Fn(&mut Statement)| {
        let start = if challenge.since().is_empty() { genesis("host") } else { five.clone() };
        let mut said = statement(challenge);
        change(&mut said);
        let anchor = (start.head.index > 0).then_some(&start);
        check(anchor, challenge, &one_hop(&start, &said.encode()))
    };
    let right = |challenge: &Challenge| says(challenge, &|_| {});
    let other = "other.example";
    [
        row("OtherChallenge", says(&later, &|said| said.challenge = Digest::new([9; 32])), right(&later)),
        row("OtherAudience", says(&later, &|said| said.audience = other.into()), right(&later)),
        row("KnownMisplaced", says(&later, &|said| said.known = None), right(&later)),
        row("KnownMisplaced", says(&first, &|said| said.known = Some(true)), right(&first)),
    ]
}

fn not_in_head() -> [Row; 4] {
    let five = genesis("host").then("host", 5);
    let challenge = challenge_since(&five);
    let said = statement(&challenge).encode();
    let beside = leaf(b"what somebody else says");
    let (root, of_two) = hazmat::merkle(vec![beside, leaf(&said)], 1).expect("there are two");
    let of_two = item::inclusion(of_two.position(), of_two.count(), of_two.path());
    let alone = item::inclusion(0, 1, &[]);
    let with = |statements, inclusion: &Item| {
        let head = five.then_saying("host", 6, |says| says.statements = statements);
        let proof = Proof::from(&five, vec![five.hop(0, &head)], &said);
        check(Some(&five), &challenge, &Proof { inclusion: inclusion.clone(), ..proof })
    };
    // in the moment before the head, which has none
    let before = five.answering("host", 6, &said);
    let head = before.then("host", 7);
    let proof = Proof::from(&five, vec![five.hop(0, &before), before.hop(0, &head)], &said);
    let in_between = check(Some(&five), &challenge, &proof);
    let right = || with(Some((2, root)), &of_two);
    [
        row("NotInHead", with(Some((1, beside)), &alone), with(Some((1, leaf(&said))), &alone)),
        row("NotInHead", with(Some((3, root)), &of_two), right()),
        row("NotInHead", with(Some((2, beside)), &of_two), right()),
        row("NotInHead", in_between, right()),
    ]
}

fn wrong_subject() -> Vec<Row> {
    let five = genesis("host").then("host", 5);
    let challenge = challenge_since(&five);
    let asked = |subject: Item, wanted: &Wanted| {
        let said = Statement { subject, ..statement(&challenge) };
        check_of(Some(&five), &challenge, &one_hop(&five, &said.encode()), wanted)
    };
    let subject = |uid: u32, unit: &str, app: &str| {
        map([(1, Some(uint(uid))), (4, Some(text(unit))), (7, Some(text(app)))])
    };
    let (right, nobody) = (|| subject(0, "a.service", "an.app"), || Item::Map(vec![]));
    let uid = Wanted { uid: Some(0), ..Wanted::default() };
    let unit = Wanted { unit: Some("a.service".into()), ..Wanted::default() };
    let app = Wanted { app: Some("an.app".into()), ..Wanted::default() };
    let of = [
        ("uid", &uid, subject(1, "a.service", "an.app")),
        ("unit", &unit, subject(0, "b.service", "an.app")),
        ("app", &app, subject(0, "a.service", "other.app")),
    ];
    let rows = of.into_iter().flat_map(|(field, wanted, wrong)| {
        [wrong, nobody()].map(|subject| {
            let refusal = format!("WrongSubject {{ field: {field:?}");
            row(&refusal, asked(subject, wanted), asked(right(), wanted))
        })
    });
    rows.collect()
}
