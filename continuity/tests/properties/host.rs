//! A host under test: a lineage, with randomness that comes from a seed.

use std::sync::Arc;

use selfsame::{
    Birth, Challenge, Evidence, EvidenceFields, Lineage, Memory, Moment, MomentError, Ordinary, Origin,
    Proof, ProveRefusal, Reason, Request, Salt, Step, Subject,
};

/// Whom every test's caller talks to.
pub const AUDIENCE: &str = "relying.example";

/// Unix time in milliseconds at which every test's lineage is born.
pub const BORN_MS: u64 = 1_800_000_000_000;

#[derive(Debug)]
pub struct Host<M> {
    pub lineage: Lineage<M>,
    pub draws: Draws,
}

/// Bytes from a seed: other ones at each draw.
#[derive(Clone, Debug)]
pub struct Draws {
    seed: u64,
    count: u64,
}

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self { seed, count: 0 }
    }

    pub fn draw(&mut self) -> [u8; 32] {
        self.count += 1;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes()).update(&self.count.to_le_bytes());
        *hasher.finalize().as_bytes()
    }
}

impl Host<Ordinary> {
    /// Two hosts of one seed are one host and its copy, until they are asked for different things.
    pub fn born(seed: u64) -> Self {
        Self::born_in(Ordinary::default(), seed)
    }
}

impl<M: Memory> Host<M> {
    pub fn born_in(memory: M, seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        let birth = Birth {
            contributions: &[("test", &draws.draw())],
            randomness: &draws.draw(),
            salt: Salt::new(draws.draw()),
            wall_ms: BORN_MS,
            evidence: evidence(),
            origin: Origin::new(Reason::Install, None),
        };
        Self { lineage: Lineage::born(memory, birth).expect("it is born"), draws }
    }

    pub fn try_moment(&mut self, index: u64) -> Result<Arc<Moment>, MomentError<M::Error>> {
        let randomness = self.draws.draw();
        self.lineage.moment(step(index, &randomness))
    }

    pub fn moment(&mut self, index: u64) -> Arc<Moment> {
        self.try_moment(index).expect("a moment can be made")
    }

    /// One moment that answers all of these.
    pub fn try_prove(
        &mut self,
        index: u64,
        challenges: &[Challenge],
    ) -> Result<Vec<Result<Proof, ProveRefusal>>, MomentError<M::Error>> {
        let randomness = self.draws.draw();
        let requests = challenges.iter().cloned().map(request).collect();
        self.lineage.prove(step(index, &randomness), requests)
    }

    /// One moment that answers all of these, each with a proof.
    pub fn prove(&mut self, index: u64, challenges: &[Challenge]) -> Vec<Proof> {
        let proofs = self.try_prove(index, challenges).expect("a moment can be made");
        proofs
            .into_iter()
            .map(|proof| proof.unwrap_or_else(|refusal| panic!("no proof: {refusal}")))
            .collect()
    }

    pub fn draw(&mut self) -> [u8; 32] {
        self.draws.draw()
    }
}

pub fn request(challenge: Challenge) -> Request {
    let subject = Subject { uid: Some(1000), ..Subject::default() };
    Request { audience: AUDIENCE.into(), challenge, subject, payload: None }
}

/// A moment's step, at the wall time of a host whose clocks agree.
pub fn step(index: u64, randomness: &[u8; 32]) -> Step<'_> {
    let wall_ms = (BORN_MS + index / 4096 * 1000).min((1 << 63) - 1);
    Step { index, wall_ms, randomness, evidence: evidence() }
}

pub fn evidence() -> Evidence {
    let sources = Some(vec!["kernel".to_owned()]);
    Evidence::new(EvidenceFields { sources, ..EvidenceFields::default() }).expect("short")
}
