//! The challenges that are out: each for 60 s, for one use, and for eight refusals.

use crate::anchor::Anchor;
use crate::challenge::Challenge;
use crate::hash::Digest;
use crate::time::Now;

/// A challenge lives so long, both ends included (section 7).
const LIFE_MS: u64 = 60_000;

/// So many refused proofs use a challenge up (section 7).
pub(super) const MAX_REFUSALS: u8 = 8;

/// Challenges that are out at once for one peer (the bound that section 7 asks for).
const MAX_OUT: usize = 256;

/// A challenge that is out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issued {
    pub(super) challenge: Challenge,
    pub(super) digest: Digest,
    /// The anchor that it was issued against.
    pub(super) anchor: Option<Anchor>,
    pub(super) at: Now,
    pub(super) refusals: u8,
    /// Whether it dies when the anchor changes: it names none, or one that no proof has confirmed.
    pub(super) is_fragile: bool,
}

impl Issued {
    pub(super) fn new(challenge: Challenge, anchor: Option<Anchor>, at: Now, is_fragile: bool) -> Self {
        Self { digest: challenge.digest(), challenge, anchor, at, refusals: 0, is_fragile }
    }

    pub(super) fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    pub(super) fn anchor(&self) -> Option<&Anchor> {
        self.anchor.as_ref()
    }

    pub(super) fn at(&self) -> &Now {
        &self.at
    }

    pub(super) fn is_alive(&self, now: &Now) -> bool {
        self.at.is_within(now, LIFE_MS)
    }
}

/// A peer's challenges that are out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IssuedChallenges(pub(super) Vec<Issued>);

impl IssuedChallenges {
    /// Adds one, and drops the dead. In an error, how many are out.
    pub(super) fn add(&mut self, issued: Issued, now: &Now) -> Result<(), usize> {
        if self.0.iter().filter(|issued| issued.is_alive(now)).count() >= MAX_OUT {
            return Err(MAX_OUT);
        }
        self.0.retain(|issued| issued.is_alive(now));
        self.0.push(issued);
        Ok(())
    }

    pub(super) fn find(&self, digest: &Digest) -> Option<&Issued> {
        self.0.iter().find(|issued| issued.digest == *digest)
    }

    pub(super) fn remove(&mut self, digest: &Digest) {
        self.0.retain(|issued| issued.digest != *digest);
    }

    pub(super) fn count_refusal(&mut self, digest: &Digest) {
        for issued in self.0.iter_mut().filter(|issued| issued.digest == *digest) {
            issued.refusals += 1;
        }
        self.0.retain(|issued| issued.refusals < MAX_REFUSALS);
    }

    pub(super) fn anchor_changed(&mut self) {
        self.0.retain(|issued| !issued.is_fragile);
    }

    pub(super) fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.0.iter().map(|issued| &issued.digest)
    }
}
