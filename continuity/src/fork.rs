//! Section 7, the fork: two moments under one pledge, the proof that a lineage was copied.

use crate::anchor::Anchor;
use crate::cbor::{ParseError, Reader, Writer, there};
use crate::hash::LineageId;
use crate::hop::Hop;
use crate::moment::Genesis;
use crate::proof::MAX_BYTES;
use crate::verify::{self, HopRefusal};

/// Evidence of a fork. It is well-formed; whether it shows one is for [`Fork::check`] to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    pub(crate) lineage: LineageId,
    pub(crate) genesis: Option<Genesis>,
    pub(crate) way: Vec<Hop>,
    pub(crate) hops: [Hop; 2],
}

/// From where a fork was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkStart {
    /// From the genesis: it convinces anyone who knows the lineage's id.
    Genesis,
    /// From a moment that the checker itself had accepted.
    Held,
}

/// Why evidence shows no fork.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForkRefusal {
    /// The genesis, or the moment that is held, is of another lineage.
    #[error("from a moment of lineage {found}, the fork is of {expected}")]
    OtherLineage {
        /// The fork's lineage.
        expected: LineageId,
        /// The moment's.
        found: LineageId,
    },
    /// It has no genesis, and the checker holds no moment of the lineage.
    #[error("no moment to start from: it has no genesis, and none of that lineage is held")]
    NoStart,
    /// A hop of the way to where the pledge was made is wrong.
    #[error("hop {number} of the way: {why}")]
    Way {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        why: HopRefusal,
    },
    /// One of the two hops is wrong.
    #[error("hop {number} of the two: {why}")]
    Hop {
        /// Which, 1 or 2.
        number: usize,
        /// What is wrong with it.
        why: HopRefusal,
    },
    /// The two open different pledges.
    #[error("tiers {first} and {second} are two pledges")]
    TwoPledges {
        /// The first hop's tier.
        first: u8,
        /// The second's.
        second: u8,
    },
    /// The two lead to one and the same moment.
    #[error("both lead to one and the same moment")]
    OneMoment,
}

impl Fork {
    /// The evidence with these bytes.
    ///
    /// # Errors
    ///
    /// What about the bytes is not such evidence.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        Reader::whole("fork", MAX_BYTES, bytes, |reader| {
            let (mut version, mut lineage, mut genesis, mut way) = (None, None, None, None);
            let (mut first, mut second) = (None, None);
            reader.map("fork", |reader, key| {
                match key {
                    1 => version = Some(reader.version()?),
                    2 => lineage = Some(LineageId::new(reader.bytes32("lineage")?)),
                    3 => genesis = Some(Genesis::parse(reader.bytes("genesis")?)?),
                    4 => way = Some(Hop::read_all(reader, "way")?),
                    5 => first = Some(Hop::read(reader)?),
                    6 => second = Some(Hop::read(reader)?),
                    _ => return Err(reader.unknown(key)),
                }
                Ok(())
            })?;
            version.ok_or_else(|| reader.missing("version"))?;
            Ok(Self {
                lineage: lineage.ok_or_else(|| reader.missing("lineage"))?,
                genesis,
                way: way.ok_or_else(|| reader.missing("way"))?,
                hops: [
                    first.ok_or_else(|| reader.missing("first hop"))?,
                    second.ok_or_else(|| reader.missing("second hop"))?,
                ],
            })
        })
    }

    /// Its bytes: deterministic CBOR, at most 4 MiB.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(5 + there([self.genesis.is_some()])).uint(1).uint(1);
        writer.uint(2).bytes(self.lineage.as_bytes());
        writer.bytes_if(3, self.genesis.as_ref().map(Genesis::body)).uint(4);
        Hop::write_all(&self.way, &mut writer);
        for (key, hop) in (5..).zip(&self.hops) {
            writer.uint(key);
            hop.write(&mut writer);
        }
        writer.finish()
    }

    /// The lineage that it says was copied.
    pub fn lineage(&self) -> &LineageId {
        &self.lineage
    }

    /// Whether anyone can check it, from the lineage's id alone.
    pub fn is_for_anyone(&self) -> bool {
        self.genesis.is_some()
    }

    /// The two hops.
    pub fn hops(&self) -> &[Hop; 2] {
        &self.hops
    }

    /// The hops that lead to where the pledge was made.
    pub fn way(&self) -> &[Hop] {
        &self.way
    }

    /// Checks that it shows a fork. Where it has the genesis it is checked from there, whatever is held; else from
    /// `held`: moments that the checker itself accepted by a proof.
    ///
    /// # Errors
    ///
    /// Why it shows none.
    pub fn check<'a>(&self, held: impl IntoIterator<Item = &'a Anchor>) -> Result<ForkStart, ForkRefusal> {
        self.check_shape()?;
        if let Some(genesis) = &self.genesis {
            let start = Anchor::of_genesis(genesis);
            self.check_lineage(&start)?;
            return self.check_from(start, &self.way, 1).map(|()| ForkStart::Genesis);
        }
        let mut refusal = ForkRefusal::NoStart;
        for start in held {
            // what follows the way's first hop does not depend on where that started: it is checked once
            let checked = self.check_lineage(start).and_then(|()| match self.way.split_first() {
                None => self.check_from(start.clone(), &[], 1).map(|()| Ok(())),
                Some((first, rest)) => match verify::hop(start, first) {
                    Ok(next) => Ok(self.check_from(next, rest, 2)),
                    Err(why) => Err(ForkRefusal::Way { number: 1, why }),
                },
            });
            match checked {
                Ok(outcome) => return outcome.map(|()| ForkStart::Held),
                Err(why) => refusal = why,
            }
        }
        Err(refusal)
    }

    /// Whether its encoding is within the limit. One that was parsed is.
    pub(crate) fn is_within_limit(&self) -> bool {
        let hops = self.way.iter().chain(&self.hops).map(Hop::encoded_bytes).sum::<usize>();
        let genesis = self.genesis.as_ref().map_or(0, |genesis| genesis.body().len());
        hops + genesis + MAX_OTHER_BYTES <= MAX_BYTES
    }

    /// What needs no hash.
    fn check_shape(&self) -> Result<(), ForkRefusal> {
        let [first, second] = &self.hops;
        if first.tier != second.tier {
            return Err(ForkRefusal::TwoPledges { first: first.tier, second: second.tier });
        }
        if first.moment == second.moment {
            return Err(ForkRefusal::OneMoment);
        }
        Ok(())
    }

    fn check_lineage(&self, start: &Anchor) -> Result<(), ForkRefusal> {
        if start.lineage == self.lineage {
            Ok(())
        } else {
            Err(ForkRefusal::OtherLineage { expected: self.lineage, found: start.lineage })
        }
    }

    /// Follows a way, whose first hop has this number, and checks both hops from its end.
    fn check_from(&self, start: Anchor, way: &[Hop], number: usize) -> Result<(), ForkRefusal> {
        let from = walk(start, way);
        let from = from.map_err(|(at, why)| ForkRefusal::Way { number: number - 1 + at, why })?;
        for (number, hop) in (1..).zip(&self.hops) {
            verify::hop(&from, hop).map_err(|why| ForkRefusal::Hop { number, why })?;
        }
        Ok(())
    }
}

