//! Section 7, the checks 1 to 5: 1, 2, 4, 5, then 3 over all hops, each in the order written.

use super::hash::Hash;
use super::merkle::{leaf, led_to};
use super::messages::{Challenge, Hop, Proof};
use super::moment::{Anchor, Moment};
use super::odometer::{cap, tier, turns};
use super::pledge::opened;

/// The first check that fails.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    Shape(&'static str),
    TooManyHops,
    OtherLineage,
    OtherStart,
    NotYounger,
    /// Which hop, from 1, and by what of check 3.
    Hop(usize, Rule),
    GenesisMisplaced,
    OtherGenesis,
    OtherChallenge,
    OtherAudience,
    KnownMisplaced,
    NotInHead,
    WrongSubject,
}

/// The parts of check 3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// lineage equal
    OtherLineage,
    /// x < y
    NotForward,
    /// y ≤ h
    BeyondHead,
    /// k = min(cap(h − a), tier(x, h))
    Tier,
    /// x ≤ p
    PreviousBefore,
    /// ⌊p/4^k⌋ = ⌊x/4^k⌋
    Between,
    /// where p = x, the previous digest is x's
    PreviousDigest,
    /// tier(p, y) ≥ k
    NotTurned,
    /// the opening matches the pledge at k in x's list
    Opening,
    /// pledges above tier(p, y) unchanged
    PledgeChanged,
    /// none of those up to it equal
    PledgeStands,
}

impl Why {
    /// The check's number.
    pub fn check(&self) -> u64 {
        match self {
            Self::Shape(_) | Self::TooManyHops => 1,
            Self::OtherLineage | Self::OtherStart | Self::NotYounger => 2,
            Self::Hop(..) => 3,
            Self::GenesisMisplaced | Self::OtherGenesis => 4,
            Self::OtherChallenge
            | Self::OtherAudience
            | Self::KnownMisplaced
            | Self::NotInHead
            | Self::WrongSubject => 5,
        }
    }
}

/// The subject that the relying party asks for, where it does.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub uid: Option<u64>,
    pub unit: Option<String>,
    pub app: Option<String>,
}

/// A proof that passes.
#[derive(Clone, Debug)]
pub struct Passed {
    pub start: Anchor,
    /// The moments that the hops lead to; the last is the head.
    pub moments: Vec<Anchor>,
    pub proof: Proof,
}

/// All of 1 to 5. `stored` is absent at a first meeting.
pub fn verify(stored: Option<&Anchor>, challenge: &[u8], proof: &[u8], asked: &Asked) -> Result<Passed, Why> {
    let challenge = Challenge::parse(challenge).map_err(Why::Shape)?;
    let (start, proof) = cheap(stored, &challenge, proof, asked)?;
    let moments = check_3(&start, &proof)?;
    Ok(Passed { start, moments, proof })
}

/// 1, 2, 4 and 5. Gives the anchor, at a first meeting the genesis in the proof.
pub fn cheap(
    stored: Option<&Anchor>,
    challenge: &Challenge,
    given: &[u8],
    asked: &Asked,
) -> Result<(Anchor, Proof), Why> {
    let a = stored.map_or(0, |anchor| anchor.index);
    let proof = check_1(a, given)?;
    let in_proof = proof.genesis.as_ref().map(|genesis| genesis.anchor());
    let anchor = stored.cloned().or(in_proof);
    let told = if stored.is_none() { challenge.lineage } else { None };
    check_2(a, anchor.as_ref(), told, &proof)?;
    check_4(&proof)?;
    check_5(challenge, &proof, asked)?;
    Ok((anchor.unwrap(), proof))
}

fn check_1(a: u64, given: &[u8]) -> Result<Proof, Why> {
    let proof = Proof::parse(given).map_err(Why::Shape)?;
    let h = proof.head().index;
    // with h ≤ a there is no gap, and check 2 says so
    let gap = h.saturating_sub(a);
    if proof.hops.len() as u64 > 45 + turns(gap, 15) {
        return Err(Why::TooManyHops);
    }
    Ok(proof)
}

