//! What an agent answers instead of a proof or a hop: each variant of `ProveRefusal`, `HopError`, `MomentError` and
//! `BirthError`.

use selfsame::{
    Birth, Challenge, Condition, Evidence, EvidenceFields, Head, HopError, Lineage, LineageId, Ordinary,
    Origin, Proof, ProveRefusal, Reason, Request, Salt, Step, Subject, hazmat,
};

use super::crafted::{AUDIENCE, BORN_MS};
use super::table::{Row, hold, row};
use crate::item;

const SOURCE: &str = include_str!("../../src/lineage/refusals.rs");

fn evidence(sources: usize) -> Evidence {
    let sources =
        Some(vec!["a source of a name of thirty bytes"; sources].into_iter().map(str::to_owned).collect());
    let condition = Some(Condition::Steady);
    Evidence::new(EvidenceFields { sources, condition, ..EvidenceFields::default() }).expect("short")
}

fn birth(seed: u8) -> Birth<'static> {
    Birth {
        contributions: &[("test", b"x")],
        randomness: &[1; 32],
        salt: Salt::new([seed; 32]),
        wall_ms: BORN_MS,
        evidence: evidence(1),
        origin: Origin::new(Reason::Install, None),
    }
}

fn born(seed: u8) -> Lineage<Ordinary> {
    Lineage::born(Ordinary::default(), birth(seed)).expect("it is born")
}

fn step(index: u64, sources: usize) -> Step<'static> {
    Step { index, wall_ms: BORN_MS, randomness: &[2; 32], evidence: evidence(sources) }
}

fn challenge(lineage: Option<&LineageId>, since: &[Head]) -> Challenge {
    item::challenge(AUDIENCE, &[3; 32], lineage, since)
}

fn request(challenge: &Challenge) -> Request {
    let (challenge, subject) = (challenge.clone(), Subject::default());
    Request { audience: AUDIENCE.into(), challenge, subject, payload: None }
}

/// Asked in the tick after its last moment.
fn ask(lineage: &mut Lineage<Ordinary>, request: Request) -> Result<Proof, ProveRefusal> {
    let index = lineage.head().index + 1;
    lineage.prove(step(index, 1), vec![request]).expect("a moment can be made").remove(0)
}

#[test]
fn each_reason_to_answer_no_challenge() {
    let mut rows = vec![wrong_audience(), other_lineage()];
    rows.extend(too_old());
    rows.extend(foreign_anchor());
    rows.extend(statement());
    // every anchor can be reached, by what section 4 says is kept: `properties/reach.rs`
    hold("ProveRefusal", SOURCE, &["NotKept"], rows);
}

fn wrong_audience() -> Row {
    let asked = |audience: &str| {
        ask(&mut born(1), Request { audience: audience.into(), ..request(&challenge(None, &[])) })
    };
    row("WrongAudience", asked("other.example"), asked(AUDIENCE))
}

fn other_lineage() -> Row {
    let mut lineage = born(1);
    let (own, other) = (*lineage.id(), *born(2).id());
    let mut of = |lineage_id| ask(&mut lineage, request(&challenge(Some(&lineage_id), &[])));
    let broken = of(other);
    let text = |refused: &ProveRefusal| refused.to_string();
    let said = broken.as_ref().err().map(text);
    assert_eq!(said, Some(format!("the challenge is for lineage {other}, this is {own}")));
    row("OtherLineage", broken, of(own))
}

fn foreign_anchor() -> Vec<Row> {
    let mut lineage = born(1);
    let mut heads = Vec::new();
    for index in [10, 20, 30] {
        lineage.moment(step(index, 1)).expect("it is later");
        if index != 20 {
            lineage.introduce();
        }
        heads.push(lineage.head());
    }
    let id = *lineage.id();
    let digest = heads[2].digest;
    let foreign = [
        // beyond its head, at no moment, of another digest, its own but not handed out
        Head { index: 1000, digest },
        Head { index: 15, digest },
        Head { index: 10, digest },
        heads[1],
    ];
    let rows = foreign.map(|head| {
        let refusal = format!("ForeignAnchor {{ head: Head {{ index: {}", head.index);
        let mut ask = |since: &[Head]| ask(&mut lineage, request(&challenge(Some(&id), since)));
        row(&refusal, ask(&[head]), ask(&[heads[0], heads[2]]))
    });
    let mut ask = |since: &[Head]| ask(&mut lineage, request(&challenge(Some(&id), since)));
    let among = row("ForeignAnchor", ask(&[heads[0], heads[1], heads[2]]), ask(&[heads[0], heads[2]]));
    rows.into_iter().chain([among]).collect()
}

