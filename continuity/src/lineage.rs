//! Sections 4, 6 and 8, the prover: one unbroken history of one host.

use core::fmt;
use std::sync::Arc;

use zeroize::Zeroize;

use crate::anchor::Head;
use crate::cbor::ParseError;
use crate::challenge::Challenge;
use crate::evidence::{Evidence, Origin};
use crate::handed::{Handed, Judgement};
use crate::hash::{LineageId, Pledge, Salt};
use crate::hop::{Hop, HopAnswer};
use crate::introduction::Introduction;
use crate::merkle::{MAX_STATEMENTS, Tree};
use crate::moment::{Batch, Genesis, Moment};
use crate::odometer::{self, LIMIT, TIERS, TOP};
use crate::pledge;
use crate::proof::{self, Proof};
use crate::record::Entry;
use crate::retained::Retained;
use crate::state::Memory;
use crate::statement::{Statement, Subject};

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

/// A caller's request for a proof.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whom the caller means to talk to.
    pub audience: String,
    /// The relying party's challenge.
    pub challenge: Challenge,
    /// Who the caller is, as far as the agent itself established it.
    pub subject: Subject,
    /// What the caller says; at most 4,096 bytes.
    pub payload: Option<Vec<u8>>,
}

/// Why a lineage can't be born.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BirthError<E: core::error::Error + 'static> {
    /// No source gave anything.
    #[error("no source of entropy gave anything")]
    NoContribution,
    /// The wall time is over the limit.
    #[error("wall time of {wall_ms} ms: below 2^63")]
    Wall {
        /// The wall time.
        wall_ms: u64,
    },
    /// The memory refused the secrets.
    #[error("the secret memory refused a change")]
    Memory(#[source] E),
}

/// Why secrets can't be stirred, or made ahead.
#[derive(Debug, thiserror::Error)]
#[error("the secret memory refused a change")]
pub struct StirError<E: core::error::Error + 'static>(#[source] pub E);

/// Why a moment can't be made. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MomentError<E: core::error::Error + 'static> {
    /// The index is not above the head's: wait for the next tick.
    #[error("index {index} is not after the head's, {head}")]
    NotAfter {
        /// The index.
        index: u64,
        /// The head's.
        head: u64,
    },
    /// Index or wall time are over the limit.
    #[error("index {index}, wall time {wall_ms} ms: both below 2^63")]
    Range {
        /// The index.
        index: u64,
        /// The wall time.
        wall_ms: u64,
    },
    /// More statements than a moment may carry.
    #[error("{count} statements: at most {MAX_STATEMENTS}")]
    TooManyStatements {
        /// How many there are.
        count: usize,
    },
    /// The memory refused the change.
    #[error("the secret memory refused a change")]
    Memory(#[source] E),
}

/// What an agent answers instead of a proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProveRefusal {
    /// The challenge is of another relying party than the one that the caller talks to.
    #[error("the challenge is of {found:?}, the caller talks to {asked:?}")]
    WrongAudience {
        /// Whom the caller means to talk to.
        asked: String,
        /// Whose the challenge is.
        found: String,
    },
    /// The challenge is for another lineage.
    #[error("the challenge is for lineage {asked}, this is {own}{}", Follows(.predecessor))]
    OtherLineage {
        /// The lineage that the challenge is for.
        asked: LineageId,
        /// The agent's own.
        own: LineageId,
        /// The one that this says it follows.
        predecessor: Option<LineageId>,
    },
    /// A head in the challenge is not this lineage's: somebody else answered in its name.
    #[error("this host never handed out the head at index {}: somebody else answered in its name", .head.index)]
    ForeignAnchor {
        /// The head.
        head: Head,
    },
    /// The proof would be over its limit.
    #[error("the anchor is too old: the proof would have {bytes} bytes, at most {max}", max = proof::MAX_BYTES)]
    TooOld {
        /// Bytes that the proof would have at least.
        bytes: usize,
    },
    /// A hop that the proof needs is not kept.
    #[error("a hop from index {since} is not kept any more")]
    NotKept {
        /// The index that the proof would start from.
        since: u64,
    },
    /// What the caller said, or who it is, does not fit a statement.
    #[error(transparent)]
    Statement(#[from] ParseError),
}

struct Follows<'a>(&'a Option<LineageId>);

impl fmt::Display for Follows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(lineage) => write!(f, ", which says that it follows {lineage}"),
            None => Ok(()),
        }
    }
}

