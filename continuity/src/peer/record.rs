//! A peer as a store keeps it: a part that changes with every proof, and the hops and challenges each by itself.
//!
//! The encodings are this crate's own, and may change with its version: they are no part of the protocol.

use super::issued::{Issued, IssuedChallenges, MAX_REFUSALS};
use super::kept::{KeptHop, KeptHops};
use super::{Peer, Times};
use crate::anchor::{Anchor, Head};
use crate::cbor::{ParseError, Reader, Writer, there};
use crate::challenge::Challenge;
use crate::fork::Fork;
use crate::hash::{Digest, LineageId, Pledge, Salt};
use crate::hop::Hop;
use crate::moment::Genesis;
use crate::odometer::TIERS;
use crate::time::Now;

/// A peer, taken apart for a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerRecord {
    /// What changes with every proof: a few KiB, and a fork where one is known.
    pub state: Vec<u8>,
    /// The kept hops, each by itself: what is the same in two records is the same hop.
    pub hops: Vec<Vec<u8>>,
    /// The challenges that are out, each by itself, with its digest.
    pub challenges: Vec<(Digest, Vec<u8>)>,
}

/// Version of these encodings.
const VERSION: u64 = 1;

/// Bytes of a part at most: a fork's limit, and the few KiB beside it.
const MAX_PART_BYTES: usize = 5 * 1024 * 1024;

impl Peer {
    /// The peer, taken apart.
    pub fn record(&self) -> PeerRecord {
        PeerRecord {
            state: self.state(),
            hops: self.hops.iter().map(encode_hop).collect(),
            challenges: self.issued.0.iter().map(|issued| (issued.digest, encode_issued(issued))).collect(),
        }
    }

    /// The peer of these parts.
    ///
    /// # Errors
    ///
    /// What about them is not what [`Peer::record`] gives: the store is damaged, or another version's.
    pub fn restore(record: &PeerRecord) -> Result<Self, ParseError> {
        let mut peer = Reader::whole("peer", MAX_PART_BYTES, &record.state, read_state)?;
        let hops: Result<Vec<_>, _> = record.hops.iter().map(|bytes| decode_hop(bytes)).collect();
        peer.hops = KeptHops::default();
        peer.hops.keep(hops?);
        let issued: Result<_, _> = record.challenges.iter().map(|(_, bytes)| decode_issued(bytes)).collect();
        peer.issued = IssuedChallenges(issued?);
        Ok(peer)
    }

    fn state(&self) -> Vec<u8> {
        let Self { expected, genesis, anchor, is_proven, unconfirmed, times, fork, hops: _, issued: _ } =
            self;
        let mut writer = Writer::default();
        writer
            .map(4 + there([expected.is_some(), genesis.is_some(), anchor.is_some(), fork.is_some()]))
            .uint(0)
            .uint(VERSION);
        writer.bytes_if(1, expected.as_ref().map(|lineage| &lineage.as_bytes()[..]));
        writer.bytes_if(2, genesis.as_ref().map(Genesis::body));
        if let Some(anchor) = anchor {
            writer.uint(3);
            anchor.write(&mut writer);
        }
        writer.uint(4).bool(*is_proven).uint(5).array(unconfirmed.len());
        for head in unconfirmed {
            head.write(&mut writer);
        }
        writer.uint(6);
        times.write(&mut writer);
        writer.bytes_if(7, fork.as_ref().map(Fork::encode).as_deref());
        writer.finish()
    }
}

fn read_state(reader: &mut Reader<'_>) -> Result<Peer, ParseError> {
    let (mut peer, mut version) = (Peer::default(), None);
    reader.map("peer", |reader, key| {
        match key {
            0 => version = Some(reader.uint("version")?),
            1 => peer.expected = Some(LineageId::new(reader.bytes32("lineage")?)),
            2 => peer.genesis = Some(Genesis::parse(reader.bytes("genesis")?)?),
            3 => peer.anchor = Some(Anchor::read(reader)?),
            4 => peer.is_proven = reader.bool("proven")?,
            5 => {
                let count = reader.array("unconfirmed")?;
                let heads: Result<_, _> = (0..count).map(|_| Head::read(reader, "unconfirmed")).collect();
                peer.unconfirmed = heads?;
            }
            6 => peer.times = Times::read(reader)?,
            7 => peer.fork = Some(Fork::parse(reader.bytes("fork")?)?),
            _ => return Err(reader.unknown(key)),
        }
        Ok(())
    })?;
    match version {
        Some(VERSION) => Ok(peer),
        _ => Err(reader.wrong("version", "one that this program knows")),
    }
}

