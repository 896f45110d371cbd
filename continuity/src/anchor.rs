//! What a relying party needs to go on recognising a lineage.

use crate::cbor::{ParseError, Reader, Writer};
use crate::hash::{Digest, LineageId, Pledge, Salt};
use crate::moment::{Genesis, Moment};
use crate::odometer::TIERS;

/// A moment by its index and digest, as challenges and memories name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Head {
    /// The lineage's age at the moment, in ticks.
    pub index: u64,
    /// The moment's digest.
    pub digest: Digest,
}

impl Head {
    pub(crate) fn read(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, ParseError> {
        reader.array_of(field, 2, "an array of index and digest")?;
        Ok(Self { index: reader.index(field)?, digest: reader.digest(field)? })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.array(2).uint(self.index).bytes(self.digest.as_bytes());
    }
}

/// A moment from which a relying party can go on: every moment that was handed out, with its lineage's salt, is
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    pub(crate) lineage: LineageId,
    pub(crate) salt: Salt,
    pub(crate) head: Head,
    pub(crate) pledges: [Pledge; TIERS],
}

impl Anchor {
    /// The anchor of these parts: what [`Anchor`]'s other methods give, from a store.
    pub fn new(lineage: LineageId, salt: Salt, head: Head, pledges: [Pledge; TIERS]) -> Self {
        Self { lineage, salt, head, pledges }
    }

    /// A lineage's genesis as an anchor.
    pub fn of_genesis(genesis: &Genesis) -> Self {
        let lineage = genesis.lineage();
        Self {
            lineage,
            salt: *genesis.salt(),
            head: Head { index: 0, digest: lineage.genesis_digest() },
            pledges: *genesis.pledges(),
        }
    }

    /// A later moment of the lineage that has this salt.
    pub(crate) fn of_moment(salt: Salt, moment: &Moment, digest: Digest) -> Self {
        Self {
            lineage: *moment.lineage(),
            salt,
            head: Head { index: moment.index(), digest },
            pledges: *moment.pledges(),
        }
    }

    /// The lineage.
    pub fn lineage(&self) -> &LineageId {
        &self.lineage
    }

    /// The lineage's public salt.
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// The moment's index and digest.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The lineage's age at the moment, in ticks.
    pub fn index(&self) -> u64 {
        self.head.index
    }

    /// The pledges that stand after the moment, tier 0 first.
    pub fn pledges(&self) -> &[Pledge; TIERS] {
        &self.pledges
    }

    /// The pledge that stands at tier `k`.
    pub(crate) fn pledge(&self, k: u8) -> Option<&Pledge> {
        self.pledges.get(usize::from(k))
    }
}
