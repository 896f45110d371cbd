//! Section 7, the checks 1 to 5: whether a proof answers a challenge and leads on from an anchor.
//!
//! Time (6), forks (7), contradictions (8) and what is kept (9) need more than one proof: see [`crate::Peer`].

use crate::anchor::Anchor;
use crate::cbor::ParseError;
use crate::challenge::Challenge;
use crate::hash::LineageId;
use crate::hop::Hop;
use crate::merkle;
use crate::moment::{Genesis, Moment};
use crate::odometer::{self, TOP};
use crate::proof::Proof;
use crate::statement::{Statement, Subject};

/// Hops of a proof at most, beside one for every whole 4^15 ticks of the gap: three for each of 15 digits.
const MAX_HOPS: u64 = 45;

/// Whom a statement must be of; what is `None` may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// User id.
    pub uid: Option<u32>,
    /// System unit.
    pub unit: Option<String>,
    /// App id.
    pub app: Option<String>,
}

/// A proof that passes the checks that need nothing but an anchor and a challenge.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The moment that it started from.
    pub start: Anchor,
    /// The moment that it led to: the next anchor.
    pub head: Anchor,
    /// How many hops it took.
    pub hops: usize,
    /// What was said.
    pub statement: Statement,
}

/// Why a proof is refused: the first of the checks that fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyRefusal {
    /// It is not well-formed (check 1).
    #[error("check 1: malformed: {0}")]
    Malformed(#[from] ParseError),
    /// It has more hops than the one way can have (check 1).
    #[error("check 1: {hops} hops, at most {max} over this gap")]
    TooManyHops {
        /// How many it has.
        hops: usize,
        /// How many it may have.
        max: u64,
    },
    /// It is of another lineage (check 2).
    #[error("check 2: lineage {found}, expected {expected}")]
    OtherLineage {
        /// The lineage that was asked.
        expected: LineageId,
        /// The lineage that answers.
        found: LineageId,
    },
    /// It starts from another moment than the anchor (check 2).
    #[error("check 2: starts from index {found}, the anchor is at {expected}")]
    OtherStart {
        /// The anchor's index.
        expected: u64,
        /// Where it starts.
        found: u64,
    },
    /// It does not lead beyond the anchor (check 2).
    #[error("check 2: its head is at index {head}, not after the anchor at {anchor}")]
    NotYounger {
        /// The head's index.
        head: u64,
        /// The anchor's.
        anchor: u64,
    },
    /// A hop is wrong (check 3).
    #[error("check 3: hop {number}: {why}")]
    Hop {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        why: HopRefusal,
    },
    /// The genesis is missing, or there where it does not belong (check 4).
    #[error("check 4: the genesis is there if and only if the proof starts from it")]
    GenesisMisplaced,
    /// The genesis is another lineage's (check 4).
    #[error("check 4: the genesis is of lineage {found}, the proof of {expected}")]
    OtherGenesis {
        /// The proof's lineage.
        expected: LineageId,
        /// The genesis's.
        found: LineageId,
    },
    /// It answers another challenge (check 5).
    #[error("check 5: it answers another challenge")]
    OtherChallenge,
    /// The statement is for another audience (check 5).
    #[error("check 5: the statement is for {found:?}, the challenge of {expected:?}")]
    OtherAudience {
        /// The challenge's audience.
        expected: String,
        /// The statement's.
        found: String,
    },
    /// The statement says whether it knows the challenge's heads where there are none, or does not where there are
    /// (check 5).
    #[error("check 5: `known` is there if and only if the challenge has `since`")]
    KnownMisplaced,
    /// The statement is not in the head (check 5).
    #[error("check 5: the statement is not in the head moment")]
    NotInHead,
    /// The statement is not of the subject that was asked for (check 5).
    #[error("check 5: {field} is {found}, asked for {wanted}")]
    WrongSubject {
        /// Which of the subject's fields.
        field: &'static str,
        /// What was asked for.
        wanted: String,
        /// What it is.
        found: String,
    },
}

