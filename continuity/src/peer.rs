//! Section 7, the relying party's state machine: what it keeps of one host, and how that changes.
//!
//! Pure: a store loads a [`Peer`], calls it, and keeps what has changed, in one transaction.

use crate::anchor::{Anchor, Head};
use crate::cbor::ParseError;
use crate::challenge::{Challenge, ChallengeError, MAX_SINCE};
use crate::evidence::Evidence;
use crate::fork::{self, Fork, ForkRefusal, ForkStart};
use crate::hash::LineageId;
use crate::hop::{Hop, HopAnswer};
use crate::introduction::Introduction;
use crate::moment::{Genesis, Moment};
use crate::odometer::TICKS_PER_SECOND;
use crate::proof::Proof;
use crate::statement::Statement;
use crate::time::{Now, Times, Timing};
use crate::verify::{self, Examined, VerifyRefusal, Wanted};

mod issued;
mod kept;
mod record;

use issued::{Issued, IssuedChallenges};
use kept::{KeptHop, KeptHops, Known};
pub use record::PeerRecord;

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

/// Why a proof is not accepted. What is kept of the peer stays as it was, but for the count of the challenge's
/// refusals, and a fork that is found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The challenge that it answers was not issued, or was used up, or died when the anchor changed.
    #[error("it answers no challenge that is out")]
    UnknownChallenge,
    /// The challenge that it answers is older than 60 s.
    #[error("it answers a challenge that was issued more than 60 s ago")]
    Expired,
    /// The lineage is known to be forked: it is never accepted again.
    #[error("a fork of this lineage is known")]
    KnownFork,
    /// One of the checks 1 to 5.
    #[error(transparent)]
    Verify(#[from] VerifyRefusal),
    /// It is ahead of time (check 6).
    #[error("check 6: ahead of time by {ahead} ticks of 1/4096 s{}", if *alarm { ", after a lag or by a head it does not know: an alarm" } else { "" })]
    Clock {
        /// Ticks, beyond the slack.
        ahead: u64,
        /// Whether it is an alarm: a head that was accepted since then lagged, or this host does not know one.
        alarm: bool,
    },
    /// It lags more than policy allows (check 6).
    #[error("check 6: stalled: it lags by {lag} ticks of 1/4096 s, allowed are {max}")]
    Stalled {
        /// Ticks, beyond the slack.
        lag: u64,
        /// What policy allows.
        max: u64,
    },
    /// It opens a pledge that was opened before, over another moment (check 7): the lineage was copied.
    #[error("check 7: a pledge was opened over two moments: this lineage was copied")]
    Forked {
        /// The evidence; for who holds the moment that it starts from.
        fork: Box<Fork>,
    },
    /// It contradicts what is known (check 8): the lineage was copied.
    #[error("check 8: it contradicts what is known at index {index}: this lineage was copied")]
    Contradiction {
        /// Where.
        index: u64,
    },
    /// Too many heads are unconfirmed; the challenge is not used up.
    #[error("{MAX_SINCE} heads are unconfirmed: answer the challenges that name them first")]
    Busy,
}

/// Why no challenge is issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeRefusal {
    /// Too many are out.
    #[error("{out} challenges are out, that is the limit")]
    Busy {
        /// How many are out.
        out: usize,
    },
    /// Its parts are out of range.
    #[error(transparent)]
    Challenge(#[from] ChallengeError),
}

/// Why an introduction is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntroduceRefusal {
    /// It is of another lineage than the peer's.
    #[error("it introduces lineage {found}, the peer is {expected}")]
    OtherLineage {
        /// The peer's.
        expected: LineageId,
        /// The one that is introduced.
        found: LineageId,
    },
    /// The lineage is known to be forked.
    #[error("a fork of this lineage is known")]
    KnownFork,
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

    /// The hops to ask the host for after a refusal, as index and tier: by index, highest first, then by tier,
    /// highest first.
    pub fn questions(&self) -> Vec<(u64, u8)> {
        self.hops.questions()
    }

    /// Takes the host's answer to one of the questions. If it opens a pledge that was opened before, over another
    /// moment, the two are a fork, which is kept: for anyone where the answer has the way from the genesis, else
    /// for who holds the moment that it starts from.
    pub fn confront(&mut self, answer: &HopAnswer) -> Option<Fork> {
        let genesis = self.genesis.clone()?;
        let lineage = genesis.lineage();
        let (tier, salt) = (answer.hop.tier, genesis.salt());
        let opened = answer.hop.opening.pledge(salt, answer.hop.moment.digest());
        let kept = self.hops.iter().filter(|kept| kept.pledge() == Some(&opened)).map(KeptHop::hop);
        let known = self.fork.iter().flat_map(|fork| &fork.hops);
        let known = known.filter(|hop| hop.opening.pledge(salt, hop.moment.digest()) == opened);
        let others: Vec<_> = kept.chain(known).filter(|hop| hop.tier == tier).cloned().collect();
        let others: Vec<_> = others.into_iter().filter(|hop| hop.moment != answer.hop.moment).collect();
        if others.is_empty() {
            return None;
        }
        // the way is the same for all of them, and may be long: it is followed once
        let made = fork::walk(Anchor::of_genesis(&genesis), &answer.way).ok();
        let leads_on = |hop: &Hop| made.as_ref().is_some_and(|made| verify::hop(made, hop).is_ok());
        for other in others {
            let hops = [other, answer.hop.clone()];
            if hops.iter().all(leads_on) {
                let (genesis, way) = (Some(genesis.clone()), answer.way.clone());
                let for_anyone = Fork { lineage, genesis, way, hops: hops.clone() };
                if for_anyone.is_within_limit() {
                    self.adopt(&for_anyone);
                    return Some(for_anyone);
                }
            }
            let for_us = Fork { lineage, genesis: None, way: Vec::new(), hops };
            if self.learn(&for_us).is_ok() {
                return Some(for_us);
            }
        }
        None
    }

    /// Takes evidence of a fork from anyone, and keeps it where it shows one: one for anyone rather than one for
    /// who holds the moment that it starts from.
    ///
    /// # Errors
    ///
    /// Why it shows none.
    pub fn learn(&mut self, fork: &Fork) -> Result<ForkStart, ForkRefusal> {
        let own = self.lineage().ok_or(ForkRefusal::NoStart)?;
        if *own != fork.lineage {
            return Err(ForkRefusal::OtherLineage { expected: fork.lineage, found: *own });
        }
        // an anchor counts once a proof was accepted of it: what was introduced is somebody's word
        let anchor = self.anchor.as_ref().filter(|_| self.is_proven);
        let start = fork.check(self.hops.starts().chain(anchor))?;
        self.adopt(fork);
        Ok(start)
    }

    fn adopt(&mut self, fork: &Fork) {
        let is_better = |known: &Fork| fork.is_for_anyone() && !known.is_for_anyone();
        if self.fork.as_ref().is_none_or(is_better) {
            self.fork = Some(fork.clone());
        }
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

impl From<ParseError> for Refusal {
    fn from(error: ParseError) -> Self {
        Self::Verify(error.into())
    }
}
