//! Section 6, the proof: what an agent answers to a challenge.

use crate::cbor::{ParseError, Reader, Writer, there};
use crate::hash::{Digest, LineageId};
use crate::hop::Hop;
use crate::merkle::{self, Inclusion, MAX_STATEMENTS};
use crate::moment::{Genesis, Moment};
use crate::statement::{self, Statement};

/// Bytes of a proof at most.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A proof of continuity with a statement in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub(crate) lineage: LineageId,
    pub(crate) since: u64,
    /// Never empty.
    pub(crate) hops: Vec<Hop>,
    pub(crate) statement_bytes: Vec<u8>,
    pub(crate) statement: Statement,
    pub(crate) inclusion: Inclusion,
    pub(crate) genesis: Option<Genesis>,
}

impl Proof {
    /// The proof with these bytes. It is well-formed; whether it is right is for [`crate::verify()`] or
    /// [`crate::Peer::take`] to say.
    ///
    /// # Errors
    ///
    /// What about the bytes is not a proof.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        Reader::whole("proof", MAX_BYTES, bytes, |reader| {
            let (mut version, mut lineage, mut since, mut hops) = (None, None, None, None);
            let (mut statement_bytes, mut inclusion, mut genesis) = (None, None, None);
            reader.map("proof", |reader, key| {
                match key {
                    1 => version = Some(reader.version()?),
                    2 => lineage = Some(LineageId::new(reader.bytes32("lineage")?)),
                    3 => since = Some(reader.index("since")?),
                    4 => hops = Some(Hop::read_all(reader, "hops")?),
                    6 => statement_bytes = Some(read_statement(reader)?),
                    7 => inclusion = Some(read_inclusion(reader)?),
                    8 => genesis = Some(Genesis::parse(reader.bytes("genesis")?)?),
                    _ => return Err(reader.unknown(key)),
                }
                Ok(())
            })?;
            version.ok_or_else(|| reader.missing("version"))?;
            let hops = hops.ok_or_else(|| reader.missing("hops"))?;
            if hops.is_empty() {
                return Err(reader.wrong("hops", "one at least"));
            }
            let statement_bytes = statement_bytes.ok_or_else(|| reader.missing("statement"))?;
            Ok(Self {
                lineage: lineage.ok_or_else(|| reader.missing("lineage"))?,
                since: since.ok_or_else(|| reader.missing("since"))?,
                hops,
                statement: Statement::parse(&statement_bytes)?,
                statement_bytes,
                inclusion: inclusion.ok_or_else(|| reader.missing("inclusion"))?,
                genesis,
            })
        })
    }

    /// Its bytes: deterministic CBOR, at most 4 MiB.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(6 + there([self.genesis.is_some()])).uint(1).uint(1);
        writer.uint(2).bytes(self.lineage.as_bytes()).uint(3).uint(self.since).uint(4);
        Hop::write_all(&self.hops, &mut writer);
        writer.uint(6).bytes(&self.statement_bytes);
        let Inclusion { position, count, path } = &self.inclusion;
        writer.uint(7).array(3).uint(*position).uint(*count).array(path.len());
        for sibling in path {
            writer.bytes(sibling.as_bytes());
        }
        writer.bytes_if(8, self.genesis.as_ref().map(Genesis::body));
        writer.finish()
    }

    /// The lineage that it is of.
    pub fn lineage(&self) -> &LineageId {
        &self.lineage
    }

    /// The index that it starts from; 0: the genesis.
    pub fn since(&self) -> u64 {
        self.since
    }

    /// Its hops, one at least.
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// The moment that it leads to. Every proof has one.
    pub fn head(&self) -> Option<&Moment> {
        self.hops.last().map(Hop::moment)
    }

    /// The statement.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The statement as it is carried.
    pub fn statement_bytes(&self) -> &[u8] {
        &self.statement_bytes
    }

    /// Where the statement stands in its moment.
    pub fn inclusion(&self) -> &Inclusion {
        &self.inclusion
    }

    /// The genesis, where it starts from there.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }
}

fn read_statement(reader: &mut Reader<'_>) -> Result<Vec<u8>, ParseError> {
    let bytes = reader.bytes("statement")?;
    match bytes.len() {
        0..=statement::MAX_BYTES => Ok(bytes.to_vec()),
        _ => Err(reader.wrong("statement", "at most 16 KiB")),
    }
}

fn read_inclusion(reader: &mut Reader<'_>) -> Result<Inclusion, ParseError> {
    const FIELD: &str = "inclusion";
    reader.array_of(FIELD, 3, "an array of position, count and path")?;
    let position = reader.uint(FIELD)?;
    let count = reader.below(FIELD, MAX_STATEMENTS + 1, "of a count of at most 65,536")?;
    if position >= count {
        return Err(reader.wrong(FIELD, "of a position in the batch"));
    }
    let siblings = reader.array(FIELD)?;
    if siblings > merkle::max_path(count) {
        return Err(reader.wrong(FIELD, "of a path as long as the tree is high"));
    }
    let path: Result<Vec<Digest>, _> = (0..siblings).map(|_| reader.digest(FIELD)).collect();
    Ok(Inclusion { position, count, path: path? })
}