/// Why a hop is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HopRefusal {
    /// Its moment is of another lineage.
    #[error("a moment of another lineage")]
    OtherLineage,
    /// Its moment is not after the one that it starts from.
    #[error("index {to} is not after {from}")]
    NotForward {
        /// Where it starts.
        from: u64,
        /// Where it leads.
        to: u64,
    },
    /// Its moment is after the head.
    #[error("index {to} is beyond the head at {head}")]
    BeyondHead {
        /// Where it leads.
        to: u64,
        /// The head's index.
        head: u64,
    },
    /// Its tier is older than the absence: a thief's, perhaps.
    #[error("tier {tier} is older than the absence, which allows {cap}")]
    TierTooOld {
        /// Its tier.
        tier: u8,
        /// The highest that may be used.
        cap: u8,
    },
    /// Its tier is not the one that the one way uses there.
    #[error("tier {tier}, where the one way uses {way}")]
    NotTheWay {
        /// Its tier.
        tier: u8,
        /// The one way's.
        way: u8,
    },
    /// A moment of that tier lies between.
    #[error("a moment between has tier {tier}: the one before is at index {previous}, the start at {from}")]
    Between {
        /// Its tier.
        tier: u8,
        /// Where it starts.
        from: u64,
        /// The index of the moment before the one that it leads to.
        previous: u64,
    },
    /// The moment before its moment is not the one that it starts from, at the same index.
    #[error("another moment stands at index {index}")]
    OtherPrevious {
        /// The index.
        index: u64,
    },
    /// No digit of that tier turned.
    #[error("tier {tier}, but its moment is of tier {found}")]
    NotTurned {
        /// Its tier.
        tier: u8,
        /// Its moment's.
        found: u8,
    },
    /// The opening is not one of the pledge that stood.
    #[error("the opening does not match the pledge of tier {tier}")]
    Opening {
        /// The tier.
        tier: u8,
    },
    /// A pledge that was not due has changed.
    #[error("the pledge of tier {tier} was not due and has changed")]
    PledgeChanged {
        /// The tier.
        tier: u8,
    },
    /// A pledge that was due still stands.
    #[error("the pledge of tier {tier} was due and still stands")]
    PledgeStands {
        /// The tier.
        tier: u8,
    },
}

/// Verifies a proof against the challenge and the anchor that it was issued against, without clock, memory or
/// forks: checks 1 to 5 of section 7. `anchor` is `None` at a first meeting.
///
/// The challenge has to name the anchor as the last of its heads: only so does the host say whether it knows it.
///
/// A relying party that keeps what it learns uses [`crate::Peer::take`], which makes all checks.
///
/// # Errors
///
/// The first check that fails.
pub fn verify(
    anchor: Option<&Anchor>,
    challenge: &Challenge,
    proof: &[u8],
    wanted: &Wanted,
) -> Result<Verified, VerifyRefusal> {
    let proof = Proof::parse(proof)?;
    let examined = examine(anchor, challenge, &proof, wanted)?;
    let passed = follow(&examined, &proof)?;
    let Some(head) = passed.into_iter().next_back() else {
        return Err(VerifyRefusal::NotYounger {
            head: examined.start.index(),
            anchor: examined.start.index(),
        });
    };
    Ok(Verified { start: examined.start, head, hops: proof.hops.len(), statement: proof.statement })
}

/// What the cheap checks of a proof have found.
pub(crate) struct Examined {
    /// The moment that it starts from.
    pub(crate) start: Anchor,
    /// The head's index.
    pub(crate) head: u64,
}

/// Checks 1, 2, 4 and 5: nothing costly.
pub(crate) fn examine(
    anchor: Option<&Anchor>,
    challenge: &Challenge,
    proof: &Proof,
    wanted: &Wanted,
) -> Result<Examined, VerifyRefusal> {
    let start = anchor.map_or(0, Anchor::index);
    let last = proof.head().ok_or(ParseError::Missing { what: "proof", field: "hops" })?;
    let head = last.index();
    let max = MAX_HOPS + head.saturating_sub(start) / odometer::span(TOP);
    let hops = proof.hops.len();
    if hops as u64 > max {
        return Err(VerifyRefusal::TooManyHops { hops, max });
    }
    // at a first meeting the anchor is the genesis in the proof
    let met = if anchor.is_none() { proof.genesis.as_ref().map(Genesis::lineage) } else { None };
    let told = anchor.map(Anchor::lineage).or(challenge.lineage()).copied().or(met);
    let expected = told.unwrap_or(proof.lineage);
    for found in [Some(proof.lineage), met].into_iter().flatten() {
        if found != expected {
            return Err(VerifyRefusal::OtherLineage { expected, found });
        }
    }
    if proof.since != start {
        return Err(VerifyRefusal::OtherStart { expected: start, found: proof.since });
    }
    if head <= start {
        return Err(VerifyRefusal::NotYounger { head, anchor: start });
    }
    let genesis = check_genesis(proof)?;
    check_statement(challenge, proof, last)?;
    check_subject(proof.statement.subject(), wanted)?;
    let start = anchor.cloned().or_else(|| genesis.map(Anchor::of_genesis));
    Ok(Examined { start: start.ok_or(VerifyRefusal::GenesisMisplaced)?, head })
}

fn check_genesis(proof: &Proof) -> Result<Option<&Genesis>, VerifyRefusal> {
    let genesis = proof.genesis.as_ref();
    if genesis.is_some() != (proof.since == 0) {
        return Err(VerifyRefusal::GenesisMisplaced);
    }
    match genesis.map(Genesis::lineage) {
        Some(found) if found != proof.lineage => {
            Err(VerifyRefusal::OtherGenesis { expected: proof.lineage, found })
        }
        _ => Ok(genesis),
    }
}

