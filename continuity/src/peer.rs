//! Section 7, the relying party's state machine: what it keeps of one host, and how that changes.
//!
//! Pure: a store loads a [`Peer`], calls it, and keeps what has changed, in one transaction.

use crate::anchor::{Anchor, Head};
use crate::challenge::{Challenge, MAX_SINCE};
use crate::evidence::Evidence;
use crate::fork::Fork;
use crate::hash::LineageId;
use crate::introduction::Introduction;
use crate::moment::{Genesis, Moment};
use crate::odometer::TICKS_PER_SECOND;
use crate::proof::Proof;
use crate::statement::Statement;
use crate::time::{Now, Times, Timing};
use crate::verify::{self, Examined, VerifyRefusal, Wanted};

mod forks;
mod issued;
mod kept;
mod record;
mod refusals;

use issued::{Issued, IssuedChallenges};
use kept::{KeptHop, KeptHops, Known};
pub use record::PeerRecord;
pub use refusals::{ChallengeRefusal, IntroduceRefusal, Refusal};

/// A lag up to this is reported, beyond it the proof is refused: 60 s.
const MAX_LAG_TICKS: u64 = 60 * TICKS_PER_SECOND;

/// What a relying party knows of one host.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The lineage that it was told to expect, until there is an anchor.
    expected: Option<LineageId>,
    genesis: Option<Genesis>,
    anchor: Option<Anchor>,
    /// Whether a proof was accepted since the anchor was introduced.
    is_proven: bool,
    /// The heads that it accepted and the host has not confirmed, ascending.
    unconfirmed: Vec<Head>,
    times: Times,
    hops: KeptHops,
    issued: IssuedChallenges,
    fork: Option<Fork>,
}

/// What a relying party decides for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whom the statement must be of.
    pub wanted: Wanted,
    /// A lag up to so many ticks is reported only; beyond, the proof is refused. 60 s unless there is a reason.
    pub max_lag: u64,
    /// Lets this one proof pass in spite of [`Refusal::Clock`] or [`Refusal::Stalled`]: a person's decision.
    pub pass_time: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { wanted: Wanted::default(), max_lag: MAX_LAG_TICKS, pass_time: false }
    }
}

/// What is found of a proof that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The lineage.
    pub lineage: LineageId,
    /// The head's index.
    pub index: u64,
    /// Ticks from the anchor to the head.
    pub gap: u64,
    /// Hops that it took.
    pub hops: usize,
    /// Ticks by which the host lags, beyond the slack: it was paused, or somebody backdates.
    pub lag: u64,
    /// Whether the host knows all heads that were accepted of it; `false`: some are older than it remembers, the
    /// verdict is *unconfirmed*. `None` where there was none to know.
    pub known: Option<bool>,
    /// Whether the anchor moved: not where a newer answer had overtaken this one.
    pub moved: bool,
    /// Whether there was no anchor before.
    pub first_meeting: bool,
    /// How its time was checked.
    pub timing: Timing,
    /// What was said, and by whom.
    pub statement: Statement,
    /// What the host says of itself.
    pub evidence: Evidence,
    /// Unix time in milliseconds, as the host has it.
    pub wall_ms: u64,
}

/// What the checks of a proof have found, on the way to be kept.
struct Accepted {
    verdict: Verdict,
    head: Anchor,
    genesis: Option<Genesis>,
    hops: Vec<KeptHop>,
    unconfirmed: Vec<Head>,
    pass_time: bool,
}

impl Peer {
    /// A peer of which nothing is known: the first who answers is it (trust on first use).
    pub fn unknown() -> Self {
        Self::default()
    }

    /// A peer of which the lineage is known.
    pub fn expecting(lineage: LineageId) -> Self {
        Self { expected: Some(lineage), ..Self::default() }
    }

    /// A peer that was introduced over a trusted channel.
    pub fn introduced(introduction: &Introduction, now: &Now) -> Self {
        let anchor = introduction.anchor();
        Self {
            genesis: Some(introduction.genesis.clone()),
            times: Times::introduced(anchor.index(), introduction.wall_ms(), now),
            unconfirmed: introduction.moment.iter().map(Moment::head).collect(),
            anchor: Some(anchor),
            ..Self::default()
        }
    }