/// Follows hops, whatever their tiers. In an error, which hop, from 1.
pub(crate) fn walk(start: Anchor, hops: &[Hop]) -> Result<Anchor, (usize, HopRefusal)> {
    (1..)
        .zip(hops)
        .try_fold(start, |from, (number, hop)| verify::hop(&from, hop).map_err(|why| (number, why)))
}

/// Bytes of a fork beside its hops and the genesis's body at most: keys, heads, version and lineage.
const MAX_OTHER_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::anchor::Head;
    use crate::evidence::{Evidence, EvidenceFields, Origin, Reason};
    use crate::hash::{Digest, Pledge, Salt};
    use crate::moment::Moment;
    use crate::odometer::TIERS;
    use crate::pledge::{OPENING_BYTES, Opening};

    const PLEDGES: [Pledge; TIERS] = [Pledge::new([0; 32]); TIERS];

    /// A hop without any secret, of so many bytes more than the least.
    fn hop(more: usize) -> Hop {
        let sources = Some(vec!["x".repeat(24 + more)]);
        let evidence = Evidence::new(EvidenceFields { sources, ..EvidenceFields::default() }).expect("short");
        let previous = Head { index: 0, digest: Digest::new([0; 32]) };
        let moment = Moment::compose(LineageId::new([0; 32]), 1, previous, PLEDGES, None, 0, evidence);
        let opening = Opening::from_bytes(&[0; OPENING_BYTES]).expect("of that size");
        Hop { tier: 0, opening: Arc::new(opening), moment: Arc::new(moment) }
    }

    /// A fork with a way of so many bytes, its own two hops and the genesis.
    fn fork(bytes: usize) -> Fork {
        let evidence = Evidence::new(EvidenceFields::default()).expect("short");
        let origin = Origin::new(Reason::Install, None);
        let genesis = Genesis::compose(PLEDGES, 0, evidence, Salt::new([0; 32]), origin);
        let hops = [hop(0), hop(0)];
        let of_hop = hop(0).encoded_bytes();
        let for_way = bytes - genesis.body().len() - 2 * of_hop;
        let (mut way, mut more) = (vec![hop(0); for_way / of_hop], for_way % of_hop);
        for place in &mut way {
            // 24 to 255 bytes of text have one form of head
            let share = more.min(200);
            *place = hop(share);
            more -= share;
        }
        assert_eq!(more, 0);
        Fork { lineage: LineageId::new([0; 32]), genesis: Some(genesis), way, hops }
    }

    #[test]
    fn what_is_within_the_limit_can_be_read_again() {
        let most = fork(MAX_BYTES - MAX_OTHER_BYTES);
        assert!(most.is_within_limit());
        let bytes = most.encode();
        assert!(bytes.len() <= MAX_BYTES && bytes.len() + MAX_OTHER_BYTES > MAX_BYTES, "{}", bytes.len());
        assert_eq!(Fork::parse(&bytes).expect("within the limit"), most);
        assert!(!fork(MAX_BYTES - MAX_OTHER_BYTES + 1).is_within_limit());
    }
}
