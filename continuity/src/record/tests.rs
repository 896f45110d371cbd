use zeroize::Zeroize;

use super::*;
use crate::challenge::Challenge;
use crate::evidence::{Evidence, EvidenceFields, Origin, Reason};
use crate::handed::Judgement;
use crate::hash::Salt;
use crate::lineage::{Birth, Request, Step};
use crate::moment::MAX_BODY_BYTES;
use crate::odometer::TOP;
use crate::state::{Ordinary, Secrets};
use crate::statement::Subject;

/// A memory that a test can crash: it gives out what was recorded and committed, and refuses to commit when told to.
struct Recording {
    secrets: Box<Secrets>,
    entries: Vec<Vec<u8>>,
    refuses: bool,
    is_long: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("refused")]
struct Refused;

impl Recording {
    fn blank() -> Self {
        Self { secrets: Box::new(Secrets::blank()), entries: Vec::new(), refuses: false, is_long: false }
    }

    /// What is left of it after a crash.
    fn left(&self) -> (Self, Vec<Vec<u8>>) {
        let mut left = Self::blank();
        left.secrets.copy_from(&self.secrets);
        (left, self.entries.clone())
    }
}

impl Memory for Recording {
    type Error = Refused;

    fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    fn update(&mut self, change: impl FnOnce(&mut Secrets)) -> Result<(), Refused> {
        if self.refuses {
            return Err(Refused);
        }
        change(&mut self.secrets);
        Ok(())
    }

    fn record(&mut self, entry: &Entry<'_>) -> Result<(), Refused> {
        let bytes = entry.encode();
        assert!(bytes.len() <= MAX_ENTRY_BYTES);
        self.entries.push(bytes);
        Ok(())
    }

    fn is_long(&self) -> bool {
        self.is_long
    }

    fn rewrite<'a>(&mut self, entries: impl Iterator<Item = Entry<'a>>) -> Result<(), Refused> {
        self.entries = entries.map(|entry| entry.encode()).collect();
        Ok(())
    }
}

fn evidence() -> Evidence {
    Evidence::new(EvidenceFields::default()).expect("short")
}

fn born(seed: u8) -> Lineage<Recording> {
    let birth = Birth {
        contributions: &[("test", &[seed])],
        randomness: &[1; 32],
        salt: Salt::new([seed; 32]),
        wall_ms: 5,
        evidence: evidence(),
        origin: Origin::new(Reason::Install, None),
    };
    Lineage::born(Recording::blank(), birth).expect("it is born")
}

fn step(index: u64) -> Step<'static> {
    Step { index, wall_ms: index, randomness: &[7; 32], evidence: evidence() }
}

/// Goes on after a crash.
fn resumed(lineage: &Lineage<Recording>) -> Lineage<Recording> {
    let (memory, entries) = lineage.memory.left();
    let mut resumed = Lineage::resumed(memory, &entries).unwrap_or_else(|error| panic!("{error}"));
    resumed.memory.entries = entries;
    resumed
}

/// Indices at all kinds of distances, ascending.
fn indices(count: usize) -> Vec<u64> {
    let mut at = 0;
    let mut pick = 12_345_u64;
    (0..count)
        .map(|_| {
            pick = pick.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            at += 1 + (pick >> 33 >> (pick % 31));
            at
        })
        .collect()
}

fn assert_same(one: &Lineage<Recording>, other: &Lineage<Recording>, indices: &[u64]) {
    assert_eq!(
        (one.id, one.head, one.pledges, one.moments),
        (other.id, other.head, other.pledges, other.moments)
    );
    assert_eq!(one.kept(), other.kept());
    assert_eq!(one.handed.from(), other.handed.from());
    assert!(one.handed.heads().eq(other.handed.heads()));
    for x in indices.iter().copied().chain([0]) {
        for tier in 0..=TOP {
            assert_eq!(one.hop(x, tier, true), other.hop(x, tier, true), "from {x} by {tier}");
        }
    }
}