    /// Lets an introduction replace the anchor, and all that was kept of the lineage: a person's decision.
    ///
    /// # Errors
    ///
    /// Why it is not taken; then nothing has changed.
    pub fn replace(&mut self, introduction: &Introduction, now: &Now) -> Result<(), IntroduceRefusal> {
        let found = introduction.genesis.lineage();
        if let Some(expected) = self.lineage().filter(|expected| **expected != found) {
            return Err(IntroduceRefusal::OtherLineage { expected: *expected, found });
        }
        if self.fork.is_some() {
            return Err(IntroduceRefusal::KnownFork);
        }
        *self = Self::introduced(introduction, now);
        Ok(())
    }

    /// Issues a challenge against the anchor as it stands. `nonce` is fresh and random, 16 to 64 bytes, 32 unless
    /// there is a reason.
    ///
    /// # Errors
    ///
    /// Why none is issued.
    pub fn challenge(
        &mut self,
        audience: &str,
        nonce: &[u8],
        now: &Now,
    ) -> Result<Challenge, ChallengeRefusal> {
        let challenge =
            Challenge::compose(audience, nonce, self.lineage().copied(), self.unconfirmed.clone())?;
        let is_fragile = self.unconfirmed.is_empty() || !self.is_proven;
        let anchor = self.anchor.clone();
        let issued = Issued::new(challenge.clone(), anchor, *now, is_fragile);
        self.issued.add(issued, now).map_err(|out| ChallengeRefusal::Busy { out })?;
        Ok(challenge)
    }