/// 1,095 times 73 hours, with all the evidence that a moment may have: 4 MiB from the genesis, to the byte of the
/// payload. A little later it is too long with any payload; a hop from the moment before is not.
fn too_old() -> [Row; 2] {
    const MOST_BYTES: usize = 4 * 1024 * 1024;
    let mut lineage = born(1);
    let moments = |lineage: &mut Lineage<_>, counts: std::ops::RangeInclusive<u64>| {
        counts.for_each(|count| drop(lineage.moment(step(count << 30, 28)).expect("it is later")));
    };
    moments(&mut lineage, 1..=1095);
    let with = |payload: usize| {
        let Ok(mut copy) = hazmat::copy(&lineage, Ordinary::default());
        ask(&mut copy, Request { payload: Some(vec![0; payload]), ..request(&challenge(None, &[])) })
    };
    let too_long = match with(4096) {
        Err(ProveRefusal::TooOld { bytes }) => bytes - MOST_BYTES,
        other => panic!("{:?}", other.map(|proof| proof.encode().len())),
    };
    assert!(too_long < 3_800, "{too_long}");
    let room = 4096 - too_long;
    let just = with(room);
    // beside what it has a proof might have a larger genesis, and a path
    let bytes = just.as_ref().map_or(0, |proof| proof.encode().len());
    assert!((MOST_BYTES - 3 * 1024..=MOST_BYTES).contains(&bytes), "{bytes}");
    let by_a_byte = row(&format!("TooOld {{ bytes: {} }}", MOST_BYTES + 1), with(room + 1), just);

    moments(&mut lineage, 1096..=1200);
    lineage.introduce();
    let (id, head) = (*lineage.id(), lineage.head());
    let mut ask = |since: &[Head]| ask(&mut lineage, request(&challenge(Some(&id), since)));
    [by_a_byte, row("TooOld", ask(&[]), ask(&[head]))]
}

fn statement() -> [Row; 2] {
    let asked = |payload: usize, unit: &str| {
        let subject = Subject { unit: Some(unit.into()), ..Subject::default() };
        let payload = Some(vec![0; payload]);
        ask(&mut born(1), Request { subject, payload, ..request(&challenge(None, &[])) })
    };
    [
        row("Statement", asked(4097, "a.service"), asked(4096, "a.service")),
        row("Statement", asked(0, ""), asked(0, "a")),
    ]
}

#[test]
fn each_reason_to_answer_no_question_for_a_hop() {
    let mut lineage = born(1);
    lineage.moment(step(1, 1)).expect("it is later");
    let limit = 1 << 63;
    let mut rows = vec![
        row("Range { index: 0, tier: 16 }", lineage.hop(0, 16, false), lineage.hop(0, 0, false)),
        row(
            "Range { index: 9223372036854775808, tier: 0 }",
            lineage.hop(limit, 0, true),
            lineage.hop(0, 0, true),
        ),
        row("NotKept { index: 1, tier: 0 }", lineage.hop(1, 0, false), lineage.hop(0, 0, false)),
        row("NotKept { index: 0, tier: 1 }", lineage.hop(0, 1, false), lineage.hop(0, 0, false)),
        row("NotKept { index: 0, tier: 15 }", lineage.hop(0, 15, false), lineage.hop(0, 0, false)),
    ];
    // two moments a second, a tick apart: of the second the opening is kept while it is one of the last 64
    for second in 1..=40 {
        lineage.moment(step(second << 12, 1)).expect("it is later");
        lineage.moment(step((second << 12) + 1, 1)).expect("it is later");
    }
    let (gone, kept) = ((8 << 12) + 1, (9 << 12) + 1);
    lineage.hop(gone, 0, false).expect("the hop from there is one of the last 64");
    let way = |index| lineage.hop(index, 0, true).expect("the hop is kept").way.is_empty();
    assert!(way(gone) && !way(kept), "a way that is not kept is left out");
    let hop = |index| lineage.hop(index, 0, false);
    rows.push(row("NotKept", hop((7 << 12) + 1), hop(gone)));
    assert!(matches!(hop(7 << 12), Err(HopError::NotKept { .. })));
    hold("HopError", SOURCE, &[], rows);
}

#[test]
fn each_reason_to_make_no_moment() {
    let (mut lineage, limit) = (born(1), 1 << 63);
    lineage.moment(step(10, 1)).expect("it is later");
    let mut at = |index, wall_ms| lineage.moment(Step { wall_ms, ..step(index, 1) });
    let mut rows = vec![
        row("NotAfter { index: 10, head: 10 }", at(10, 0), at(11, 0)),
        row("Range", at(limit, 0), at(limit - 2, 0)),
        row("Range", at(limit - 1, limit), at(limit - 1, limit - 1)),
    ];
    let mut lineage = born(1);
    let mut many = |count| lineage.prove(step(1, 1), vec![request(&challenge(None, &[])); count]);
    let too_many = many(65_537).map(drop);
    rows.push(row("TooManyStatements { count: 65537 }", too_many, many(65_536).map(drop)));
    // a memory that refuses: `properties/once.rs`
    hold("MomentError", SOURCE, &["Memory"], rows);
}

#[test]
fn each_reason_to_be_born_not() {
    let with = |contributions: &[(&str, &[u8])], wall_ms| {
        Lineage::born(Ordinary::default(), Birth { contributions, wall_ms, ..birth(1) }).map(drop)
    };
    let some = || with(&[("empty", b""), ("test", b"x")], 0);
    let with_wall = |wall_ms| with(&[("test", b"x")], wall_ms);
    let rows = vec![
        row("NoContribution", with(&[("test", b"")], 0), some()),
        row("NoContribution", with(&[], 0), some()),
        row("Wall { wall_ms: 9223372036854775808 }", with_wall(1 << 63), with_wall((1 << 63) - 1)),
    ];
    hold("BirthError", SOURCE, &["Memory"], rows);
}