fn check_statement(challenge: &Challenge, proof: &Proof, head: &Moment) -> Result<(), VerifyRefusal> {
    let statement = &proof.statement;
    if *statement.challenge() != challenge.digest() {
        return Err(VerifyRefusal::OtherChallenge);
    }
    if statement.audience() != challenge.audience() {
        return Err(VerifyRefusal::OtherAudience {
            expected: challenge.audience().to_owned(),
            found: statement.audience().to_owned(),
        });
    }
    if statement.known().is_some() == challenge.since().is_empty() {
        return Err(VerifyRefusal::KnownMisplaced);
    }
    if is_in(head, proof) { Ok(()) } else { Err(VerifyRefusal::NotInHead) }
}

fn check_subject(subject: &Subject, wanted: &Wanted) -> Result<(), VerifyRefusal> {
    let Wanted { uid, unit, app } = wanted;
    let text = |number: Option<u32>| number.map(|number| number.to_string());
    for (field, wanted, found) in [
        ("uid", text(*uid), text(subject.uid)),
        ("unit", unit.clone(), subject.unit.clone()),
        ("app", app.clone(), subject.app.clone()),
    ] {
        if wanted.is_some() && wanted != found {
            return Err(VerifyRefusal::WrongSubject {
                field,
                wanted: wanted.unwrap_or_default(),
                found: found.unwrap_or_else(|| "not established".to_owned()),
            });
        }
    }
    Ok(())
}

/// Whether a proof's statement is in its head: the part of check 5 that needs no challenge.
pub(crate) fn is_in(head: &Moment, proof: &Proof) -> bool {
    let root = proof.inclusion.root(merkle::leaf(&proof.statement_bytes));
    head.batch().is_some_and(|batch| batch.count == proof.inclusion.count && Some(batch.root) == root)
}

/// Check 3 over all hops. Gives the moments that they lead to, the last is the head.
pub(crate) fn follow(examined: &Examined, proof: &Proof) -> Result<Vec<Anchor>, VerifyRefusal> {
    let Examined { start, head } = examined;
    let cap = odometer::cap(head - start.index());
    let mut passed: Vec<Anchor> = Vec::with_capacity(proof.hops.len());
    for (number, hop) in (1..).zip(&proof.hops) {
        let next = step(passed.last().unwrap_or(start), hop, Some(Towards { head: *head, cap }));
        passed.push(next.map_err(|why| VerifyRefusal::Hop { number, why })?);
    }
    Ok(passed)
}

/// Check 3 for one hop, but for its rule on the tier and the head: as a fork's hops need it.
pub(crate) fn hop(from: &Anchor, hop: &Hop) -> Result<Anchor, HopRefusal> {
    step(from, hop, None)
}

/// Where a proof's hops lead, and by which tiers.
struct Towards {
    head: u64,
    cap: u8,
}

fn step(from: &Anchor, hop: &Hop, towards: Option<Towards>) -> Result<Anchor, HopRefusal> {
    let Hop { tier: k, opening, moment } = hop;
    let (k, x, y, previous) = (*k, from.index(), moment.index(), moment.previous());
    if *moment.lineage() != from.lineage {
        return Err(HopRefusal::OtherLineage);
    }
    if y <= x {
        return Err(HopRefusal::NotForward { from: x, to: y });
    }
    if let Some(Towards { head, cap }) = towards {
        check_rule(k, x, y, head, cap)?;
    }
    if previous.index < x || !odometer::same_span(k, previous.index, x) {
        return Err(HopRefusal::Between { tier: k, from: x, previous: previous.index });
    }
    if previous.index == x && previous.digest != from.head.digest {
        return Err(HopRefusal::OtherPrevious { index: x });
    }
    if moment.tier() < k {
        return Err(HopRefusal::NotTurned { tier: k, found: moment.tier() });
    }
    let opened = opening.pledge(&from.salt, moment.digest());
    if from.pledge(k) != Some(&opened) {
        return Err(HopRefusal::Opening { tier: k });
    }
    for (tier, (before, after)) in (0..).zip(from.pledges.iter().zip(moment.pledges())) {
        let is_due = tier <= moment.tier();
        match before == after {
            true if is_due => return Err(HopRefusal::PledgeStands { tier }),
            false if !is_due => return Err(HopRefusal::PledgeChanged { tier }),
            _ => {}
        }
    }
    Ok(Anchor::of_moment(from.salt, moment, *moment.digest()))
}

fn check_rule(k: u8, x: u64, y: u64, head: u64, cap: u8) -> Result<(), HopRefusal> {
    if y > head {
        return Err(HopRefusal::BeyondHead { to: y, head });
    }
    let way = odometer::way_tier(cap, x, head);
    if k > cap {
        return Err(HopRefusal::TierTooOld { tier: k, cap });
    }
    if k != way {
        return Err(HopRefusal::NotTheWay { tier: k, way });
    }
    Ok(())
}
