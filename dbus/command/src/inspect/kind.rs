//! Which message bytes are, by their first tokens.

use minicbor::Decoder;
use minicbor::data::Type;

use super::schema::{self, Shape};

/// The protocol's messages that travel by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Section 7.
    Challenge,
    /// Section 6.
    Proof,
    /// Section 5, the first moment.
    Genesis,
    /// Section 5, any later moment.
    Moment,
    /// Section 7.
    Introduction,
    /// Section 7.
    Fork,
    /// Section 6: one of a proof's.
    Hop,
    /// Section 7: a hop and the way to it.
    HopAnswer,
}

impl Kind {
    /// The message that bytes seem to be, well-formed or not; `None` where they begin like none.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        if let Ok(Type::Array) = decoder.datatype() {
            return match decoder.array() {
                Ok(Some(2)) => Some(Self::HopAnswer),
                Ok(Some(3)) => Some(Self::Hop),
                _ => None,
            };
        }
        decoder.map().ok()??;
        // key 1 is the version, in all of them
        if decoder.u64().ok()? != 1 {
            return None;
        }
        decoder.skip().ok()?;
        match (decoder.u64().ok()?, decoder.datatype().ok()?) {
            (2, Type::String) => Some(Self::Challenge),
            (2, Type::Bytes) => Self::with_bytes(&mut decoder),
            (3, _) => Some(Self::Genesis),
            _ => None,
        }
    }

    /// One with bytes at key 2: a lineage, or an introduction's genesis.
    fn with_bytes(decoder: &mut Decoder<'_>) -> Option<Self> {
        const LINEAGE_BYTES: usize = 32;
        if decoder.bytes().ok()?.len() != LINEAGE_BYTES {
            return Some(Self::Introduction);
        }
        match (decoder.u64().ok()?, decoder.datatype().ok()?) {
            (3, Type::Bytes) | (4, _) => Some(Self::Fork),
            (3, _) => Self::with_index(decoder),
            _ => None,
        }
    }

    /// One with a number at key 3. At key 4 a proof has an array of hops, a moment the one before it.
    fn with_index(decoder: &mut Decoder<'_>) -> Option<Self> {
        decoder.skip().ok()?;
        if decoder.u64().ok()? != 4 {
            return None;
        }
        decoder.array().ok()??;
        match decoder.datatype().ok()? {
            Type::Array => Some(Self::Proof),
            _ => Some(Self::Moment),
        }
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Proof => "proof",
            Self::Genesis => "genesis",
            Self::Moment => "moment",
            Self::Introduction => "introduction",
            Self::Fork => "fork",
            Self::Hop => "hop",
            Self::HopAnswer => "hop answer",
        }
    }

    /// What it is made of.
    pub(super) fn schema(self) -> &'static Shape {
        match self {
            Self::Challenge => &schema::CHALLENGE,
            Self::Proof => &schema::PROOF,
            Self::Genesis | Self::Moment => &schema::MOMENT,
            Self::Introduction => &schema::INTRODUCTION,
            Self::Fork => &schema::FORK,
            Self::Hop => &schema::HOP,
            Self::HopAnswer => &schema::HOP_ANSWER,
        }
    }
}
