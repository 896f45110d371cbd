//! Section 5, evidence and origin: the host's own word about itself.

use minicbor::data::Type;

use crate::anchor::Head;
use crate::cbor::{ParseError, Reader, Writer, there};
use crate::hash::{Digest, LineageId, Purpose};

/// Bytes of an evidence's encoding at most.
const MAX_EVIDENCE_BYTES: usize = 1024;

/// Bytes of an origin's encoding at most.
const MAX_ORIGIN_BYTES: usize = 256;

/// Arrays and maps may be so many deep, the outermost map counted.
const MAX_DEPTH: u8 = 4;

/// What a host says of itself in a moment: authentic and unalterable, but not itself proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    encoded: Vec<u8>,
    fields: EvidenceFields,
}

/// The fields of an evidence, each optional. Unknown ones that a later version may write are kept in
/// [`Evidence::as_bytes`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceFields {
    /// Sources mixed in since the last moment, by name.
    pub sources: Option<Vec<String>>,
    /// What the host was doing.
    pub behaviour: Option<Behaviour>,
    /// The TPM's own clock.
    pub tpm_clock: Option<TpmClock>,
    /// How well the agent is.
    pub condition: Option<Condition>,
}

/// What a host was doing, as far as it shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// Samples so far.
    pub samples: Option<u64>,
    /// How unusual the last sample was, in thousandths.
    pub drift: Option<u64>,
    /// The commitment to the last sample: see [`Behaviour::commitment_to`].
    pub commitment: Option<Digest>,
}

/// A TPM's clock, as TPM2_ReadClock gives it (TCG TPM 2.0 part 2, TPMS_CLOCK_INFO).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TpmClock {
    /// Milliseconds that the TPM has been powered.
    pub clock_ms: Option<u64>,
    /// How often it was reset.
    pub reset_count: Option<u64>,
    /// How often it was restarted or resumed since.
    pub restart_count: Option<u64>,
    /// Whether no higher clock may have been given out before.
    pub safe: Option<bool>,
}

impl Behaviour {
    /// `H("sample", blind ‖ sample)`, where `blind` is 32 random bytes.
    pub fn commitment_to(blind: &[u8; 32], sample: &[u8]) -> Digest {
        Digest::new(*Purpose::Sample.hasher().update(blind).update(sample).finalize().as_bytes())
    }
}

macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// Its text in the protocol.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one with this text.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

texts! {
    /// How well the agent is.
    Condition {
        /// All is as configured.
        Steady = "steady",
        /// It has not seen enough of the host yet.
        Warming = "warming",
        /// A source that should be there is not.
        Degraded = "degraded",
    }
}

texts! {
    /// Why a lineage began.
    Reason {
        /// The agent's first on this host.
        Install = "install",
        /// The host was started.
        Boot = "boot",
        /// The state before it was lost while the host was up.
        Lost = "lost",
        /// The platform said that the host was cloned.
        Clone = "clone",
        /// The platform said that the host was rolled back.
        Rollback = "rollback",
        /// The TPM was reset.
        Reset = "reset",
        /// The host was about to hibernate.
        Hibernate = "hibernate",
        /// A person ended the one before.
        Ended = "ended",
    }
}

/// Why an evidence can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Its encoding is over the limit of section 5.
    #[error("evidence of {have} bytes: at most {MAX_EVIDENCE_BYTES}")]
    TooLong {
        /// Bytes of its encoding.
        have: usize,
    },
}

impl Evidence {
    /// The evidence with these fields.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::TooLong`] over 1,024 bytes: the names of the sources are too many or too long.
    pub fn new(fields: EvidenceFields) -> Result<Self, EvidenceError> {
        let mut writer = Writer::default();
        let EvidenceFields { sources, behaviour, tpm_clock, condition } = &fields;
        writer.map(there([sources.is_some(), behaviour.is_some(), tpm_clock.is_some(), condition.is_some()]));
        if let Some(sources) = sources {
            writer.uint(1).array(sources.len());
            for source in sources {
                writer.text(source);
            }
        }
        if let Some(Behaviour { samples, drift, commitment }) = behaviour {
            writer.uint(2).map(there([samples.is_some(), drift.is_some(), commitment.is_some()]));
            writer.uint_if(1, *samples).uint_if(2, *drift);
            writer.bytes_if(3, commitment.as_ref().map(|digest| &digest.as_bytes()[..]));
        }
        if let Some(TpmClock { clock_ms, reset_count, restart_count, safe }) = tpm_clock {
            let count = [clock_ms.is_some(), reset_count.is_some(), restart_count.is_some(), safe.is_some()];
            writer.uint(3).map(there(count));
            writer.uint_if(1, *clock_ms).uint_if(2, *reset_count).uint_if(3, *restart_count);
            writer.bool_if(4, *safe);
        }
        writer.text_if(4, condition.map(Condition::as_str));
        let encoded = writer.finish();
        match encoded.len() {
            0..=MAX_EVIDENCE_BYTES => Ok(Self { encoded, fields }),
            have => Err(EvidenceError::TooLong { have }),
        }
    }

    /// Its encoding: a CBOR map, at most 1,024 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }

