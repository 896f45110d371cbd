//! One proof, verified by the crate and by the reference: both come to the same.

use selfsame::{Anchor, Challenge, HopRefusal, Verified, VerifyRefusal, Wanted};

use crate::spec::moment;
use crate::spec::verify::{Asked, Passed, Rule, Why, verify};

/// A proof, and what it is held against.
#[derive(Clone)]
pub struct Case {
    /// How it came about.
    pub made: &'static str,
    pub anchor: Option<Anchor>,
    pub challenge: Challenge,
    pub proof: Vec<u8>,
    pub wanted: Wanted,
}

/// An anchor as the reference has it.
pub fn plain(anchor: &Anchor) -> moment::Anchor {
    moment::Anchor {
        lineage: *anchor.lineage().as_bytes(),
        salt: *anchor.salt().as_bytes(),
        index: anchor.index(),
        digest: *anchor.head().digest.as_bytes(),
        pledges: anchor.pledges().each_ref().map(|pledge| *pledge.as_bytes()),
    }
}

/// What it came to: `None` where it is accepted.
pub fn agree(case: &Case) -> Result<Option<Why>, String> {
    let Case { made, anchor, challenge, proof, wanted } = case;
    let fast = selfsame::verify(anchor.as_ref(), challenge, proof, wanted);
    let asked = Asked { uid: wanted.uid.map(u64::from), unit: wanted.unit.clone(), app: wanted.app.clone() };
    let slow = verify(anchor.as_ref().map(plain).as_ref(), challenge.as_bytes(), proof, &asked);
    match (fast, slow) {
        (Ok(fast), Ok(slow)) => {
            same(&fast, &slow, challenge);
            Ok(None)
        }
        (Err(fast), Err(slow)) if same_refusal(&fast, &slow) => Ok(Some(slow)),
        (fast, slow) => {
            let (fast, slow) = (fast.map(|fast| fast.hops), slow.map(|slow| slow.moments.len()));
            Err(format!("{made}: the crate {fast:?}, the reference {slow:?}"))
        }
    }
}

fn same(fast: &Verified, slow: &Passed, challenge: &Challenge) {
    let head = slow.moments.last().unwrap();
    assert_eq!(plain(&fast.head), *head);
    assert_eq!(plain(&fast.start), slow.start);
    assert_eq!(fast.head.index() - fast.start.index(), head.index - slow.start.index);
    assert_eq!(fast.hops, slow.moments.len());
    let (said, subject) = (&slow.proof.statement, fast.statement.subject());
    assert_eq!(fast.statement.payload(), said.payload.as_deref());
    assert_eq!(fast.statement.known(), said.known);
    assert_eq!(subject.uid.map(u64::from), said.uid);
    assert_eq!((&subject.unit, &subject.app), (&said.unit, &said.app));
    assert_eq!(said.audience, challenge.audience());
}

/// The same check, by its number in the crate's text, and the same part of it.
pub fn same_refusal(fast: &VerifyRefusal, slow: &Why) -> bool {
    let is_number = fast.to_string().starts_with(&format!("check {}: ", slow.check()));
    let is_part = match (fast, slow) {
        (VerifyRefusal::Malformed(_), Why::Shape(_)) => true,
        (VerifyRefusal::Hop { number, why }, Why::Hop(slow_number, rule)) => {
            number == slow_number && rule_of(why) == *rule
        }
        (fast, slow) => part(fast).as_ref() == Some(slow),
    };
    is_number && is_part
}

fn part(refusal: &VerifyRefusal) -> Option<Why> {
    Some(match refusal {
        VerifyRefusal::TooManyHops { .. } => Why::TooManyHops,
        VerifyRefusal::OtherLineage { .. } => Why::OtherLineage,
        VerifyRefusal::OtherStart { .. } => Why::OtherStart,
        VerifyRefusal::NotYounger { .. } => Why::NotYounger,
        VerifyRefusal::GenesisMisplaced => Why::GenesisMisplaced,
        VerifyRefusal::OtherGenesis { .. } => Why::OtherGenesis,
        VerifyRefusal::OtherChallenge => Why::OtherChallenge,
        VerifyRefusal::OtherAudience { .. } => Why::OtherAudience,
        VerifyRefusal::KnownMisplaced => Why::KnownMisplaced,
        VerifyRefusal::NotInHead => Why::NotInHead,
        VerifyRefusal::WrongSubject { .. } => Why::WrongSubject,
        _ => return None,
    })
}

fn rule_of(refusal: &HopRefusal) -> Rule {
    match refusal {
        HopRefusal::OtherLineage => Rule::OtherLineage,
        HopRefusal::NotForward { .. } => Rule::NotForward,
        HopRefusal::BeyondHead { .. } => Rule::BeyondHead,
        HopRefusal::TierTooOld { .. } | HopRefusal::NotTheWay { .. } => Rule::Tier,
        HopRefusal::Between { previous, from, .. } if previous < from => Rule::PreviousBefore,
        HopRefusal::Between { .. } => Rule::Between,
        HopRefusal::OtherPrevious { .. } => Rule::PreviousDigest,
        HopRefusal::NotTurned { .. } => Rule::NotTurned,
        HopRefusal::Opening { .. } => Rule::Opening,
        HopRefusal::PledgeChanged { .. } => Rule::PledgeChanged,
        HopRefusal::PledgeStands { .. } => Rule::PledgeStands,
        other => panic!("a refusal that the reference has no word for: {other}"),
    }
}