    /// Takes a proof: makes all checks of section 7, and keeps what it shows.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn take(&mut self, proof: &[u8], now: &Now, policy: &Policy) -> Result<Verdict, Refusal> {
        let proof = Proof::parse(proof).map_err(VerifyRefusal::from)?;
        let digest = *proof.statement().challenge();
        let issued = self.issued.find(&digest).ok_or(Refusal::UnknownChallenge)?;
        if !issued.is_alive(now) {
            return Err(Refusal::Expired);
        }
        if self.fork.is_some() {
            return Err(Refusal::KnownFork);
        }
        match self.check(issued, &proof, now, policy) {
            Ok(accepted) => {
                let issued_at = *issued.at();
                Ok(self.keep(accepted, &digest, &issued_at, now))
            }
            Err(refusal) => {
                if refusal != Refusal::Busy {
                    self.issued.count_refusal(&digest);
                }
                if let Refusal::Forked { fork } = &refusal {
                    self.fork = Some((**fork).clone());
                }
                Err(refusal)
            }
        }
    }

    fn check(&self, issued: &Issued, proof: &Proof, now: &Now, policy: &Policy) -> Result<Accepted, Refusal> {
        let examined = verify::examine(issued.anchor(), issued.challenge(), proof, &policy.wanted)?;
        let head = examined.head;
        let known = proof.statement.known();
        let (timing, lag, pass_time) = self.check_time(head, issued, proof, now, policy)?;
        let passed = verify::follow(&examined, proof)?;
        let hops = kept::from_proof(&examined.start, &passed, proof);
        self.check_forks(&hops)?;
        self.check_contradictions(issued, &examined, &passed, &hops)?;
        let (Some(anchor), Some(moment)) = (passed.last(), proof.head()) else {
            return Err(Refusal::UnknownChallenge);
        };
        let unconfirmed = self.confirmed_by(issued.challenge(), anchor.head()).ok_or(Refusal::Busy)?;
        let verdict = Verdict {
            lineage: anchor.lineage,
            index: head,
            gap: head - examined.start.index(),
            hops: proof.hops.len(),
            lag,
            known,
            moved: self.anchor.as_ref().is_none_or(|stored| head > stored.index()),
            first_meeting: self.anchor.is_none(),
            timing,
            statement: proof.statement.clone(),
            evidence: moment.evidence().clone(),
            wall_ms: moment.wall_ms(),
        };
        let genesis = proof.genesis.clone();
        Ok(Accepted { verdict, head: anchor.clone(), genesis, hops, unconfirmed, pass_time })
    }

    /// Check 6: how time was checked, the lag, and whether a person lets it pass in spite of it.
    fn check_time(
        &self,
        head: u64,
        issued: &Issued,
        proof: &Proof,
        now: &Now,
        policy: &Policy,
    ) -> Result<(Timing, u64, bool), Refusal> {
        let found = self.times.check(head, issued.at(), now, proof.genesis.as_ref());
        let refusal = if let Some((ahead, lagged)) = found.ahead {
            let alarm = lagged || proof.statement.known() == Some(false);
            Some(Refusal::Clock { ahead, alarm })
        } else if found.lag > policy.max_lag {
            Some(Refusal::Stalled { lag: found.lag, max: policy.max_lag })
        } else {
            None
        };
        match refusal {
            Some(refusal) if !policy.pass_time => Err(refusal),
            refusal => Ok((found.timing, found.lag, refusal.is_some())),
        }
    }

    /// Check 7.
    fn check_forks(&self, hops: &[KeptHop]) -> Result<(), Refusal> {
        let mut clashes = self.hops.clashes(hops).peekable();
        let Some((_, index)) = clashes.peek() else {
            return Ok(());
        };
        let contradiction = Refusal::Contradiction { index: *index };
        let starts = || self.hops.starts().chain(hops.iter().map(KeptHop::start));
        let fork = clashes.find(|(fork, _)| fork.check(starts()).is_ok());
        // one pledge in two lists that differ elsewhere: no fork can show it, but it is no honest history
        Err(fork.map_or(contradiction, |(fork, _)| Refusal::Forked { fork: Box::new(fork) }))
    }

    /// Check 8.
    fn check_contradictions(
        &self,
        issued: &Issued,
        examined: &Examined,
        passed: &[Anchor],
        hops: &[KeptHop],
    ) -> Result<(), Refusal> {
        let mut known = Known::default();
        let mut anchors = self.anchor.iter().chain(issued.anchor()).chain([&examined.start]).chain(passed);
        anchors
            .try_for_each(|anchor| known.add(anchor.head(), Some(anchor.pledges())))
            .and_then(|()| self.hops.iter().try_for_each(|hop| known.add_ends(hop)))
            .and_then(|()| self.unconfirmed.iter().try_for_each(|head| known.add(*head, None)))
            .and_then(|()| self.hops.iter().chain(hops).try_for_each(|hop| known.hold_against(hop)))
            .map_err(|index| Refusal::Contradiction { index })
    }

    /// The heads that are unconfirmed once a proof for this challenge is accepted; `None` where they are too many.
    fn confirmed_by(&self, challenge: &Challenge, head: Head) -> Option<Vec<Head>> {
        let mut heads: Vec<Head> =
            self.unconfirmed.iter().filter(|head| !challenge.since().contains(head)).copied().collect();
        if let Err(place) = heads.binary_search(&head) {
            heads.insert(place, head);
        }
        (heads.len() <= MAX_SINCE).then_some(heads)
    }

    /// Check 9.
    fn keep(&mut self, accepted: Accepted, digest: &crate::hash::Digest, issued: &Now, now: &Now) -> Verdict {
        let Accepted { verdict, head, genesis, hops, unconfirmed, pass_time } = accepted;
        self.issued.remove(digest);
        if verdict.moved {
            self.issued.anchor_changed();
            self.anchor = Some(head);
        }
        self.is_proven = true;
        self.expected = None;
        self.genesis = self.genesis.take().or(genesis);
        self.unconfirmed = unconfirmed;
        self.times.accept(verdict.index, issued, now, verdict.lag > 0, pass_time);
        self.hops.keep(hops);
        verdict
    }

    /// The lineage, where it is known.
    pub fn lineage(&self) -> Option<&LineageId> {
        self.anchor.as_ref().map(Anchor::lineage).or(self.expected.as_ref())
    }

    /// The anchor, where there is one.
    pub fn anchor(&self) -> Option<&Anchor> {
        self.anchor.as_ref()
    }

    /// The lineage's genesis, where there is an anchor.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// The heads that were accepted and that the host has not confirmed, ascending.
    pub fn unconfirmed(&self) -> &[Head] {
        &self.unconfirmed
    }

    /// The fork that is known of the lineage.
    pub fn fork(&self) -> Option<&Fork> {
        self.fork.as_ref()
    }

    /// The digests of the challenges that are out.
    pub fn challenges(&self) -> impl Iterator<Item = &crate::hash::Digest> {
        self.issued.digests()
    }
}