/// Why there is no answer to the question for a hop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HopError {
    /// There is no such tier, or no such index.
    #[error("index {index}, tier {tier}: below 2^63, and 0 to 15")]
    Range {
        /// The index.
        index: u64,
        /// The tier.
        tier: u8,
    },
    /// There is no such moment yet, or its opening is gone.
    #[error("no moment after index {index} of tier {tier} or more is kept")]
    NotKept {
        /// The index.
        index: u64,
        /// The tier.
        tier: u8,
    },
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

    /// One moment that answers all of these, each with its proof or why there is none. Where none can be
    /// answered, no moment is made.
    ///
    /// # Errors
    ///
    /// Why the moment can't be made; then nothing has changed.
    pub fn prove(
        &mut self,
        step: Step<'_>,
        requests: Vec<Request>,
    ) -> Result<Vec<Result<Proof, ProveRefusal>>, MomentError<M::Error>> {
        let count = requests.len();
        if count as u64 > MAX_STATEMENTS {
            return Err(MomentError::TooManyStatements { count });
        }
        let statements: Vec<_> = requests.into_iter().map(|request| self.statement(request)).collect();
        let tree = Tree::over(statements.iter().flatten().map(|stated| &stated.bytes));
        let Some(root) = tree.root() else {
            return Ok(statements.into_iter().filter_map(Result::err).map(Err).collect());
        };
        let count = statements.iter().flatten().count();
        self.advance(step, Some(Batch { count: count as u64, root }))?;
        let mut positions = 0..count;
        let mut draw = |stated: Stated| {
            let inclusion = positions.next().and_then(|position| tree.inclusion(position));
            self.draw(stated, inclusion.expect("the tree has a leaf for every statement"))
        };
        Ok(statements.into_iter().map(|stated| stated.and_then(&mut draw)).collect())
    }

    /// The statement that answers a request, or why it is not answered.
    fn statement(&self, request: Request) -> Result<Stated, ProveRefusal> {
        let Request { audience, challenge, subject, payload } = request;
        if audience != challenge.audience() {
            let found = challenge.audience().to_owned();
            return Err(ProveRefusal::WrongAudience { asked: audience, found });
        }
        if let Some(asked) = challenge.lineage().filter(|asked| **asked != self.id) {
            let predecessor = self.genesis.origin().predecessor().map(|before| before.lineage);
            return Err(ProveRefusal::OtherLineage { asked: *asked, own: self.id, predecessor });
        }
        let known = match self.judge(challenge.since()) {
            Judgement::Known => true,
            Judgement::Unknown => false,
            Judgement::Foreign(head) => return Err(ProveRefusal::ForeignAnchor { head }),
        };
        let known = (!challenge.since().is_empty()).then_some(known);
        let statement = Statement { audience, challenge: challenge.digest(), subject, payload, known };
        let bytes = statement.encode();
        // what does not parse would be refused by every relying party
        Ok(Stated { statement: Statement::parse(&bytes)?, bytes, since: challenge.start() })
    }

    /// Judges heads that a relying party names: whether this lineage handed them out.
    pub fn judge(&self, since: &[Head]) -> Judgement {
        self.handed.judge(since, self.head.index, |index| {
            self.retained.at_or_after(index).map(|moment| (moment.head(), *moment.previous()))
        })
    }

    fn draw(&self, stated: Stated, inclusion: crate::merkle::Inclusion) -> Result<Proof, ProveRefusal> {
        let Stated { statement, bytes, since } = stated;
        let cap = odometer::cap(self.head.index - since);
        let hops = self.retained.way(since, self.head.index, cap).ok_or(ProveRefusal::NotKept { since })?;
        let hop_bytes: usize = hops.iter().map(Hop::encoded_bytes).sum();
        let total = hop_bytes + bytes.len() + MAX_OTHER_BYTES;
        if total > proof::MAX_BYTES {
            return Err(ProveRefusal::TooOld { bytes: total });
        }
        let genesis = (since == 0).then(|| (*self.genesis).clone());
        Ok(Proof { lineage: self.id, since, hops, statement_bytes: bytes, statement, inclusion, genesis })
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

/// A statement on its way into a moment.
struct Stated {
    statement: Statement,
    bytes: Vec<u8>,
    /// The index that its proof starts from.
    since: u64,
}

/// Bytes of a proof beside its hops and statement at most: genesis, path, and the other fields and heads.
const MAX_OTHER_BYTES: usize = crate::moment::MAX_BODY_BYTES + 16 * 34 + 128;

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

    #[test]
    fn what_a_proof_has_beside_hops_and_statement_is_within_its_limit() {
        let salt = Salt::new([0; 32]);
        let origin = Origin::new(Reason::Install, None);
        let genesis = Genesis::compose([Pledge::new([0; 32]); TIERS], 0, evidence(), salt, origin);
        let (count, digest) = (MAX_STATEMENTS, genesis.lineage().genesis_digest());
        let path = vec![digest; crate::merkle::max_path(count) as usize];
        let statement_bytes = vec![0; crate::statement::MAX_BYTES];
        let (subject, payload) = (Subject::default(), None);
        let statement =
            Statement { audience: String::new(), challenge: digest, subject, payload, known: None };
        let beside = crate::moment::MAX_BODY_BYTES - genesis.body().len();
        let proof = Proof {
            lineage: genesis.lineage(),
            since: LIMIT - 1,
            hops: Vec::new(),
            statement,
            inclusion: crate::merkle::Inclusion { position: count - 1, count, path },
            genesis: Some(genesis),
            statement_bytes,
        };
        // were the genesis as large as a body may be, and the count of hops as long
        let bytes = proof.encode().len() - crate::statement::MAX_BYTES + beside + 4;
        assert!(bytes <= MAX_OTHER_BYTES, "{bytes} of {MAX_OTHER_BYTES}");
    }
}