#[test]
fn a_lineage_goes_on_after_a_crash_as_if_there_had_been_none() {
    let indices = indices(600);
    let mut lineage = born(1);
    for (number, index) in indices.iter().enumerate() {
        lineage.moment(step(*index)).expect("it is later");
        if number % 3 == 0 {
            lineage.introduce();
        }
        if number % 5 == 0 {
            lineage.prepare(&[9; 32], 4).expect("it is taken");
        }
        if number % 200 == 150 {
            lineage.rewrite_record().expect("it is taken");
        }
        if number % 40 == 0 {
            let other = resumed(&lineage);
            assert_same(&lineage, &other, &indices[..=number]);
            lineage = other;
        }
    }
    assert!(lineage.kept().0 < 400, "the test lets moments go");
    assert_same(&lineage, &resumed(&lineage), &indices);
}

#[test]
fn a_record_written_anew_has_what_is_kept_and_no_more() {
    let indices = indices(600);
    let mut lineage = born(1);
    for index in &indices {
        lineage.moment(step(*index)).expect("it is later");
        lineage.introduce();
    }
    let before: usize = lineage.memory.entries.iter().map(Vec::len).sum();
    lineage.rewrite_record().expect("it is taken");
    let after: usize = lineage.memory.entries.iter().map(Vec::len).sum();
    assert!(after < before * 2 / 3, "{after} bytes after {before}");
    let (moments, _) = lineage.kept();
    assert_eq!(lineage.memory.entries.len(), 1 + moments + 600 + 1);
    assert_same(&lineage, &resumed(&lineage), &indices);
}

#[test]
fn a_record_is_written_anew_when_it_has_grown_long_and_not_before() {
    let mut lineage = born(1);
    lineage.moment(step(4)).expect("it is later");
    let before = lineage.memory.entries.clone();
    lineage.tidy_record().expect("it is taken");
    assert_eq!(lineage.memory.entries, before);
    lineage.memory.is_long = true;
    lineage.tidy_record().expect("it is taken");
    let totals = Entry::Totals { moments: 2, from: 0 }.encode();
    assert_eq!(lineage.memory.entries, [&before[..], &[totals]].concat());
    assert!(!Ordinary::default().is_long(), "nothing is recorded there");
}

#[test]
fn a_record_written_anew_says_from_where_on_it_remembers_what_was_handed_out() {
    let mut lineage = born(1);
    lineage.moment(step(9)).expect("it is later");
    // as if more had been handed out up to index 4 than is remembered: nothing is said of those
    lineage.handed.set_from(5);
    lineage.rewrite_record().expect("it is taken");
    let after = resumed(&lineage);
    assert_eq!(after.handed.from(), 5);
    let judged = |index| after.handed.judge(&[Head { index, ..lineage.head }], 9, |_| None);
    assert_eq!(judged(4), Judgement::Unknown);
    assert_eq!(judged(5), Judgement::Foreign(Head { index: 5, ..lineage.head }));
}

#[test]
fn a_head_that_was_handed_out_in_a_proof_is_remembered_after_a_crash() {
    let mut lineage = born(1);
    lineage.moment(step(4)).expect("it is later");
    let not_handed = lineage.head;
    let challenge = Challenge::compose("door", &[1; 32], None, Vec::new()).expect("short");
    let request = Request { audience: "door".into(), challenge, subject: Subject::default(), payload: None };
    assert!(matches!(&lineage.prove(step(9), vec![request]).expect("it is later")[..], [Ok(_)]));
    let after = resumed(&lineage);
    assert_same(&lineage, &after, &[4, 9]);
    assert_eq!(after.judge(&[lineage.head]), Judgement::Known);
    assert_eq!(after.judge(&[not_handed]), Judgement::Foreign(not_handed));
}

#[test]
fn an_entry_has_all_openings_of_a_moment_and_a_body_at_most() {
    let mut lineage = born(1);
    let moment = lineage.moment(step(1 << 62)).expect("it is later");
    assert_eq!(moment.tier(), TOP);
    let [_, entry] = &lineage.memory.entries[..] else { panic!("a genesis and a moment") };
    assert_eq!(entry.len() - moment.body().len() + MAX_BODY_BYTES, MAX_ENTRY_BYTES);
}

