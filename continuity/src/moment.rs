//! Section 5, moments: the published steps of a lineage.

use std::sync::OnceLock;

use crate::anchor::Head;
use crate::cbor::{ParseError, Reader, Writer, there};
use crate::evidence::{Evidence, Origin};
use crate::hash::{Digest, LineageId, Pledge, Purpose, Salt};
use crate::merkle::MAX_STATEMENTS;
use crate::odometer::{self, TIERS};

/// Bytes of a moment's body at most.
pub(crate) const MAX_BODY_BYTES: usize = 2048;

/// A moment's body as it is carried, and its digest.
#[derive(Clone, Debug)]
struct Body {
    bytes: Vec<u8>,
    digest: OnceLock<Digest>,
}

impl Body {
    fn new(bytes: Vec<u8>) -> Self {
        debug_assert!(bytes.len() <= MAX_BODY_BYTES, "the limits of its parts keep a body below 2 KiB");
        Self { bytes, digest: OnceLock::new() }
    }

    fn digest(&self) -> &Digest {
        self.digest.get_or_init(|| Digest::new(Purpose::Moment.hash(&self.bytes)))
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Body {}

/// A lineage's first moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    body: Body,
    pledges: [Pledge; TIERS],
    wall_ms: u64,
    evidence: Evidence,
    salt: Salt,
    origin: Origin,
}

/// Any later moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    body: Body,
    lineage: LineageId,
    index: u64,
    previous: Head,
    pledges: [Pledge; TIERS],
    batch: Option<Batch>,
    wall_ms: u64,
    evidence: Evidence,
}

/// The statements that a moment carries, as their count and the root of their tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) count: u64,
    pub(crate) root: Digest,
}

impl Genesis {
    /// The genesis with these fields. `wall_ms` is below 2^63.
    pub(crate) fn compose(
        pledges: [Pledge; TIERS],
        wall_ms: u64,
        evidence: Evidence,
        salt: Salt,
        origin: Origin,
    ) -> Self {
        let mut writer = Writer::default();
        writer.map(7).uint(1).uint(1).uint(3).uint(0);
        write_pledges(&mut writer, &pledges);
        writer.uint(7).uint(wall_ms).uint(8);
        evidence.write(&mut writer);
        writer.uint(9).bytes(salt.as_bytes()).uint(10);
        origin.write(&mut writer);
        Self { body: Body::new(writer.finish()), pledges, wall_ms, evidence, salt, origin }
    }

    /// The genesis with this body.
    ///
    /// # Errors
    ///
    /// What about the bytes is not a genesis.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let fields = Fields::parse("genesis", body)?;
        let what = "genesis";
        for (there, field) in [
            (fields.lineage.is_some(), "lineage"),
            (fields.previous.is_some(), "previous"),
            (fields.batch.is_some(), "statements"),
        ] {
            if there {
                return Err(ParseError::Misplaced { what, field });
            }
        }
        if fields.index != 0 {
            return Err(ParseError::Field { what, field: "index", expected: "0" });
        }
        Ok(Self {
            body: Body::new(body.to_vec()),
            pledges: fields.pledges,
            wall_ms: fields.wall_ms,
            evidence: fields.evidence,
            salt: fields.salt.ok_or(ParseError::Missing { what, field: "salt" })?,
            origin: fields.origin.ok_or(ParseError::Missing { what, field: "origin" })?,
        })
    }

    /// Its body: deterministic CBOR, at most 2 KiB.
    pub fn body(&self) -> &[u8] {
        &self.body.bytes
    }

    /// The id of the lineage that it begins.
    pub fn lineage(&self) -> LineageId {
        LineageId::of_genesis(*self.body.digest())
    }

    /// The pledges that it makes, tier 0 first.
    pub fn pledges(&self) -> &[Pledge; TIERS] {
        &self.pledges
    }

    /// Unix time in milliseconds, as the host had it.
    pub fn wall_ms(&self) -> u64 {
        self.wall_ms
    }

    /// What the host says of itself.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The lineage's public salt.
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// Why the lineage began.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl Moment {
    /// The moment with these fields. `index` and `wall_ms` are below 2^63, `index` is above the previous one's.
    pub(crate) fn compose(
        lineage: LineageId,
        index: u64,
        previous: Head,
        pledges: [Pledge; TIERS],
        batch: Option<Batch>,
        wall_ms: u64,
        evidence: Evidence,
    ) -> Self {
        let mut writer = Writer::default();
        writer.map(7 + there([batch.is_some()])).uint(1).uint(1);
        writer.uint(2).bytes(lineage.as_bytes()).uint(3).uint(index).uint(4);
        previous.write(&mut writer);
        write_pledges(&mut writer, &pledges);
        if let Some(Batch { count, root }) = &batch {
            writer.uint(6).array(2).uint(*count).bytes(root.as_bytes());
        }
        writer.uint(7).uint(wall_ms).uint(8);
        evidence.write(&mut writer);
        Self { body: Body::new(writer.finish()), lineage, index, previous, pledges, batch, wall_ms, evidence }
    }

    /// The moment with this body.
    ///
    /// # Errors
    ///
    /// What about the bytes is not a moment; a genesis is none.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let what = "moment";
        let fields = Fields::parse(what, body)?;
        for (there, field) in [(fields.salt.is_some(), "salt"), (fields.origin.is_some(), "origin")] {
            if there {
                return Err(ParseError::Misplaced { what, field });
            }
        }
        let previous = fields.previous.ok_or(ParseError::Missing { what, field: "previous" })?;
        if previous.index >= fields.index {
            return Err(ParseError::Field { what, field: "previous", expected: "before its own index" });
        }
        Ok(Self {
            body: Body::new(body.to_vec()),
            lineage: fields.lineage.ok_or(ParseError::Missing { what, field: "lineage" })?,
            index: fields.index,
            previous,
            pledges: fields.pledges,
            batch: fields.batch,
            wall_ms: fields.wall_ms,
            evidence: fields.evidence,
        })
    }

    /// Its body: deterministic CBOR, at most 2 KiB.
    pub fn body(&self) -> &[u8] {
        &self.body.bytes
    }

    /// Its digest.
    pub fn digest(&self) -> &Digest {
        self.body.digest()
    }

    /// Its index and digest.
    pub fn head(&self) -> Head {
        Head { index: self.index, digest: *self.digest() }
    }

    /// The lineage.
    pub fn lineage(&self) -> &LineageId {
        &self.lineage
    }

    /// The lineage's age at this moment, in ticks: at least 1, below 2^63.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The moment just before.
    pub fn previous(&self) -> &Head {
        &self.previous
    }

    /// Its tier: it opens the pledges of tiers 0 to this one and replaces them.
    pub fn tier(&self) -> u8 {
        odometer::tier(self.previous.index, self.index)
    }

    /// The pledges that stand after it, tier 0 first.
    pub fn pledges(&self) -> &[Pledge; TIERS] {
        &self.pledges
    }

    pub(crate) fn batch(&self) -> Option<&Batch> {
        self.batch.as_ref()
    }

    /// How many statements it carries.
    pub fn statements(&self) -> u64 {
        self.batch.map_or(0, |batch| batch.count)
    }

    /// Unix time in milliseconds, as the host had it.
    pub fn wall_ms(&self) -> u64 {
        self.wall_ms
    }

    /// What the host says of itself.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

