//! Sections 6 and 7: statement, proof and challenge.

use super::cbor::{Shape, Value, decode};
use super::fields::{
    Fields, array, array_of, at_most, below_2_63, bool, bytes, hash, index_and_digest, text, uint, version_1,
};
use super::hash::{Hash, h};
use super::merkle::height;
use super::moment::{Genesis, Moment};

#[derive(Clone, Debug, PartialEq)]
pub struct Challenge {
    pub digest: Hash,
    pub audience: String,
    pub nonce: Vec<u8>,
    pub lineage: Option<Hash>,
    /// Empty where it is absent.
    pub since: Vec<(u64, Hash)>,
}

impl Challenge {
    pub fn parse(given: &[u8]) -> Shape<Self> {
        at_most(given, 4 << 10)?;
        let mut fields = Fields::of(decode(given)?)?;
        version_1(fields.required(1)?)?;
        let audience = text(fields.required(2)?, 255)?;
        let nonce = bytes(fields.required(3)?)?;
        if !(16..=64).contains(&nonce.len()) {
            return Err("a nonce too short or too long");
        }
        let lineage = fields.optional(4).map(hash).transpose()?;
        let since = fields.optional(5).map(heads).transpose()?;
        fields.end()?;
        if since.is_some() && lineage.is_none() {
            return Err("since only with a lineage");
        }
        Ok(Self { digest: h("challenge", given), audience, nonce, lineage, since: since.unwrap_or_default() })
    }
}

fn heads(value: Value) -> Shape<Vec<(u64, Hash)>> {
    let mut heads: Vec<(u64, Hash)> = Vec::new();
    for head in array(value)? {
        let head = index_and_digest(head)?;
        if head.0 <= heads.last().map_or(0, |before| before.0) {
            return Err("heads that don't ascend from 1");
        }
        heads.push(head);
    }
    if (1..=64).contains(&heads.len()) { Ok(heads) } else { Err("no heads, or too many") }
}

/// Of a subject, what a relying party may ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub audience: String,
    pub challenge: Hash,
    pub uid: Option<u64>,
    pub unit: Option<String>,
    pub app: Option<String>,
    pub payload: Option<Vec<u8>>,
    pub known: Option<bool>,
}

impl Statement {
    pub fn parse(given: &[u8]) -> Shape<Self> {
        at_most(given, 16 << 10)?;
        let mut fields = Fields::of(decode(given)?)?;
        let audience = text(fields.required(1)?, 255)?;
        let challenge = hash(fields.required(2)?)?;
        let mut subject = Fields::of(fields.required(3)?)?;
        let payload = fields.optional(4).map(bytes).transpose()?;
        at_most(payload.as_deref().unwrap_or_default(), 4096)?;
        let known = fields.optional(5).map(bool).transpose()?;
        fields.end()?;
        let uid = subject.optional(1).map(below_2_32).transpose()?;
        subject.optional(2).map(below_2_32).transpose()?;
        subject.optional(3).map(below_2_32).transpose()?;
        let unit = subject.optional(4).map(|unit| text(unit, 4096)).transpose()?;
        subject.optional(5).map(|path| text(path, 4096)).transpose()?;
        subject.optional(6).map(|label| text(label, 4096)).transpose()?;
        let app = subject.optional(7).map(|app| text(app, 4096)).transpose()?;
        let invocation = subject.optional(8).map(bytes).transpose()?;
        if invocation.is_some_and(|id| id.len() != 16) {
            return Err("an invocation id of other than 16 bytes");
        }
        subject.end()?;
        Ok(Self { audience, challenge, uid, unit, app, payload, known })
    }
}

fn below_2_32(value: Value) -> Shape<u64> {
    let number = uint(value)?;
    if number < 1 << 32 { Ok(number) } else { Err("2^32 or more") }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    pub tier: u64,
    pub opening: Vec<u8>,
    pub moment: Moment,
}

impl Hop {
    fn of(value: Value) -> Shape<Self> {
        let [tier, opening, body] = array_of(value)?;
        let tier = uint(tier)?;
        let opening = bytes(opening)?;
        if tier > 15 || opening.len() != 2144 {
            return Err("no tier, or an opening too short or too long");
        }
        Ok(Self { tier, opening, moment: Moment::parse(&bytes(body)?)? })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    pub lineage: Hash,
    pub since: u64,
    pub hops: Vec<Hop>,
    pub statement_bytes: Vec<u8>,
    pub statement: Statement,
    pub position: u64,
    pub count: u64,
    pub path: Vec<Hash>,
    pub genesis: Option<Genesis>,
}

impl Proof {
    pub fn parse(given: &[u8]) -> Shape<Self> {
        at_most(given, 4 << 20)?;
        let mut fields = Fields::of(decode(given)?)?;
        version_1(fields.required(1)?)?;
        let lineage = hash(fields.required(2)?)?;
        let since = below_2_63(fields.required(3)?)?;
        let mut hops = Vec::new();
        for hop in array(fields.required(4)?)? {
            hops.push(Hop::of(hop)?);
        }
        if hops.is_empty() {
            return Err("no hops");
        }
        let statement_bytes = bytes(fields.required(6)?)?;
        let statement = Statement::parse(&statement_bytes)?;
        let [position, count, siblings] = array_of(fields.required(7)?)?;
        let (position, count) = (uint(position)?, uint(count)?);
        if !(1..=65_536).contains(&count) || position >= count {
            return Err("no position in a batch");
        }
        let mut path = Vec::new();
        for sibling in array(siblings)? {
            path.push(hash(sibling)?);
        }
        // the sections set a path no limit of its own. That no tree of so many leaves is that high is seen before
        // anything is hashed: so it is shape, for the crate and for the vectors' maker, too
        if path.len() > height(count) {
            return Err("a path too long");
        }
        let genesis = match fields.optional(8) {
            Some(body) => Some(Genesis::parse(&bytes(body)?)?),
            None => None,
        };
        fields.end()?;
        Ok(Self { lineage, since, hops, statement_bytes, statement, position, count, path, genesis })
    }

    /// The last hop's moment.
    pub fn head(&self) -> &Moment {
        &self.hops[self.hops.len() - 1].moment
    }
}
