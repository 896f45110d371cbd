//! How often a used copy can be shown to have been: a table of the time since its use by its age when it was used.

use std::{fmt, thread};

use selfsame::ProveRefusal;
use selfsame_tests::play::count::cases;
use selfsame_tests::play::sparse::{Beat, nearest};
use selfsame_tests::play::{Thief, host::Draws};

use super::scene::{PEER, SECOND, Scene, Times, WAY, convinces_anyone};
use super::strategies::{LAG, Strategy, answering};

/// Time since the copy was used, by its age then: powers of 4 from 1/4.
const RATIOS: [f64; 7] = [0.25, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0];

/// Schedules of the full count.
const SCHEDULES: u32 = 2100;

/// A random schedule, in ticks.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    seed: u64,
    /// Which of the ratios.
    ratio: usize,
    /// From the copy to its use.
    age: u64,
    /// From the relying party's last meeting with the host to the copy's use.
    away: u64,
    /// The host's age when the relying party met it last.
    met: u64,
    /// The phase of the host's beat of 8 s.
    phase: u64,
}

/// What came of a schedule: whether a fork was shown.
#[derive(Debug)]
struct Outcome {
    schedule: Schedule,
    /// By two clones that both went on honestly.
    clones: bool,
    /// Whatever a thief who answered once had tried.
    once: bool,
    /// Whatever a thief had tried who answered up to ten times before the host was asked.
    often: bool,
    /// How many forks were shown in all this, and how many of them to nobody but the relying party that asked.
    forks: u32,
    for_the_asker: u32,
}

/// Numbers from a seed.
struct Chance(Draws);

impl Chance {
    /// A number from `from` up to `to`, all orders of magnitude alike.
    fn between(&mut self, from: u64, to: u64) -> u64 {
        let (from, to) = ((from as f64).ln(), (to as f64).ln());
        (from + (to - from) * self.unit()).exp() as u64
    }

    fn unit(&mut self) -> f64 {
        let drawn = self.0.draw();
        u64::from_le_bytes(drawn[..8].try_into().unwrap()) as f64 / u64::MAX as f64
    }
}

impl Schedule {
    fn random(number: u64) -> Self {
        let mut chance = Chance(Draws::new(number));
        let age = match number % 2 {
            // much younger and much older than the lag that is only reported
            0 => chance.between(2 * SECOND, LAG),
            _ => chance.between(4 * LAG, 4 * 3600 * SECOND),
        };
        let away = (age as f64 * (1.0 + chance.between(1, 4096) as f64 / 64.0)) as u64 + 2 * SECOND;
        Self {
            seed: number,
            ratio: (number / 2) as usize % RATIOS.len(),
            age,
            away,
            met: chance.between(60 * SECOND, 30 * 24 * 3600 * SECOND),
            phase: (chance.unit() * 8.0 * SECOND as f64) as u64 + 1,
        }
    }

    fn is_young(&self) -> bool {
        self.age < LAG
    }

    fn play(self) -> Outcome {
        let Self { seed, ratio, age, away, met, phase } = self;
        let beat = Beat { every: 8 * SECOND, phase };
        let copied = met + away - age;
        let mut scene = Scene::until_copied(seed, Times { met, copied }, beat);
        // a clone goes on honestly, until it is asked; it beats by itself
        let used = copied + age;
        let party = scene.party.twin();
        let mut clone = scene.clone_of_host(seed + 1_000_000);
        let own = Beat { phase: phase + seed % (8 * SECOND), ..beat };
        for index in own.between(clone.lineage.head().index.max(copied), used, 4) {
            clone.moment(index);
        }
        let stolen = scene.clone_of_host(0);
        let challenge = scene.asked(used);
        let proof = clone.prove(used, &[challenge]).remove(0).encode();
        let verdict = scene.party.verify(PEER, &proof, used).unwrap();
        assert_eq!(verdict.known, Some(true), "the clone knows what the host had handed out");
        // the host goes on, until it is asked
        let since = (age as f64 * RATIOS[ratio]) as u64 + 2 * WAY;
        let asked = used + since;
        scene.beats(copied, asked, 64);
        let alarm = scene.host_answers(asked);
        assert!(matches!(alarm, Err(ProveRefusal::ForeignAnchor { .. })), "{alarm:?} in {self:?}");
        let lineage = *scene.host.lineage.id();
        let (mut forks, mut for_the_asker) = (0, 0);
        let mut is_shown = |fork: Option<selfsame::Fork>| {
            fork.is_some_and(|fork| {
                // the way from the genesis may be gone, where the hop is not yet
                forks += 1;
                for_the_asker += u32::from(!convinces_anyone(&fork, &lineage));
                true
            })
        };
        let clones = is_shown(scene.questioned());
        // a thief uses its copy at about that age: when the odometer suits it, and as hides it best
        let about = (0..=16).map(|n| used - age / 16 + age / 128 * n);
        let suits = nearest(copied, about).unwrap_or(used);
        let used = if self.is_young() { used } else { suits };
        let mut hides = |strategies: &[Strategy]| {
            let mut accepted = 0;
            let hides = strategies.iter().any(|strategy| {
                let mut thief = Thief::of(&stolen.lineage, "thief");
                scene.party = party.twin();
                if !strategy.play(&mut thief, &mut scene.party, used, asked - 2 * WAY) {
                    return false;
                }
                accepted += 1;
                let alarm = scene.host_answers(asked + 1);
                assert!(
                    matches!(alarm, Err(ProveRefusal::ForeignAnchor { .. })),
                    "{alarm:?}, {strategy:?} in {self:?}"
                );
                !is_shown(scene.questioned())
            });
            assert!(accepted > 0, "a thief that does not hide is taken for the host, in {self:?}");
            hides
        };
        let once = !hides(&answering(1));
        // who may answer ten times may answer once, too; of young copies the table has no more
        let often = once && (self.is_young() || !hides(&answering(10)));
        Outcome { schedule: self, clones, once, often, forks, for_the_asker }
    }
}