    /// The fields that this version knows.
    pub fn fields(&self) -> &EvidenceFields {
        &self.fields
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        const FIELD: &str = "evidence";
        let start = reader.position();
        let mut fields = EvidenceFields::default();
        reader.map(FIELD, |reader, key| {
            match key {
                1 => fields.sources = Some(read_sources(reader)?),
                2 => fields.behaviour = Some(read_behaviour(reader)?),
                3 => fields.tpm_clock = Some(read_tpm_clock(reader)?),
                4 => {
                    let condition = Condition::from_text(reader.text("condition")?);
                    let condition = condition.ok_or_else(|| reader.wrong("condition", "a listed one"))?;
                    fields.condition = Some(condition);
                }
                _ => skip_value(reader, FIELD, 1)?,
            }
            Ok(())
        })?;
        let encoded = reader.since(start);
        if encoded.len() > MAX_EVIDENCE_BYTES {
            return Err(reader.wrong(FIELD, "at most 1,024 bytes"));
        }
        Ok(Self { encoded: encoded.to_vec(), fields })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.encoded(&self.encoded);
    }
}

fn read_sources(reader: &mut Reader<'_>) -> Result<Vec<String>, ParseError> {
    let count = reader.array("sources")?;
    // bounded by the message's own bytes: each takes one at least
    (0..count).map(|_| reader.text("sources").map(str::to_owned)).collect()
}

fn read_behaviour(reader: &mut Reader<'_>) -> Result<Behaviour, ParseError> {
    let mut behaviour = Behaviour::default();
    reader.map("behaviour", |reader, key| {
        match key {
            1 => behaviour.samples = Some(reader.uint("samples")?),
            2 => behaviour.drift = Some(reader.uint("drift")?),
            3 => behaviour.commitment = Some(reader.digest("commitment")?),
            _ => skip_value(reader, "behaviour", 2)?,
        }
        Ok(())
    })?;
    Ok(behaviour)
}

fn read_tpm_clock(reader: &mut Reader<'_>) -> Result<TpmClock, ParseError> {
    let mut clock = TpmClock::default();
    reader.map("TPM clock", |reader, key| {
        match key {
            1 => clock.clock_ms = Some(reader.uint("TPM clock")?),
            2 => clock.reset_count = Some(reader.uint("resetCount")?),
            3 => clock.restart_count = Some(reader.uint("restartCount")?),
            4 => clock.safe = Some(reader.bool("safe")?),
            _ => skip_value(reader, "TPM clock", 2)?,
        }
        Ok(())
    })?;
    Ok(clock)
}

/// Reads a value that this version does not know: uint, text, bytes, bool, array or map; `depth` arrays and
/// maps are around it.
fn skip_value(reader: &mut Reader<'_>, field: &'static str, depth: u8) -> Result<(), ParseError> {
    match reader.kind()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => reader.uint(field).map(drop),
        Type::Bytes | Type::BytesIndef => reader.bytes(field).map(drop),
        Type::String | Type::StringIndef => reader.text(field).map(drop),
        Type::Bool => reader.bool(field).map(drop),
        Type::Array | Type::ArrayIndef | Type::Map | Type::MapIndef if depth >= MAX_DEPTH => {
            Err(reader.wrong(field, "at most 4 deep"))
        }
        Type::Array | Type::ArrayIndef => {
            let count = reader.array(field)?;
            (0..count).try_for_each(|_| skip_value(reader, field, depth + 1))
        }
        Type::Map | Type::MapIndef => reader.map(field, |reader, _| skip_value(reader, field, depth + 1)),
        _ => Err(reader.wrong(field, "a number, text, bytes, bool, array or map")),
    }
}

/// The lineage that one says it follows, and the last moment that it knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// The lineage.
    pub lineage: LineageId,
    /// A moment of it; the last that was written down, which may not be its last.
    pub head: Head,
}

/// Why a lineage began, and after which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    encoded: Vec<u8>,
    reason: Reason,
    predecessor: Option<Predecessor>,
}

impl Origin {
    /// The origin with these fields.
    pub fn new(reason: Reason, predecessor: Option<Predecessor>) -> Self {
        let mut writer = Writer::default();
        writer.map(1 + usize::from(predecessor.is_some())).uint(1).text(reason.as_str());
        if let Some(Predecessor { lineage, head }) = &predecessor {
            writer.uint(2).array(3).bytes(lineage.as_bytes()).uint(head.index).bytes(head.digest.as_bytes());
        }
        Self { encoded: writer.finish(), reason, predecessor }
    }

    /// Why the lineage began.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The lineage that it says it follows.
    pub fn predecessor(&self) -> Option<&Predecessor> {
        self.predecessor.as_ref()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        const FIELD: &str = "origin";
        let start = reader.position();
        let (mut reason, mut predecessor) = (None, None);
        reader.map(FIELD, |reader, key| {
            match key {
                1 => {
                    let listed = Reason::from_text(reader.text("reason")?);
                    reason = Some(listed.ok_or_else(|| reader.wrong("reason", "a listed one"))?);
                }
                2 => {
                    reader.array_of("predecessor", 3, "an array of lineage, index and digest")?;
                    predecessor = Some(Predecessor {
                        lineage: LineageId::new(reader.bytes32("predecessor")?),
                        head: Head {
                            index: reader.index("predecessor")?,
                            digest: reader.digest("predecessor")?,
                        },
                    });
                }
                _ => skip_value(reader, FIELD, 1)?,
            }
            Ok(())
        })?;
        let encoded = reader.since(start);
        if encoded.len() > MAX_ORIGIN_BYTES {
            return Err(reader.wrong(FIELD, "at most 256 bytes"));
        }
        let reason = reason.ok_or_else(|| reader.missing("reason"))?;
        Ok(Self { encoded: encoded.to_vec(), reason, predecessor })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.encoded(&self.encoded);
    }
}
