//! Section 7, the introduction: a lineage as it is told over a channel that is trusted by other means.

use crate::anchor::Anchor;
use crate::cbor::{ParseError, Reader, Writer, there};
use crate::moment::{Genesis, MAX_BODY_BYTES, Moment};

/// Bytes of an introduction at most.
const MAX_BYTES: usize = 16 * 1024;

/// A lineage's genesis and a moment of it that was handed out. It proves nothing by itself: it is worth what the
/// channel is worth over which it comes, as an ssh host key's fingerprint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    pub(crate) genesis: Genesis,
    pub(crate) moment: Option<Moment>,
}

impl Introduction {
    /// The introduction with these bytes.
    ///
    /// # Errors
    ///
    /// What about the bytes is not an introduction: the moment must name the genesis's lineage.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        const WHAT: &str = "introduction";
        let (genesis, moment) = Reader::whole(WHAT, MAX_BYTES, bytes, |reader| {
            let (mut version, mut genesis, mut moment) = (None, None, None);
            reader.map(WHAT, |reader, key| {
                match key {
                    1 => version = Some(reader.version()?),
                    2 => genesis = Some(Genesis::parse(reader.bytes("genesis")?)?),
                    3 => moment = Some(Moment::parse(reader.bytes("moment")?)?),
                    _ => return Err(reader.unknown(key)),
                }
                Ok(())
            })?;
            version.ok_or_else(|| reader.missing("version"))?;
            Ok((genesis.ok_or_else(|| reader.missing("genesis"))?, moment))
        })?;
        match &moment {
            Some(moment) if *moment.lineage() != genesis.lineage() => {
                Err(ParseError::Field { what: WHAT, field: "moment", expected: "of the genesis's lineage" })
            }
            _ => Ok(Self { genesis, moment }),
        }
    }

    /// Its bytes: deterministic CBOR, at most 16 KiB.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(2 + there([self.moment.is_some()])).uint(1).uint(1).uint(2).bytes(self.genesis.body());
        writer.bytes_if(3, self.moment.as_ref().map(Moment::body));
        let bytes = writer.finish();
        debug_assert!(bytes.len() <= 2 * MAX_BODY_BYTES + 16, "two bodies and their heads");
        bytes
    }

    /// The lineage's genesis.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The moment; `None`: the genesis itself.
    pub fn moment(&self) -> Option<&Moment> {
        self.moment.as_ref()
    }

    /// The anchor that it gives.
    pub fn anchor(&self) -> Anchor {
        match &self.moment {
            Some(moment) => Anchor::of_moment(*self.genesis.salt(), moment, *moment.digest()),
            None => Anchor::of_genesis(&self.genesis),
        }
    }

    /// Unix time in milliseconds, as the host had it at the moment.
    pub(crate) fn wall_ms(&self) -> u64 {
        self.moment.as_ref().map_or(self.genesis.wall_ms(), Moment::wall_ms)
    }
}