#[test]
fn a_crash_between_record_and_secrets_steps_over_the_recorded_moment() {
    let mut lineage = born(1);
    lineage.moment(step(10)).expect("it is later");
    lineage.prepare(&[3; 32], 16).expect("it is taken");
    let (before, _) = lineage.memory.left();
    let moment = lineage.moment(step(77)).expect("it is later");
    let (_, entries) = lineage.memory.left();

    // the record has the moment, the secrets are those from before it
    let opened: Vec<_> = before.secrets.pending().iter().map(|secret| *secret.expose()).collect();
    let after = Lineage::resumed(before, &entries).expect("it goes on");
    assert_eq!(after.head, moment.head(), "the moment that was recorded is the one");
    for (tier, secret) in after.memory.secrets.pending().iter().enumerate() {
        assert_eq!(opened.contains(secret.expose()), tier > usize::from(moment.tier()), "tier {tier}");
    }
    assert_same(&lineage, &after, &[10, 77]);
}

#[test]
fn a_moment_that_was_not_committed_stands_in_no_ones_way() {
    let mut lineage = born(1);
    lineage.prepare(&[3; 32], 16).expect("it is taken");
    lineage.memory.refuses = true;
    lineage.moment(step(9)).expect_err("the memory refuses");
    assert_eq!(lineage.head.index, 0);
}

#[test]
fn records_that_do_not_belong_to_the_secrets_are_refused() {
    let (mut one, mut other) = (born(1), born(2));
    for index in [5, 6, 90] {
        one.moment(step(index)).expect("it is later");
        other.moment(step(index)).expect("it is later");
    }
    let refused = |memory: Recording, entries: &[Vec<u8>]| match Lineage::resumed(memory, entries) {
        Ok(_) => panic!("it goes on"),
        Err(error) => error,
    };
    let left = || one.memory.left().0;
    let entries = &one.memory.entries;
    // the mirror's
    assert_eq!(refused(left(), &other.memory.entries), ResumeError::OtherSecrets { tier: 0 });
    // a record that ends before the secrets
    assert_eq!(refused(left(), &entries[..3]), ResumeError::OutOfStep { secrets: 90, record: 6 });
    // secrets that are more than one moment behind
    let mut old = born(1);
    old.prepare(&[3; 32], 16).expect("it is taken");
    assert_eq!(refused(old.memory, entries), ResumeError::OutOfStep { secrets: 0, record: 90 });
    // secrets that are one behind and have nothing made ahead
    let mut behind = left();
    behind.secrets.step(0, 6);
    assert_eq!(refused(behind, entries), ResumeError::OutOfStep { secrets: 6, record: 90 });
    // no secrets
    let mut blank = left();
    blank.secrets.zeroize();
    assert!(matches!(refused(blank, entries), ResumeError::OutOfStep { .. }));
    assert_eq!(refused(left(), &[]), ResumeError::Genesis);
    assert_eq!(refused(left(), &entries[1..]), ResumeError::Genesis);
    let twice = [&entries[..1], &entries[..]].concat();
    assert_eq!(refused(left(), &twice), ResumeError::Genesis);
    // a moment twice, or of another lineage
    let again = [&entries[..], &entries[3..]].concat();
    assert_eq!(refused(left(), &again), ResumeError::NotNext { number: 4 });
    let foreign = [&entries[..1], &other.memory.entries[1..]].concat();
    assert_eq!(refused(left(), &foreign), ResumeError::NotNext { number: 1 });
}

#[test]
fn entries_that_are_none_are_refused() {
    let mut lineage = born(1);
    lineage.moment(step(70)).expect("it is later");
    lineage.introduce();
    let entries = lineage.memory.entries.clone();
    let moment = &entries[1];
    let changed = |at: usize, to: u8| {
        let mut bytes = moment.clone();
        bytes[at] = to;
        bytes
    };
    for bad in [
        vec![],
        vec![0],
        vec![5],
        vec![MOMENT],
        changed(1, 2),
        changed(2, 1),
        changed(3, moment[3] ^ 1),
        changed(5, 0xff),
        moment[..moment.len() - 1].to_vec(),
        moment[..moment.len() - OPENING_BYTES].to_vec(),
        [&moment[..], &[0]].concat(),
        [&moment[..], &[0; OPENING_BYTES]].concat(),
        vec![HANDED; 40],
        vec![HANDED; 42],
        vec![TOTALS; 16],
        vec![TOTALS; 18],
    ] {
        let mut entries = entries.clone();
        entries[1] = bad.clone();
        let (memory, _) = lineage.memory.left();
        let error = Lineage::resumed(memory, &entries).map(drop).expect_err("it goes on");
        assert_eq!(error, ResumeError::Entry { number: 1 }, "{:?}", &bad[..bad.len().min(8)]);
    }
}