/// The fields of any moment, read but not yet held against which moments have which.
struct Fields {
    lineage: Option<LineageId>,
    index: u64,
    previous: Option<Head>,
    pledges: [Pledge; TIERS],
    batch: Option<Batch>,
    wall_ms: u64,
    evidence: Evidence,
    salt: Option<Salt>,
    origin: Option<Origin>,
}

impl Fields {
    fn parse(what: &'static str, body: &[u8]) -> Result<Self, ParseError> {
        Reader::whole(what, MAX_BODY_BYTES, body, Self::read)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let (mut version, mut lineage, mut index, mut previous, mut pledges) = (None, None, None, None, None);
        let (mut batch, mut wall_ms, mut evidence, mut salt, mut origin) = (None, None, None, None, None);
        reader.map("moment", |reader, key| {
            match key {
                1 => version = Some(reader.version()?),
                2 => lineage = Some(LineageId::new(reader.bytes32("lineage")?)),
                3 => index = Some(reader.index("index")?),
                4 => previous = Some(Head::read(reader, "previous")?),
                5 => pledges = Some(read_pledges(reader)?),
                6 => batch = Some(read_batch(reader)?),
                7 => wall_ms = Some(reader.index("wall")?),
                8 => evidence = Some(Evidence::read(reader)?),
                9 => salt = Some(Salt::new(reader.bytes32("salt")?)),
                10 => origin = Some(Origin::read(reader)?),
                _ => return Err(reader.unknown(key)),
            }
            Ok(())
        })?;
        version.ok_or_else(|| reader.missing("version"))?;
        Ok(Self {
            lineage,
            index: index.ok_or_else(|| reader.missing("index"))?,
            previous,
            pledges: pledges.ok_or_else(|| reader.missing("pledges"))?,
            batch,
            wall_ms: wall_ms.ok_or_else(|| reader.missing("wall"))?,
            evidence: evidence.ok_or_else(|| reader.missing("evidence"))?,
            salt,
            origin,
        })
    }
}

fn read_pledges(reader: &mut Reader<'_>) -> Result<[Pledge; TIERS], ParseError> {
    reader.array_of("pledges", TIERS as u64, "an array of 16")?;
    let mut pledges = [Pledge::new([0; 32]); TIERS];
    for pledge in &mut pledges {
        *pledge = Pledge::new(reader.bytes32("pledges")?);
    }
    Ok(pledges)
}

fn write_pledges(writer: &mut Writer, pledges: &[Pledge; TIERS]) {
    writer.uint(5).array(TIERS);
    for pledge in pledges {
        writer.bytes(pledge.as_bytes());
    }
}

fn read_batch(reader: &mut Reader<'_>) -> Result<Batch, ParseError> {
    reader.array_of("statements", 2, "an array of count and root")?;
    let count = reader.below("statements", MAX_STATEMENTS + 1, "1 to 65,536")?;
    if count == 0 {
        return Err(reader.wrong("statements", "1 to 65,536"));
    }
    Ok(Batch { count, root: reader.digest("statements")? })
}
