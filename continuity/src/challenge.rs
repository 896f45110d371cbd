//! Section 7, the challenge: what a relying party asks.

use crate::anchor::Head;
use crate::cbor::{ParseError, Reader, Writer, there};
use crate::hash::{Digest, LineageId, Purpose};
use crate::statement::{MAX_AUDIENCE_BYTES, read_audience};

/// Bytes of a challenge at most.
const MAX_BYTES: usize = 4096;

/// Heads in a challenge at most.
pub(crate) const MAX_SINCE: usize = 64;

/// Bytes of a nonce.
const NONCE_BYTES: core::ops::RangeInclusive<usize> = 16..=64;

/// A relying party's challenge to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    bytes: Vec<u8>,
    audience: String,
    nonce: Vec<u8>,
    lineage: Option<LineageId>,
    since: Vec<Head>,
}

/// Why a challenge can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeError {
    /// The audience is empty or too long.
    #[error("audience of {have} bytes: 1 to {MAX_AUDIENCE_BYTES}")]
    Audience {
        /// Bytes that it has.
        have: usize,
    },
    /// The nonce is too short or too long.
    #[error("nonce of {have} bytes: 16 to 64")]
    Nonce {
        /// Bytes that it has.
        have: usize,
    },
}

impl Challenge {
    /// The challenge with these fields; `since` ascends and has at most 64 heads, none of them a genesis, and
    /// none at all where there is no lineage.
    pub(crate) fn compose(
        audience: &str,
        nonce: &[u8],
        lineage: Option<LineageId>,
        since: Vec<Head>,
    ) -> Result<Self, ChallengeError> {
        if !(1..=MAX_AUDIENCE_BYTES).contains(&audience.len()) {
            return Err(ChallengeError::Audience { have: audience.len() });
        }
        if !NONCE_BYTES.contains(&nonce.len()) {
            return Err(ChallengeError::Nonce { have: nonce.len() });
        }
        let mut writer = Writer::default();
        writer.map(3 + there([lineage.is_some(), !since.is_empty()]));
        writer.uint(1).uint(1).uint(2).text(audience).uint(3).bytes(nonce);
        writer.bytes_if(4, lineage.as_ref().map(|lineage| &lineage.as_bytes()[..]));
        if !since.is_empty() {
            writer.uint(5).array(since.len());
            for head in &since {
                head.write(&mut writer);
            }
        }
        let (audience, nonce) = (audience.to_owned(), nonce.to_owned());
        Ok(Self { bytes: writer.finish(), audience, nonce, lineage, since })
    }

    /// The challenge with these bytes.
    ///
    /// # Errors
    ///
    /// What about the bytes is not a challenge.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        Reader::whole("challenge", MAX_BYTES, bytes, |reader| {
            let (mut version, mut audience, mut nonce) = (None, None, None);
            let (mut lineage, mut since) = (None, None);
            reader.map("challenge", |reader, key| {
                match key {
                    1 => version = Some(reader.version()?),
                    2 => audience = Some(read_audience(reader)?),
                    3 => nonce = Some(read_nonce(reader)?),
                    4 => lineage = Some(LineageId::new(reader.bytes32("lineage")?)),
                    5 => since = Some(read_since(reader)?),
                    _ => return Err(reader.unknown(key)),
                }
                Ok(())
            })?;
            version.ok_or_else(|| reader.missing("version"))?;
            if since.is_some() && lineage.is_none() {
                return Err(reader.misplaced("since"));
            }
            Ok(Self {
                bytes: bytes.to_vec(),
                audience: audience.ok_or_else(|| reader.missing("audience"))?,
                nonce: nonce.ok_or_else(|| reader.missing("nonce"))?,
                lineage,
                since: since.unwrap_or_default(),
            })
        })
    }

    /// Its bytes: deterministic CBOR, at most 4 KiB.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `H("challenge", its bytes)`.
    pub fn digest(&self) -> Digest {
        Digest::new(Purpose::Challenge.hash(&self.bytes))
    }

    /// The relying party's own name.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// What makes it fresh: 16 to 64 bytes.
    pub fn nonce(&self) -> &[u8] {
        &self.nonce
    }

    /// The lineage that it is for; `None` where the relying party takes whoever comes.
    pub fn lineage(&self) -> Option<&LineageId> {
        self.lineage.as_ref()
    }

    /// The heads that the relying party accepted and the host has not confirmed yet, ascending; the last is the
    /// anchor. Empty: from the genesis.
    pub fn since(&self) -> &[Head] {
        &self.since
    }

    /// The index that the proof starts from.
    pub fn start(&self) -> u64 {
        self.since.last().map_or(0, |head| head.index)
    }
}

fn read_nonce(reader: &mut Reader<'_>) -> Result<Vec<u8>, ParseError> {
    let nonce = reader.bytes("nonce")?;
    if NONCE_BYTES.contains(&nonce.len()) {
        Ok(nonce.to_vec())
    } else {
        Err(reader.wrong("nonce", "16 to 64 bytes"))
    }
}

fn read_since(reader: &mut Reader<'_>) -> Result<Vec<Head>, ParseError> {
    const FIELD: &str = "since";
    let count = reader.array(FIELD)?;
    if !(1..=MAX_SINCE as u64).contains(&count) {
        return Err(reader.wrong(FIELD, "1 to 64 heads"));
    }
    let mut since: Vec<Head> = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let head = Head::read(reader, FIELD)?;
        if head.index <= since.last().map_or(0, |before| before.index) {
            return Err(reader.wrong(FIELD, "ascending, from 1"));
        }
        since.push(head);
    }
    Ok(since)
}
