//! Sections 4, 6 and 8, the prover: one unbroken history of one host.

use std::sync::Arc;

use zeroize::Zeroize;

use crate::anchor::Head;
use crate::evidence::{Evidence, Origin};
use crate::handed::Handed;
use crate::hash::{LineageId, Pledge, Salt};
use crate::hop::HopAnswer;
use crate::introduction::Introduction;
use crate::moment::{Batch, Genesis, Moment};
use crate::odometer::{self, LIMIT, TIERS, TOP};
use crate::pledge;
use crate::record::Entry;
use crate::retained::Retained;
use crate::state::Memory;

mod proofs;
mod refusals;

pub use proofs::Request;
pub use refusals::{BirthError, HopError, MomentError, ProveRefusal, StirError};

/// A living lineage: the secret state in its memory, and all that is public and kept.
#[derive(Debug)]
pub struct Lineage<M> {
    pub(crate) memory: M,
    pub(crate) genesis: Arc<Genesis>,
    pub(crate) id: LineageId,
    pub(crate) head: Head,
    /// The latest moment; `None`: the genesis.
    pub(crate) latest: Option<Arc<Moment>>,
    pub(crate) pledges: [Pledge; TIERS],
    /// The next moment's pledges, as far as they are made ahead.
    pub(crate) ahead: [Option<Pledge>; TIERS],
    pub(crate) retained: Retained,
    pub(crate) handed: Handed,
    pub(crate) moments: u64,
}

/// What a lineage is born from.
#[derive(Debug)]
pub struct Birth<'a> {
    /// What the sources of entropy gave, each with its name. The state is unpredictable if any one of them was.
    pub contributions: &'a [(&'a str, &'a [u8])],
    /// 32 bytes of the kernel's getrandom.
    pub randomness: &'a [u8; 32],
    /// The lineage's public salt: 32 other random bytes.
    pub salt: Salt,
    /// Unix time in milliseconds, below 2^63.
    pub wall_ms: u64,
    /// What the host says of itself.
    pub evidence: Evidence,
    /// Why the lineage begins.
    pub origin: Origin,
}

/// When a moment is made, and with what.
#[derive(Debug)]
pub struct Step<'a> {
    /// The lineage's age by the age clock, in whole ticks: above the head's index, below 2^63, never ahead.
    pub index: u64,
    /// Unix time in milliseconds, below 2^63.
    pub wall_ms: u64,
    /// 32 bytes of the kernel's getrandom.
    pub randomness: &'a [u8; 32],
    /// What the host says of itself.
    pub evidence: Evidence,
}

impl<M: Memory> Lineage<M> {
    /// A new lineage. `memory` need not be blank: all in it is replaced.
    ///
    /// # Errors
    ///
    /// Why it can't be born.
    pub fn born(mut memory: M, birth: Birth<'_>) -> Result<Self, BirthError<M::Error>> {
        let Birth { contributions, randomness, salt, wall_ms, evidence, origin } = birth;
        if contributions.iter().all(|(_, bytes)| bytes.is_empty()) {
            return Err(BirthError::NoContribution);
        }
        if wall_ms >= LIMIT {
            return Err(BirthError::Wall { wall_ms });
        }
        memory.update(|secrets| secrets.begin(contributions, randomness)).map_err(BirthError::Memory)?;
        let pledges = memory.secrets().pending().each_ref().map(|secret| pledge::pledge(secret, &salt));
        let genesis = Genesis::compose(pledges, wall_ms, evidence, salt, origin);
        memory.record(&Entry::Genesis(&genesis)).map_err(BirthError::Memory)?;
        let id = genesis.lineage();
        Ok(Self {
            memory,
            genesis: Arc::new(genesis),
            id,
            head: Head { index: 0, digest: id.genesis_digest() },
            latest: None,
            pledges,
            ahead: [None; TIERS],
            retained: Retained::default(),
            handed: Handed::default(),
            moments: 1,
        })
    }