fn encode_hop(kept: &KeptHop) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.array(2);
    kept.start.write(&mut writer);
    writer.bytes(&kept.hop.encode());
    writer.finish()
}

fn decode_hop(bytes: &[u8]) -> Result<KeptHop, ParseError> {
    Reader::whole("kept hop", MAX_PART_BYTES, bytes, |reader| {
        reader.array_of("kept hop", 2, "an array of start and hop")?;
        let (start, hop) = (Anchor::read(reader)?, Hop::parse(reader.bytes("hop")?)?);
        if start.index() >= hop.moment.index() || start.lineage != *hop.moment.lineage() {
            return Err(reader.wrong("hop", "from an earlier moment of its lineage"));
        }
        Ok(KeptHop { start, hop })
    })
}

fn encode_issued(issued: &Issued) -> Vec<u8> {
    let Issued { challenge, digest: _, anchor, at, refusals, is_fragile } = issued;
    let mut writer = Writer::default();
    writer.map(4 + there([anchor.is_some()])).uint(1).bytes(challenge.as_bytes());
    if let Some(anchor) = anchor {
        writer.uint(2);
        anchor.write(&mut writer);
    }
    writer.uint(3);
    at.write(&mut writer);
    writer.uint(4).uint((*refusals).into()).uint(5).bool(*is_fragile);
    writer.finish()
}

fn decode_issued(bytes: &[u8]) -> Result<Issued, ParseError> {
    Reader::whole("issued challenge", MAX_PART_BYTES, bytes, |reader| {
        let (mut challenge, mut anchor, mut at, mut refusals, mut is_fragile) = (None, None, None, 0, false);
        reader.map("issued challenge", |reader, key| {
            match key {
                1 => challenge = Some(Challenge::parse(reader.bytes("challenge")?)?),
                2 => anchor = Some(Anchor::read(reader)?),
                3 => at = Some(Now::read(reader)?),
                4 => refusals = reader.below("refusals", MAX_REFUSALS.into(), "below 8")? as u8,
                5 => is_fragile = reader.bool("fragile")?,
                _ => return Err(reader.unknown(key)),
            }
            Ok(())
        })?;
        let challenge = challenge.ok_or_else(|| reader.missing("challenge"))?;
        let at = at.ok_or_else(|| reader.missing("time"))?;
        Ok(Issued { refusals, ..Issued::new(challenge, anchor, at, is_fragile) })
    })
}

impl Anchor {
    fn write(&self, writer: &mut Writer) {
        writer.array(4).bytes(self.lineage.as_bytes()).bytes(self.salt.as_bytes());
        self.head.write(writer);
        writer.bytes(&self.pledges.map(|pledge| *pledge.as_bytes()).concat());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        const FIELD: &str = "anchor";
        reader.array_of(FIELD, 4, "an array of lineage, salt, head and pledges")?;
        let lineage = LineageId::new(reader.bytes32(FIELD)?);
        let salt = Salt::new(reader.bytes32(FIELD)?);
        let head = Head::read(reader, FIELD)?;
        let (pledges, rest) = reader.bytes(FIELD)?.as_chunks();
        let pledges: Result<[[u8; 32]; TIERS], _> = pledges.try_into();
        let pledges = pledges.ok().filter(|_| rest.is_empty());
        let pledges = pledges.ok_or_else(|| reader.wrong(FIELD, "of 16 pledges"))?;
        Ok(Self { lineage, salt, head, pledges: pledges.map(Pledge::new) })
    }
}
