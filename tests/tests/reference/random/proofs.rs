//! Ten thousand proofs, good and bad, and what they come to.

use std::collections::BTreeMap;
use std::time::Instant;

use selfsame_tests::play::count;

use super::agree::{Case, agree};
use super::altered::altered;
use super::crafts::crafted;
use super::dice::Dice;
use super::history::History;
use super::thieves::stolen;
use crate::spec::verify::Why;

/// What there has to be of each outcome, of ten thousand.
const LEAST: &[(&str, usize)] = &[
    ("accepted", 4000),
    ("1 Shape", 100),
    ("1 TooManyHops", 30),
    ("2 OtherLineage", 30),
    ("2 OtherStart", 30),
    ("2 NotYounger", 30),
    ("3 OtherLineage", 30),
    ("3 NotForward", 30),
    ("3 BeyondHead", 30),
    ("3 Tier", 30),
    ("3 PreviousBefore", 30),
    ("3 Between", 30),
    ("3 PreviousDigest", 30),
    ("3 NotTurned", 30),
    ("3 Opening", 30),
    ("3 PledgeChanged", 30),
    ("3 PledgeStands", 30),
    ("4 GenesisMisplaced", 30),
    ("4 OtherGenesis", 30),
    ("5 OtherChallenge", 30),
    ("5 OtherAudience", 30),
    ("5 KnownMisplaced", 30),
    ("5 NotInHead", 30),
    ("5 WrongSubject", 30),
];

#[derive(Default)]
struct Outcomes {
    /// By what it came to, then by how it was made.
    counts: BTreeMap<String, BTreeMap<&'static str, usize>>,
    total: usize,
    disagreements: Vec<String>,
}

impl Outcomes {
    fn take(&mut self, case: &Case) {
        match agree(case) {
            Ok(why) => {
                assert!(case.made != "good" || why.is_none(), "an honest proof is refused: {why:?}");
                *self.counts.entry(name(why.as_ref())).or_default().entry(case.made).or_default() += 1;
                self.total += 1;
            }
            Err(disagreement) => self.disagreements.push(disagreement),
        }
    }

    fn honest(&self) -> usize {
        self.counts["accepted"]["good"]
    }

    fn of(&self, outcome: &str) -> usize {
        self.counts.get(outcome).map_or(0, |by| by.values().sum())
    }
}

fn name(why: Option<&Why>) -> String {
    match why {
        None => "accepted".to_owned(),
        Some(Why::Shape(_)) => "1 Shape".to_owned(),
        Some(Why::Hop(_, rule)) => format!("3 {rule:?}"),
        Some(why) => format!("{} {why:?}", why.check()),
    }
}

#[test]
fn crate_and_reference_agree() {
    let seed = std::env::var("SELFSAME_SEED").map_or(0, |seed| seed.parse().unwrap());
    let mut dice = Dice::of(seed);
    let full = 10_000;
    let least = count::cases(full) as usize;
    let started = Instant::now();
    let mut outcomes = Outcomes::default();
    while outcomes.total + outcomes.disagreements.len() < least {
        one_lineage(&mut outcomes, &mut dice);
    }
    println!("{} proofs of {full}, seed {seed}, {:.1?}", outcomes.total, started.elapsed());
    for (outcome, by) in &outcomes.counts {
        println!("{:6}  {outcome:20} {by:?}", outcomes.of(outcome));
    }
    let Outcomes { disagreements, .. } = &outcomes;
    assert!(
        disagreements.is_empty(),
        "{}: {:#?}",
        disagreements.len(),
        &disagreements[..disagreements.len().min(20)]
    );
    assert!(outcomes.honest() >= least / 3, "{} of honest hosts", outcomes.honest());
    for (outcome, of_full) in LEAST {
        let at_least = share(*of_full, least, full as usize);
        assert!(outcomes.of(outcome) >= at_least, "{outcome}: less than {at_least}");
    }
}

/// What there has to be of a part of all cases: of a small one a third of its share, since small numbers scatter.
pub fn share(of_full: usize, part: usize, full: usize) -> usize {
    if part < full { of_full * part / full / 3 } else { of_full }
}

fn one_lineage(outcomes: &mut Outcomes, dice: &mut Dice) {
    let mut history = History::born(dice);
    let mut good = vec![];
    for _ in 0..1 + dice.below(4) {
        history.live(dice);
        good.extend(history.answer(dice));
    }
    for case in &good {
        outcomes.take(case);
        let other = dice.one_of(&good);
        outcomes.take(&altered(case, &other, &history, dice));
        if dice.once_in(2) {
            outcomes.take(&crafted(dice));
        }
    }
    for case in stolen(&mut history, 2, dice) {
        outcomes.take(&case);
    }
}
