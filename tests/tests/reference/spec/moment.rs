//! Section 5, moments, and section 1, what an anchor is.

use super::cbor::{Shape, Value, decode};
use super::evidence::{evidence, origin};
use super::fields::{Fields, array_of, at_most, below_2_63, bytes, hash, index_and_digest, uint, version_1};
use super::hash::{Hash, h};

/// What a relying party needs to go on recognising a lineage.
#[derive(Clone, Debug, PartialEq)]
pub struct Anchor {
    pub lineage: Hash,
    pub salt: Hash,
    pub index: u64,
    pub digest: Hash,
    pub pledges: [Hash; 16],
}

/// A moment that is no genesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub digest: Hash,
    pub lineage: Hash,
    pub index: u64,
    pub previous: (u64, Hash),
    pub pledges: [Hash; 16],
    /// Count, and the Merkle root.
    pub statements: Option<(u64, Hash)>,
    pub wall_ms: u64,
}

/// The first moment, whose digest is the lineage's id.
#[derive(Clone, Debug, PartialEq)]
pub struct Genesis {
    pub digest: Hash,
    pub pledges: [Hash; 16],
    pub salt: Hash,
    pub wall_ms: u64,
}

fn sixteen(value: Value) -> Shape<[Hash; 16]> {
    let mut pledges = [[0; 32]; 16];
    for (tier, pledge) in array_of::<16>(value)?.into_iter().enumerate() {
        pledges[tier] = hash(pledge)?;
    }
    Ok(pledges)
}

fn batch(value: Value) -> Shape<(u64, Hash)> {
    let [count, root] = array_of(value)?;
    let count = uint(count)?;
    if !(1..=65_536).contains(&count) {
        return Err("a batch too small or too large");
    }
    Ok((count, hash(root)?))
}

impl Moment {
    pub fn parse(body: &[u8]) -> Shape<Self> {
        at_most(body, 2048)?;
        let mut fields = Fields::of(decode(body)?)?;
        version_1(fields.required(1)?)?;
        let lineage = hash(fields.required(2)?)?;
        let index = below_2_63(fields.required(3)?)?;
        if index == 0 {
            return Err("only the genesis has index 0");
        }
        let previous = index_and_digest(fields.required(4)?)?;
        if previous.0 >= index {
            return Err("the previous index is not less");
        }
        let pledges = sixteen(fields.required(5)?)?;
        let statements = fields.optional(6).map(batch).transpose()?;
        let wall_ms = below_2_63(fields.required(7)?)?;
        evidence(fields.required(8)?)?;
        fields.end()?;
        Ok(Self { digest: h("moment", body), lineage, index, previous, pledges, statements, wall_ms })
    }
}

impl Genesis {
    pub fn parse(body: &[u8]) -> Shape<Self> {
        at_most(body, 2048)?;
        let mut fields = Fields::of(decode(body)?)?;
        version_1(fields.required(1)?)?;
        if uint(fields.required(3)?)? != 0 {
            return Err("the genesis has index 0");
        }
        let pledges = sixteen(fields.required(5)?)?;
        let wall_ms = below_2_63(fields.required(7)?)?;
        evidence(fields.required(8)?)?;
        let salt = hash(fields.required(9)?)?;
        origin(fields.required(10)?)?;
        fields.end()?;
        Ok(Self { digest: h("moment", body), pledges, salt, wall_ms })
    }

    pub fn anchor(&self) -> Anchor {
        let Self { digest, pledges, salt, .. } = *self;
        Anchor { lineage: digest, salt, index: 0, digest, pledges }
    }
}

/// An introduction's genesis and moment.
pub fn introduction(given: &[u8]) -> Shape<(Genesis, Option<Moment>)> {
    at_most(given, 16 << 10)?;
    let mut fields = Fields::of(decode(given)?)?;
    version_1(fields.required(1)?)?;
    let genesis = Genesis::parse(&bytes(fields.required(2)?)?)?;
    let moment = match fields.optional(3) {
        Some(body) => Some(Moment::parse(&bytes(body)?)?),
        None => None,
    };
    fields.end()?;
    if moment.as_ref().is_some_and(|moment| moment.lineage != genesis.digest) {
        return Err("a moment of another lineage");
    }
    Ok((genesis, moment))
}