fn check_2(a: u64, anchor: Option<&Anchor>, told: Option<Hash>, proof: &Proof) -> Result<(), Why> {
    let anchors = anchor.map(|anchor| anchor.lineage);
    for lineage in [told, anchors].into_iter().flatten() {
        if proof.lineage != lineage {
            return Err(Why::OtherLineage);
        }
    }
    if proof.since != a {
        return Err(Why::OtherStart);
    }
    if proof.head().index <= a {
        return Err(Why::NotYounger);
    }
    Ok(())
}

fn check_4(proof: &Proof) -> Result<(), Why> {
    if proof.genesis.is_some() != (proof.since == 0) {
        return Err(Why::GenesisMisplaced);
    }
    if proof.genesis.as_ref().is_some_and(|genesis| genesis.digest != proof.lineage) {
        return Err(Why::OtherGenesis);
    }
    Ok(())
}

fn check_5(challenge: &Challenge, proof: &Proof, asked: &Asked) -> Result<(), Why> {
    let statement = &proof.statement;
    if statement.challenge != challenge.digest {
        return Err(Why::OtherChallenge);
    }
    if statement.audience != challenge.audience {
        return Err(Why::OtherAudience);
    }
    if statement.known.is_some() == challenge.since.is_empty() {
        return Err(Why::KnownMisplaced);
    }
    let root = led_to(&leaf(&proof.statement_bytes), proof.position, proof.count, &proof.path);
    let Some(root) = root else { return Err(Why::NotInHead) };
    if proof.head().statements != Some((proof.count, root)) {
        return Err(Why::NotInHead);
    }
    if asked.uid.is_some() && asked.uid != statement.uid
        || asked.unit.is_some() && asked.unit != statement.unit
        || asked.app.is_some() && asked.app != statement.app
    {
        return Err(Why::WrongSubject);
    }
    Ok(())
}

/// All hops; the moments that they lead to.
pub fn check_3(anchor: &Anchor, proof: &Proof) -> Result<Vec<Anchor>, Why> {
    let (a, h) = (anchor.index, proof.head().index);
    let mut moments = Vec::new();
    let mut from = anchor.clone();
    for (number, hop) in (1..).zip(&proof.hops) {
        check_hop(a, h, &from, hop).map_err(|rule| Why::Hop(number, rule))?;
        let Moment { lineage, index, digest, pledges, .. } = hop.moment;
        from = Anchor { lineage, salt: anchor.salt, index, digest, pledges };
        moments.push(from.clone());
    }
    Ok(moments)
}

fn check_hop(a: u64, h: u64, from: &Anchor, hop: &Hop) -> Result<(), Rule> {
    let (x, k, y) = (from.index, hop.tier, hop.moment.index);
    let (p, previous_digest) = hop.moment.previous;
    let pass = |holds: bool, rule: Rule| if holds { Ok(()) } else { Err(rule) };
    pass(hop.moment.lineage == from.lineage, Rule::OtherLineage)?;
    pass(x < y, Rule::NotForward)?;
    pass(y <= h, Rule::BeyondHead)?;
    pass(k == cap(h - a).min(tier(x, h)), Rule::Tier)?;
    pass(x <= p, Rule::PreviousBefore)?;
    pass(turns(p, k) == turns(x, k), Rule::Between)?;
    pass(p != x || previous_digest == from.digest, Rule::PreviousDigest)?;
    pass(tier(p, y) >= k, Rule::NotTurned)?;
    let pledge = opened(&hop.opening, &from.salt, &hop.moment.digest);
    pass(pledge == from.pledges[k as usize], Rule::Opening)?;
    for at in 0..16 {
        if at > tier(p, y) {
            pass(hop.moment.pledges[at as usize] == from.pledges[at as usize], Rule::PledgeChanged)?;
        }
    }
    for at in 0..16 {
        if at <= tier(p, y) {
            pass(hop.moment.pledges[at as usize] != from.pledges[at as usize], Rule::PledgeStands)?;
        }
    }
    Ok(())
}