#[test]
fn how_often_a_used_copy_can_be_shown() {
    let count = u64::from(cases(SCHEDULES)).next_multiple_of(2 * RATIOS.len() as u64);
    let halves: Vec<_> = (0..2)
        .map(|half| {
            thread::spawn(move || -> Vec<_> {
                (0..count)
                    .filter(|number| number % 4 / 2 == half)
                    .map(|number| Schedule::random(number).play())
                    .collect()
            })
        })
        .collect();
    let outcomes: Vec<Outcome> = halves.into_iter().flat_map(|half| half.join().unwrap()).collect();
    println!("{count} schedules of {SCHEDULES}, {} strategies of a thief in each", 2 * answering(1).len());
    let forks: u32 = outcomes.iter().map(|outcome| outcome.forks).sum();
    let for_the_asker: u32 = outcomes.iter().map(|outcome| outcome.for_the_asker).sum();
    println!("{forks} forks were shown, {for_the_asker} of them to the relying party alone that asked");
    assert!(for_the_asker * 20 < forks, "nearly all convince anyone");
    println!("{}", row("time since use / age when used", KINDS.map(|(name, _)| name.to_owned())));
    println!("{}", row("---", KINDS.map(|_| "---".to_owned())));
    let mut hidden_by_the_lag = 0;
    for (number, ratio) in RATIOS.iter().enumerate() {
        let here = || outcomes.iter().filter(|outcome| outcome.schedule.ratio == number);
        let rates = KINDS.map(|(_, of)| Rate::over(here().filter_map(of)));
        println!("{}", row(&ratio.to_string(), rates.map(|rate| rate.to_string())));
        // the documents' table, in bounds so wide that a tenth of the schedules is within them, too
        let [clones, once, often, young] = rates.map(Rate::share);
        if *ratio <= 16.0 {
            assert!(clones >= 0.8 && once >= 0.8, "up to 16 times the age it can be shown, nearly always");
            assert!(often >= 0.8 || *ratio >= 4.0, "soon, however often a thief answers");
        }
        if *ratio == 64.0 {
            assert!(clones <= 0.75 && once <= 0.6 && often <= 0.4, "at 64 times mostly not");
        }
        if *ratio >= 256.0 {
            assert!(clones <= 0.2 && once <= 0.2 && often <= 0.2 && young <= 0.2, "late, nearly never");
        }
        hidden_by_the_lag += here().filter(|outcome| outcome.schedule.is_young() && !outcome.once).count();
    }
    assert!(
        hidden_by_the_lag > 0,
        "a copy younger than the lag that is only reported can hide where it parted"
    );
}

/// A column of the table: its name, and what it counts, and whether that was shown.
type Kind = (&'static str, fn(&Outcome) -> Option<bool>);

const KINDS: [Kind; 4] = [
    ("two clones", |outcome| Some(outcome.clones)),
    ("thief, copy of 4 min to 4 h, answers once", |outcome| {
        (!outcome.schedule.is_young()).then_some(outcome.once)
    }),
    ("thief, the same, answers up to ten times", |outcome| {
        (!outcome.schedule.is_young()).then_some(outcome.often)
    }),
    ("thief, copy of 2 s to 60 s, answers once", |outcome| {
        outcome.schedule.is_young().then_some(outcome.once)
    }),
];

fn row(name: &str, cells: [String; KINDS.len()]) -> String {
    format!("| {name} | {} |", cells.join(" | "))
}

/// How many were shown, of how many.
#[derive(Clone, Copy, Debug)]
struct Rate(usize, usize);

impl Rate {
    fn over(of: impl Iterator<Item = bool>) -> Self {
        of.fold(Self(0, 0), |Self(shown, all), one| Self(shown + usize::from(one), all + 1))
    }

    fn share(self) -> f64 {
        self.0 as f64 / self.1.max(1) as f64
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} % of {}", 100.0 * self.share(), self.1)
    }
}
