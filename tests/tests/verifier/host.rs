//! A host in this process: a lineage by the machine's own clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use selfsame::{
    Birth, Challenge, Introduction, Lineage, LineageId, Ordinary, Origin, ProveRefusal, Reason, Request,
    Salt, Step, Subject, hazmat,
};
use selfsame_tests::play::host::{Draws, evidence};

/// Whom all statements are for.
pub const DOOR: &str = "door";

/// A host.
pub struct Member {
    pub lineage: Lineage<Ordinary>,
    draws: Draws,
    born: Instant,
    /// Ticks that its clock is ahead of the machine's.
    pub ahead: u64,
}

impl Member {
    /// One that is born now. Of two seeds two lineages.
    pub fn born(seed: u64) -> Self {
        Self::born_of(seed, Origin::new(Reason::Install, None))
    }

    /// One with an origin.
    pub fn born_of(seed: u64, origin: Origin) -> Self {
        let mut draws = Draws::new(seed);
        let birth = Birth {
            contributions: &[("test", &draws.draw())],
            randomness: &draws.draw(),
            salt: Salt::new(draws.draw()),
            wall_ms: wall_ms(),
            evidence: evidence(),
            origin,
        };
        let lineage = Lineage::born(Ordinary::default(), birth).unwrap();
        Self { lineage, draws, born: Instant::now(), ahead: 0 }
    }

    /// Another machine with its memory, which goes on by itself.
    pub fn copied(&self, seed: u64) -> Self {
        let Ok(lineage) = hazmat::copy(&self.lineage, Ordinary::default());
        Self { lineage, draws: Draws::new(seed), born: self.born, ahead: self.ahead }
    }

    pub fn id(&self) -> LineageId {
        *self.lineage.id()
    }

    /// Makes a moment.
    pub fn moment(&mut self) {
        self.moment_at(self.index());
    }

    /// Makes a moment at this index.
    pub fn moment_at(&mut self, index: u64) {
        let randomness = self.draws.draw();
        let step = Step { index, wall_ms: wall_ms(), randomness: &randomness, evidence: evidence() };
        self.lineage.moment(step).unwrap();
    }

    /// Its answer, to a caller of user 1000 in unit `a.service`.
    pub fn answer(&mut self, challenge: &Challenge) -> Result<Vec<u8>, ProveRefusal> {
        self.answer_with(challenge, None)
    }

    /// The same with a payload.
    pub fn answer_with(
        &mut self,
        challenge: &Challenge,
        payload: Option<&[u8]>,
    ) -> Result<Vec<u8>, ProveRefusal> {
        self.answer_at(self.index(), challenge, payload)
    }

    fn answer_at(
        &mut self,
        index: u64,
        challenge: &Challenge,
        payload: Option<&[u8]>,
    ) -> Result<Vec<u8>, ProveRefusal> {
        let randomness = self.draws.draw();
        let step = Step { index, wall_ms: wall_ms(), randomness: &randomness, evidence: evidence() };
        let subject = Subject { uid: Some(1000), unit: Some("a.service".into()), ..Subject::default() };
        let request = Request {
            audience: challenge.audience().to_owned(),
            challenge: challenge.clone(),
            subject,
            payload: payload.map(<[u8]>::to_vec),
        };
        let mut answers = self.lineage.prove(step, vec![request]).unwrap();
        answers.remove(0).map(|proof| proof.encode())
    }

    /// The answers of this host and of a copy of it, at one index: so both lead there by the same tiers, and open the same pledges.
    pub fn both(&mut self, copy: &mut Self, [own, copys]: [&Challenge; 2]) -> [Vec<u8>; 2] {
        let index = self.index().max(copy.index());
        [self.answer_at(index, own, None).unwrap(), copy.answer_at(index, copys, None).unwrap()]
    }

    /// Its answer, which it gives.
    pub fn prove(&mut self, challenge: &Challenge) -> Vec<u8> {
        self.answer(challenge).unwrap()
    }

    /// Its introduction, of its newest moment.
    pub fn introduction(&mut self) -> Introduction {
        self.lineage.introduce()
    }

    /// Its answer to a question: the hop and the way, as Hop gives them.
    pub fn hop(&self, index: u64, tier: u8) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
        let answer = self.lineage.hop(index, tier, true).ok()?;
        Some((answer.hop.encode(), answer.way.iter().map(selfsame::Hop::encode).collect()))
    }

    /// As old as its clock says, and after its head.
    fn index(&self) -> u64 {
        let ticks = (self.born.elapsed().as_nanos() * 4096 / 1_000_000_000) as u64;
        (ticks + self.ahead).max(self.lineage.head().index + 1)
    }
}

/// Unix time in milliseconds.
pub fn wall_ms() -> u64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(wall.as_millis()).unwrap()
}

/// So long, in ticks.
pub fn ticks(time: Duration) -> u64 {
    time.as_secs() * 4096
}
