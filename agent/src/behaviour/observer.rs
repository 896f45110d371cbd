//! What looks at the host, once a beat: a sample, how unusual it is, and the commitment to it.

use std::time::Instant;

use selfsame::Behaviour;

use super::{
    audit::{Blinded, Packer},
    drift::{Drift, Judge},
    sample::{Sample, Sampler},
};

/// Looks at the host.
#[derive(Debug)]
pub(crate) struct Observer {
    sampler: Sampler,
    judge: Judge,
    packer: Packer,
    /// Any time: what follows is counted from here.
    begun: Instant,
}

/// What one look at the host gave.
#[derive(Debug)]
pub(crate) struct Observed {
    /// The sample.
    pub(crate) sample: Sample,
    /// What the next moment says of it.
    pub(crate) behaviour: Behaviour,
    /// What an audit shows; none where the kernel gave no blind, and there is no commitment.
    pub(crate) blinded: Option<Blinded>,
    /// How unusual it is; none while too little was seen to say so.
    pub(crate) drift: Option<Drift>,
    /// What of it is furthest from usual, for people, that first.
    pub(crate) furthest: Vec<&'static str>,
    /// Whether enough was seen of the host to judge what it does.
    pub(crate) has_seen_enough: bool,
}

impl Observer {
    /// One that has seen nothing of this host.
    pub(crate) fn new() -> Self {
        let (sampler, judge, packer) = (Sampler::new(), Judge::new(), Packer::default());
        Self { sampler, judge, packer, begun: Instant::now() }
    }

    /// Looks, once.
    pub(crate) fn observe(&mut self) -> Observed {
        let reading = self.sampler.read();
        let sample = Sample::encode(&reading);
        let judged = self.judge.judge(&reading, self.begun.elapsed());
        let mut blind = [0; 32];
        // where the kernel gives nothing the keeper is about to end
        let is_blinded = getrandom::fill(&mut blind).is_ok();
        let behaviour = Behaviour {
            samples: Some(self.judge.samples()),
            drift: judged.drift.map(|drift| drift.thousandths().into()),
            commitment: is_blinded.then(|| Behaviour::commitment_to(&blind, sample.bytes())),
        };
        let packed = self.packer.pack(sample.bytes());
        Observed {
            sample,
            behaviour,
            blinded: is_blinded.then_some(Blinded { blind, packed }),
            drift: judged.drift,
            furthest: judged.furthest,
            has_seen_enough: self.judge.has_seen_enough(),
        }
    }
}
