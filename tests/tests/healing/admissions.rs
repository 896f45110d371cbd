//! What section 9 admits of a copy of memory: each a test named after it.

mod denial;
mod elsewhere;
mod lag;
mod newcomers;
mod watched;

use selfsame::{Ordinary, Refusal, Verdict};
use selfsame_tests::play::host::Host;
use selfsame_tests::play::{Party, Thief};

use super::scene::{PEER, SECOND, beats, meets_first, proves};

/// The relying party meets the host at this age, an hour.
pub const MET: u64 = 3600 * SECOND;

/// The host's memory is copied, half an hour later.
pub const COPIED: u64 = MET + 1800 * SECOND;

/// The host's beat.
pub const BEAT: u64 = 8 * SECOND;

/// A host, a relying party that met it, and then a thief.
#[derive(Debug)]
pub struct Copied {
    pub party: Party,
    pub host: Host<Ordinary>,
    pub thief: Thief,
}

impl Copied {
    pub fn new(seed: u64) -> Self {
        let (mut party, mut host) = (Party::default(), Host::born(seed + 6_000_000));
        meets_first(&mut party, &mut host, MET);
        beats(&mut host, BEAT, MET, COPIED);
        host.moment(COPIED);
        let thief = Thief::of(&host.lineage, "thief");
        Self { party, host, thief }
    }

    /// The relying party asks at `t`, and the thief answers at once by a head at `index`.
    pub fn thief_answers(&mut self, t: u64, index: u64) -> Result<Verdict, Refusal> {
        let challenge = self.party.ask(PEER, t - 1).unwrap();
        let proof = self.thief.answer(&challenge, index);
        self.party.verify(PEER, &proof, t)
    }

    /// The relying party asks, and the host answers at `t`.
    pub fn host_answers(&mut self, t: u64) -> Result<Verdict, Refusal> {
        let proof = proves(&mut self.party, &mut self.host, t - 1, t);
        self.party.verify(PEER, &proof.encode(), t)
    }
}
