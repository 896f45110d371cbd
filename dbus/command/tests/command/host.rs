//! A host, played by a lineage in this process.

use std::time::SystemTime;

use selfsame::{
    Behaviour, Birth, Challenge, Condition, Evidence, EvidenceFields, Lineage, Ordinary, Origin, Reason,
    Request, Salt, Step, Subject, TpmClock,
};

use super::run::{bytes, text};

/// The relying party's name.
pub const AUDIENCE: &str = "door.example";

/// Ticks of a second.
pub const SECOND: u64 = selfsame::TICKS_PER_SECOND;

/// Unix time now, in milliseconds.
pub fn wall_ms() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64
}

/// A host. Two of one seed, birth and doings are copies of each other.
pub struct Host {
    pub lineage: Lineage<Ordinary>,
    /// When it was born.
    pub born_ms: u64,
    /// What it says of its TPM in its next moment.
    pub tpm: Option<TpmClock>,
}

impl Host {
    /// One that was born now.
    pub fn born(seed: u8) -> Self {
        Self::born_at(seed, wall_ms())
    }

    /// One that was born then.
    pub fn born_at(seed: u8, born_ms: u64) -> Self {
        Self::with_origin(seed, born_ms, Origin::new(Reason::Install, None))
    }

    /// One that was born then, for this reason, and follows that.
    pub fn with_origin(seed: u8, born_ms: u64, origin: Origin) -> Self {
        let birth = Birth {
            contributions: &[("test", &[seed; 32])],
            randomness: &[seed; 32],
            salt: Salt::new([seed; 32]),
            wall_ms: born_ms,
            evidence: evidence(None),
            origin,
        };
        Self { lineage: Lineage::born(Ordinary::default(), birth).unwrap(), born_ms, tpm: None }
    }

    /// Its lineage, as text.
    pub fn id(&self) -> String {
        self.lineage.id().to_string()
    }

    /// Makes a moment that nobody asked for.
    pub fn beat(&mut self, index: u64) {
        self.lineage.moment(self.step(index)).unwrap();
    }

    /// Answers a challenge, as it travels, by a moment at this index.
    pub fn prove(&mut self, challenge: &str, index: u64) -> String {
        let subject = Subject { uid: Some(1000), unit: Some("web.service".into()), ..Subject::default() };
        text(&self.prove_as(challenge, index, subject, None))
    }

    /// Answers a challenge for this subject.
    pub fn prove_as(
        &mut self,
        challenge: &str,
        index: u64,
        subject: Subject,
        payload: Option<&[u8]>,
    ) -> Vec<u8> {
        let request = Request {
            audience: AUDIENCE.to_owned(),
            challenge: Challenge::parse(&bytes(challenge)).unwrap(),
            subject,
            payload: payload.map(<[u8]>::to_vec),
        };
        let proofs = self.lineage.prove(self.step(index), vec![request]).unwrap();
        proofs.into_iter().next().unwrap().unwrap().encode()
    }

    /// An introduction, as it travels.
    pub fn introduce(&mut self) -> String {
        text(&self.lineage.introduce().encode())
    }

    fn step(&self, index: u64) -> Step<'static> {
        let wall_ms = self.born_ms + index * 1000 / SECOND;
        Step { index, wall_ms, randomness: &[7; 32], evidence: evidence(self.tpm) }
    }
}

fn evidence(tpm_clock: Option<TpmClock>) -> Evidence {
    let behaviour = Behaviour { samples: Some(3), drift: Some(125), commitment: None };
    Evidence::new(EvidenceFields {
        sources: Some(vec!["tpm".into(), "kernel".into()]),
        behaviour: Some(behaviour),
        tpm_clock,
        condition: Some(Condition::Steady),
    })
    .unwrap()
}
