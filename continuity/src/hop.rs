//! Hops: from a moment to a later one, by the opening of a pledge that stood in the first one's list.

use std::sync::Arc;

use crate::cbor::{ParseError, Reader, Writer};
use crate::moment::Moment;
use crate::odometer::TIERS;
use crate::pledge::{OPENING_BYTES, Opening};

/// One hop: the tier of the pledge that it opens, the opening, and the moment that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    pub(crate) tier: u8,
    pub(crate) opening: Arc<Opening>,
    pub(crate) moment: Arc<Moment>,
}

impl Hop {
    /// The hop with these bytes: a deterministic CBOR array of tier, opening and body.
    ///
    /// # Errors
    ///
    /// What about the bytes is not a hop.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        Reader::whole("hop", MAX_HOP_BYTES, bytes, Self::read)
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.write(&mut writer);
        writer.finish()
    }

    /// The tier of the pledge that it opens, 0 to 15.
    pub fn tier(&self) -> u8 {
        self.tier
    }

    /// The opening.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// The moment that it leads to.
    pub fn moment(&self) -> &Moment {
        &self.moment
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.array_of("hop", 3, "an array of tier, opening and body")?;
        let tier = reader.below("tier", TIERS as u64, "0 to 15")? as u8;
        let opening = Opening::from_bytes(reader.bytes("opening")?);
        let opening = opening.ok_or_else(|| reader.wrong("opening", "2,144 bytes"))?;
        let moment = Moment::parse(reader.bytes("body")?)?;
        Ok(Self { tier, opening: Arc::new(opening), moment: Arc::new(moment) })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.array(3).uint(self.tier.into()).bytes(self.opening.as_bytes()).bytes(self.moment.body());
    }

    /// Hops of an array. Its count is bounded by the bytes that are left, before anything is set aside for it.
    pub(crate) fn read_all(reader: &mut Reader<'_>, field: &'static str) -> Result<Vec<Self>, ParseError> {
        let count = reader.array(field)?;
        if count > (reader.left() / OPENING_BYTES) as u64 {
            return Err(reader.wrong(field, "as many hops as its bytes can hold"));
        }
        (0..count).map(|_| Self::read(reader)).collect()
    }

    pub(crate) fn write_all(hops: &[Self], writer: &mut Writer) {
        writer.array(hops.len());
        for hop in hops {
            hop.write(writer);
        }
    }

    /// Bytes of its encoding.
    pub(crate) fn encoded_bytes(&self) -> usize {
        // heads: array 1, tier 1, opening 3, body 3, as its 16 pledges alone have more than 255 bytes
        1 + 1 + 3 + OPENING_BYTES + 3 + self.moment.body().len()
    }
}

/// An agent's answer to the question for a hop: its own first hop of that tier after that index, and the way
/// from the genesis to where the pledge was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopAnswer {
    /// The hop.
    pub hop: Hop,
    /// The hops from the genesis to the moment in which the pledge was made; empty where that is the genesis, or
    /// where the way was not asked for or is not kept.
    pub way: Vec<Hop>,
}

impl HopAnswer {
    /// The answer with these bytes: a deterministic CBOR array of the hop and the array of the way's hops.
    ///
    /// # Errors
    ///
    /// What about the bytes is not an answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        Reader::whole("hop answer", crate::proof::MAX_BYTES, bytes, |reader| {
            reader.array_of("hop answer", 2, "an array of hop and way")?;
            Ok(Self { hop: Hop::read(reader)?, way: Hop::read_all(reader, "way")? })
        })
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.array(2);
        self.hop.write(&mut writer);
        Hop::write_all(&self.way, &mut writer);
        writer.finish()
    }
}

/// Bytes of a hop at most: its three parts and their heads.
const MAX_HOP_BYTES: usize = 1 + 1 + 3 + OPENING_BYTES + 3 + crate::moment::MAX_BODY_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_that_of_its_parts() {
        let largest = 8 + OPENING_BYTES + crate::moment::MAX_BODY_BYTES;
        let refused = |bytes: usize| Hop::parse(&vec![0; bytes]).expect_err("zeroes are no hop");
        assert!(!matches!(refused(largest), ParseError::TooLong { .. }));
        assert!(matches!(refused(largest + 1), ParseError::TooLong { .. }));
    }

    #[test]
    fn more_hops_than_the_bytes_can_hold_are_not_begun() {
        let read = |bytes: usize| {
            let mut array = vec![0x82];
            array.resize(1 + bytes, 0);
            Reader::whole("test", array.len(), &array, |reader| Hop::read_all(reader, "hops"))
        };
        let too_many = |result: Result<_, ParseError>| matches!(result, Err(ParseError::Field { field: "hops", expected, .. }) if expected.contains("can hold"));
        assert!(too_many(read(2 * OPENING_BYTES - 1)));
        assert!(!too_many(read(2 * OPENING_BYTES)));
    }
}