    /// Mixes what sources gave into the secret state.
    ///
    /// # Errors
    ///
    /// Where the memory refuses; then nothing has changed.
    pub fn stir(&mut self, contributions: &[(&str, &[u8])]) -> Result<(), StirError<M::Error>> {
        self.memory.update(|secrets| secrets.stir(contributions)).map_err(StirError)
    }

    /// Makes the next moment's secrets ahead, and its pledges of tiers below `tiers`, so that the moment itself is
    /// quick. Does nothing for what is ahead already.
    ///
    /// # Errors
    ///
    /// Where the memory refuses; then nothing has changed.
    pub fn prepare(&mut self, randomness: &[u8; 32], tiers: usize) -> Result<(), StirError<M::Error>> {
        if !self.memory.secrets().is_ahead() {
            let index = self.head.index;
            self.memory.update(|secrets| secrets.make_ahead(index, randomness)).map_err(StirError)?;
        }
        self.make_pledges(tiers);
        Ok(())
    }

    fn make_pledges(&mut self, tiers: usize) {
        let salt = self.genesis.salt();
        for (made, secret) in self.ahead.iter_mut().zip(self.memory.secrets().ahead()).take(tiers) {
            made.get_or_insert_with(|| pledge::pledge(secret, salt));
        }
    }

    /// The next moment, asked for or not, without statements.
    ///
    /// # Errors
    ///
    /// Why it can't be made; then nothing has changed.
    pub fn moment(&mut self, step: Step<'_>) -> Result<Arc<Moment>, MomentError<M::Error>> {
        self.advance(step, None)
    }

    fn advance(
        &mut self,
        step: Step<'_>,
        batch: Option<Batch>,
    ) -> Result<Arc<Moment>, MomentError<M::Error>> {
        let Step { index, wall_ms, randomness, evidence } = step;
        if index <= self.head.index {
            return Err(MomentError::NotAfter { index, head: self.head.index });
        }
        if index >= LIMIT || wall_ms >= LIMIT {
            return Err(MomentError::Range { index, wall_ms });
        }
        let tier = odometer::tier(self.head.index, index);
        let tiers = usize::from(tier) + 1;
        let was_ahead = self.memory.secrets().is_ahead();
        self.prepare(randomness, tiers).map_err(|StirError(error)| MomentError::Memory(error))?;
        if was_ahead {
            // what was made ahead took other bytes: these go into the state that comes after
            let stirred = self.stir(&[("kernel", randomness)]);
            stirred.map_err(|StirError(error)| MomentError::Memory(error))?;
        }
        let mut pledges = self.pledges;
        for (pledge, made) in pledges.iter_mut().zip(&self.ahead).take(tiers) {
            *pledge = made.expect("the pledges of these tiers were just made");
        }
        let moment = Moment::compose(self.id, index, self.head, pledges, batch, wall_ms, evidence);
        let salt = self.genesis.salt();
        let pending = self.memory.secrets().pending().iter().take(tiers);
        let mut openings: Vec<_> =
            pending.map(|secret| pledge::open(secret, salt, moment.digest())).collect();
        // with statements in it, it is handed out: that is recorded before it is
        let handed = batch.is_some();
        // the state that can open these pledges is gone before an opening leaves; if it can't go, none does
        let entry = Entry::Moment { moment: &moment, first: 0, openings: openings.iter().collect(), handed };
        let recorded = self.memory.record(&entry);
        let stepped = recorded.and_then(|()| self.memory.update(|secrets| secrets.step(tier, index)));
        if let Err(error) = stepped {
            openings.zeroize();
            return Err(MomentError::Memory(error));
        }
        if handed {
            self.handed.record(moment.head());
        }
        let moment = Arc::new(moment);
        self.retained.push(&moment, openings);
        self.pledges = pledges;
        self.ahead = [None; TIERS];
        self.head = moment.head();
        self.latest = Some(moment.clone());
        self.moments += 1;
        Ok(moment)
    }

