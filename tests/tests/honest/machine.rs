//! A host as a machine: its lineage, its clocks, and its beat.

use selfsame::{
    Birth, Challenge, Introduction, Lineage, LineageId, Ordinary, Origin, Predecessor, Proof, ProveRefusal,
    Reason, Salt, Step,
};
use selfsame_tests::play::Chance;
use selfsame_tests::play::host::{BORN_MS, Draws, Host, evidence, request};
use selfsame_tests::play::sparse::Beat;

/// Ticks of a second.
pub const SECOND: u64 = 4096;

/// A host may stand still for so long in its life: what is over is `Stalled`.
const MOST_PAUSED: u64 = 60 * SECOND;

/// A machine, and the agent on it.
#[derive(Debug)]
pub struct Machine {
    host: Host<Ordinary>,
    born_at: u64,
    /// By how much its wall clock is wrong.
    wrong_ms: i64,
    /// Its age clock is fast by so many millionths.
    fast: i64,
    /// For so long its age clock stood still.
    pub paused: u64,
    resumes_at: u64,
    beat: Beat,
    /// Up to this age its beats are made.
    beaten: u64,
}

impl Machine {
    /// A machine that is started at true time `t`.
    pub fn started(chance: &mut Chance, t: u64, predecessor: Option<Predecessor>) -> Self {
        let mut draws = Draws::new(chance.number());
        let wrong_ms = chance.around(60_000);
        let reason = if predecessor.is_some() { Reason::Boot } else { Reason::Install };
        let birth = Birth {
            contributions: &[("test", &draws.draw())],
            randomness: &draws.draw(),
            salt: Salt::new(draws.draw()),
            wall_ms: wall_ms(t, wrong_ms),
            evidence: evidence(),
            origin: Origin::new(reason, predecessor),
        };
        let lineage = Lineage::born(Ordinary::default(), birth).unwrap();
        Self {
            host: Host { lineage, draws },
            born_at: t,
            wrong_ms,
            fast: chance.around(900),
            paused: 0,
            resumes_at: t,
            beat: Beat { every: 8 * SECOND, phase: 1 + chance.below(8 * SECOND) },
            beaten: 0,
        }
    }

    /// It is started anew: its memory is gone, but for what the agent wrote of its last head.
    pub fn reboots(&mut self, chance: &mut Chance, t: u64) {
        let predecessor = Predecessor { lineage: self.lineage(), head: self.host.lineage.head() };
        *self = Self::started(chance, t, Some(predecessor));
    }

    pub fn lineage(&self) -> LineageId {
        *self.host.lineage.id()
    }

    /// The lineage that it says it follows.
    pub fn predecessor(&self) -> Option<LineageId> {
        self.host.lineage.genesis().origin().predecessor().map(|before| before.lineage)
    }

    pub fn head(&self) -> selfsame::Head {
        self.host.lineage.head()
    }

    /// When it can do something, which is now where it is awake.
    pub fn awake_at(&self, t: u64) -> u64 {
        if t < self.resumes_at {
            self.resumes_at
        } else if self.age(t) <= self.head().index {
            // if the tick is the same, wait for the next
            t + 1
        } else {
            t
        }
    }

    /// Its age in whole ticks of its own clock.
    fn age(&self, t: u64) -> u64 {
        let lived = i128::from(t - self.born_at - self.paused);
        u64::try_from(lived + lived * i128::from(self.fast) / 1_000_000).unwrap()
    }

    /// Makes the beats that are due by `t`.
    fn beats(&mut self, t: u64) {
        let age = self.age(t);
        for index in self.beat.between(self.beaten, age, 4) {
            if index > self.head().index {
                let (randomness, wall_ms) = (self.host.draw(), self.wall_ms(index));
                let step = Step { index, wall_ms, randomness: &randomness, evidence: evidence() };
                self.host.lineage.moment(step).unwrap();
            }
        }
        self.beaten = age;
    }

    /// What its wall clock says at this age, by a minute.
    fn wall_ms(&self, index: u64) -> u64 {
        let lived = i128::from(index) * 1_000_000 / i128::from(1_000_000 + self.fast);
        wall_ms(self.born_at + u64::try_from(lived).unwrap(), self.wrong_ms)
    }

    /// It is suspended: nothing happens, but its age clock goes on.
    pub fn suspended(&mut self, t: u64, ticks: u64) {
        if t < self.resumes_at {
            return;
        }
        self.beats(t);
        self.resumes_at = t + ticks;
        self.beaten = self.age(self.resumes_at);
    }

    /// It stands still, as a virtual machine may, its age clock too. Not where it would be too much in all.
    pub fn pauses(&mut self, t: u64, ticks: u64) -> bool {
        if t < self.resumes_at || self.paused + ticks > MOST_PAUSED {
            return false;
        }
        self.beats(t);
        self.paused += ticks;
        self.resumes_at = t + ticks;
        true
    }

    /// One moment that answers all of these, each with a proof or why there is none.
    pub fn answers(&mut self, t: u64, challenges: &[Challenge]) -> Vec<Result<Proof, ProveRefusal>> {
        self.beats(t);
        let (index, randomness) = (self.age(t), self.host.draw());
        let step =
            Step { index, wall_ms: self.wall_ms(index), randomness: &randomness, evidence: evidence() };
        let requests = challenges.iter().cloned().map(|challenge| {
            let audience = challenge.audience().to_owned();
            selfsame::Request { audience, ..request(challenge) }
        });
        self.host.lineage.prove(step, requests.collect()).unwrap()
    }

    /// What introduces it, as it travels.
    pub fn introduces(&mut self, t: u64) -> Vec<u8> {
        self.beats(t);
        let introduction: Introduction = self.host.lineage.introduce();
        introduction.encode()
    }
}

fn wall_ms(t: u64, wrong_ms: i64) -> u64 {
    (BORN_MS + t / SECOND * 1000).checked_add_signed(wrong_ms).unwrap()
}
