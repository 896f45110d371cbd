//! A host, and the copy of its memory: two lineages that are born alike and do the same, until one of them is used by
//! itself.
//!
//! They are real ones, in ordinary memory: of this process, worth nothing, and gone with it. Their genesis says that they
//! are a drill's, by which the verifier lets go of their fork; their ages are this system's, so that the verifier's clock
//! agrees.

use std::thread;
use std::time::Duration;

use selfsame::{
    Birth, Challenge, Evidence, EvidenceFields, HopAnswer, Lineage, LineageId, Ordinary, Origin, Proof,
    ProveRefusal, Reason, Request, Salt, Step, Subject,
};
use selfsame_store::DRILL_SOURCE;

use crate::clock;
use crate::failure::Failure;

/// Whom the drill's callers talk to.
pub(super) const AUDIENCE: &str = "selfsame drill";

/// A host and its copy.
pub(super) struct Twins {
    host: Lineage<Ordinary>,
    copy: Lineage<Ordinary>,
    /// Ticks of this system's clock at their birth.
    born: u64,
    /// Index of the newest moment of either.
    last: u64,
}

impl Twins {
    pub(super) fn born() -> Result<Self, Failure> {
        let (contribution, randomness, salt) = (random()?, random()?, random()?);
        let now = now()?;
        let born = || {
            let birth = Birth {
                contributions: &[(DRILL_SOURCE, &contribution)],
                randomness: &randomness,
                salt: Salt::new(salt),
                wall_ms: now.wall_ms,
                evidence: evidence()?,
                origin: Origin::new(Reason::Install, None),
            };
            Lineage::born(Ordinary::default(), birth).map_err(|error| system("no lineage", &error))
        };
        Ok(Self { host: born()?, copy: born()?, born: now.ticks, last: 0 })
    }

    pub(super) fn lineage(&self) -> &LineageId {
        self.host.id()
    }

    /// The host answers, before it is copied: what it does then, its copy has done.
    pub(super) fn both(&mut self, challenge: &Challenge) -> Result<Vec<u8>, Failure> {
        let (index, wall_ms) = self.next()?;
        let randomness = random()?;
        let own = prove(&mut self.host, index, wall_ms, &randomness, challenge)?;
        prove(&mut self.copy, index, wall_ms, &randomness, challenge)?.map_err(unasked)?;
        Ok(own.map_err(unasked)?.encode())
    }

    /// The copy answers.
    pub(super) fn copy(&mut self, challenge: &Challenge) -> Result<Vec<u8>, Failure> {
        let (index, wall_ms) = self.next()?;
        let proof = prove(&mut self.copy, index, wall_ms, &random()?, challenge)?;
        Ok(proof.map_err(unasked)?.encode())
    }

    /// The host answers, or says why not; a beat of its own follows, as one would.
    pub(super) fn host(&mut self, challenge: &Challenge) -> Result<Result<Proof, ProveRefusal>, Failure> {
        let (index, wall_ms) = self.next()?;
        let answer = prove(&mut self.host, index, wall_ms, &random()?, challenge)?;
        let (index, wall_ms) = self.next()?;
        let randomness = random()?;
        let step = Step { index, wall_ms, randomness: &randomness, evidence: evidence()? };
        self.host.moment(step).map_err(|error| system("no moment", &error))?;
        Ok(answer)
    }

    /// The host's answer to a question; `None` where it keeps no such hop.
    pub(super) fn hop(&self, index: u64, tier: u8) -> Option<HopAnswer> {
        self.host.hop(index, tier, true).ok()
    }

    /// The next tick, as index, and the wall time then.
    fn next(&mut self) -> Result<(u64, u64), Failure> {
        loop {
            let now = now()?;
            let index = now.ticks.saturating_sub(self.born);
            if index > self.last {
                self.last = index;
                return Ok((index, now.wall_ms));
            }
            thread::sleep(TICK);
        }
    }
}

fn prove(
    lineage: &mut Lineage<Ordinary>,
    index: u64,
    wall_ms: u64,
    randomness: &[u8; 32],
    challenge: &Challenge,
) -> Result<Result<Proof, ProveRefusal>, Failure> {
    let step = Step { index, wall_ms, randomness, evidence: evidence()? };
    let request = Request {
        audience: AUDIENCE.to_owned(),
        challenge: challenge.clone(),
        subject: Subject::default(),
        payload: None,
    };
    let proofs = lineage.prove(step, vec![request]).map_err(|error| system("no moment", &error))?;
    proofs.into_iter().next().ok_or_else(|| Failure::unexpected("a request without an answer"))
}

fn evidence() -> Result<Evidence, Failure> {
    let sources = Some(vec![DRILL_SOURCE.to_owned()]);
    let evidence = Evidence::new(EvidenceFields { sources, ..EvidenceFields::default() });
    evidence.map_err(|error| system("no evidence", &error))
}

fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::system("no random bytes", &error))?;
    Ok(bytes)
}

fn now() -> Result<selfsame::Now, Failure> {
    clock::now().map_err(|error| Failure::system("no clock", &error))
}

/// The drill's own host does not answer a challenge that it should.
fn unasked(refusal: ProveRefusal) -> Failure {
    super::broken(format!("the drill's host does not answer: {refusal}"))
}

/// What this process can't do.
pub(super) fn system(what: &str, error: &dyn core::error::Error) -> Failure {
    Failure::system(what, error)
}

/// A tick, rounded up to what a system's timer gives (protocol section 1).
const TICK: Duration = Duration::from_micros(250);