    /// The lineage as one may introduce it to a relying party, over a channel that is trusted. Where the memory refuses
    /// to remember that its latest moment is handed out, it is introduced by its genesis alone.
    pub fn introduce(&mut self) -> Introduction {
        let recorded = |memory: &mut M| memory.record(&Entry::Handed(self.head)).is_ok();
        let latest = self.latest.as_ref().filter(|_| recorded(&mut self.memory));
        if latest.is_some() {
            self.handed.record(self.head);
        }
        Introduction { genesis: (*self.genesis).clone(), moment: latest.map(|moment| (**moment).clone()) }
    }

    /// The answer to a relying party's question: this lineage's first moment after `index` of `tier` or more, as a
    /// hop, and the way to where its pledge was made, where that is asked for and kept.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub fn hop(&self, index: u64, tier: u8, way: bool) -> Result<HopAnswer, HopError> {
        if index >= LIMIT || tier > TOP {
            return Err(HopError::Range { index, tier });
        }
        let hop = self.retained.hop(index, tier).ok_or(HopError::NotKept { index, tier })?;
        let way = way.then(|| self.retained.way_to_pledge(index, tier)).flatten();
        Ok(HopAnswer { hop, way: way.unwrap_or_default() })
    }

    /// The lineage's id.
    pub fn id(&self) -> &LineageId {
        &self.id
    }

    /// Its genesis.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Its latest moment's index and digest.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Its newest moment; none where that is the genesis.
    pub fn latest(&self) -> Option<&Moment> {
        self.latest.as_deref()
    }

    /// Moments so far, the genesis counted.
    pub fn moments(&self) -> u64 {
        self.moments
    }

    /// Moments and openings that are kept: at most about 750 and 1,000, and those of tier 15.
    pub fn kept(&self) -> (usize, usize) {
        self.retained.count()
    }

    /// The memory that holds the secrets.
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// The same, to be told what does not touch the secrets.
    pub fn memory_mut(&mut self) -> &mut M {
        &mut self.memory
    }

    /// What whoever copies this host's memory has: see [`crate::hazmat::copy`].
    pub(crate) fn copy_into<N: Memory>(&self, mut memory: N) -> Result<Lineage<N>, N::Error> {
        memory.update(|secrets| secrets.copy_from(self.memory.secrets()))?;
        Ok(Lineage {
            memory,
            genesis: self.genesis.clone(),
            id: self.id,
            head: self.head,
            latest: self.latest.clone(),
            pledges: self.pledges,
            ahead: self.ahead,
            retained: self.retained.clone(),
            handed: self.handed.clone(),
            moments: self.moments,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{EvidenceFields, Reason};
    use crate::state::Ordinary;

    fn evidence() -> Evidence {
        Evidence::new(EvidenceFields::default()).expect("short")
    }

    #[test]
    fn what_was_opened_is_nowhere_in_the_memory_any_more() {
        let birth = Birth {
            contributions: &[("test", b"x")],
            randomness: &[1; 32],
            salt: Salt::new([2; 32]),
            wall_ms: 0,
            evidence: evidence(),
            origin: Origin::new(Reason::Install, None),
        };
        let mut lineage = Lineage::born(Ordinary::default(), birth).expect("it is born");
        let mut opened = std::collections::BTreeSet::new();
        // one moment of each tier and more, every second one made ahead
        for (number, index) in
            (0u8..).zip([1, 2, 5, 16, 17, 64, 300, 1024, 70_000, 1 << 20, 1 << 30, 1 << 62])
        {
            if number % 2 == 0 {
                lineage.prepare(&[number; 32], 16).expect("ordinary memory takes all");
            }
            let secrets = lineage.memory.secrets();
            let bytes = |secret: &crate::state::Secret| *secret.expose();
            let before: Vec<_> = secrets.pending().iter().map(bytes).collect();
            let step = Step { index, wall_ms: 0, randomness: &[number; 32], evidence: evidence() };
            let moment = lineage.moment(step).expect("it is later");
            opened.extend(before.into_iter().take(usize::from(moment.tier()) + 1));
            let secrets = lineage.memory.secrets();
            let there = secrets.pending().iter().chain(secrets.ahead()).map(bytes);
            assert!(there.into_iter().all(|secret| !opened.contains(&secret)), "after index {index}");
        }
    }
}
