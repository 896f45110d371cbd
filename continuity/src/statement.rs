//! Section 6, statements: what a host says for one local caller, to one relying party, now.

use crate::cbor::{ParseError, Reader, Writer, there};
use crate::hash::Digest;

/// Bytes of a statement at most.
pub(crate) const MAX_BYTES: usize = 16 * 1024;

/// Bytes of a payload at most.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 4096;

/// Bytes of a subject's text at most.
const MAX_TEXT_BYTES: usize = 4096;

/// Bytes of an audience at most.
pub(crate) const MAX_AUDIENCE_BYTES: usize = 255;

/// Who made a statement, as far as the agent itself established it; the caller cannot name itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// User id.
    pub uid: Option<u32>,
    /// Group id.
    pub gid: Option<u32>,
    /// Process id, as the agent sees it.
    pub pid: Option<u32>,
    /// System unit, 1 to 4,096 bytes.
    pub unit: Option<String>,
    /// Path of the executable, 1 to 4,096 bytes.
    pub exe: Option<String>,
    /// Security label, 1 to 4,096 bytes.
    pub label: Option<String>,
    /// App id of a sandboxed app, 1 to 4,096 bytes.
    pub app: Option<String>,
    /// The unit's invocation id.
    pub invocation: Option<[u8; 16]>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub(crate) audience: String,
    pub(crate) challenge: Digest,
    pub(crate) subject: Subject,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) known: Option<bool>,
}

impl Statement {
    /// The statement with these bytes.
    ///
    /// # Errors
    ///
    /// What about the bytes is not a statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        Reader::whole("statement", MAX_BYTES, bytes, |reader| {
            let (mut audience, mut challenge, mut subject) = (None, None, None);
            let (mut payload, mut known) = (None, None);
            reader.map("statement", |reader, key| {
                match key {
                    1 => audience = Some(read_audience(reader)?),
                    2 => challenge = Some(reader.digest("challenge")?),
                    3 => subject = Some(Subject::read(reader)?),
                    4 => payload = Some(read_payload(reader)?),
                    5 => known = Some(reader.bool("known")?),
                    _ => return Err(reader.unknown(key)),
                }
                Ok(())
            })?;
            Ok(Self {
                audience: audience.ok_or_else(|| reader.missing("audience"))?,
                challenge: challenge.ok_or_else(|| reader.missing("challenge"))?,
                subject: subject.ok_or_else(|| reader.missing("subject"))?,
                payload,
                known,
            })
        })
    }

    /// Its bytes. They may be over the limit of 16 KiB, and a text in it empty: who makes one checks that it parses.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(3 + there([self.payload.is_some(), self.known.is_some()]));
        writer.uint(1).text(&self.audience).uint(2).bytes(self.challenge.as_bytes()).uint(3);
        self.subject.write(&mut writer);
        writer.bytes_if(4, self.payload.as_deref()).bool_if(5, self.known);
        writer.finish()
    }

    /// For whom it is: the relying party's own name.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The digest of the challenge that it answers.
    pub fn challenge(&self) -> &Digest {
        &self.challenge
    }

    /// Who made it.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What the caller says, at most 4,096 bytes.
    pub fn payload(&self) -> Option<&[u8]> {
        self.payload.as_deref()
    }

    /// Whether the agent found all heads of the challenge among those that it remembers handing out; `None` where
    /// the challenge has none.
    pub fn known(&self) -> Option<bool> {
        self.known
    }
}

impl Subject {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut subject = Self::default();
        reader.map("subject", |reader, key| {
            match key {
                1 => subject.uid = Some(read_u32(reader, "uid")?),
                2 => subject.gid = Some(read_u32(reader, "gid")?),
                3 => subject.pid = Some(read_u32(reader, "pid")?),
                4 => subject.unit = Some(read_text(reader, "unit")?),
                5 => subject.exe = Some(read_text(reader, "exe")?),
                6 => subject.label = Some(read_text(reader, "label")?),
                7 => subject.app = Some(read_text(reader, "app")?),
                8 => {
                    let bytes = reader.bytes("invocation")?.try_into();
                    subject.invocation = Some(bytes.map_err(|_| reader.wrong("invocation", "16 bytes"))?);
                }
                _ => return Err(reader.unknown(key)),
            }
            Ok(())
        })?;
        Ok(subject)
    }

    fn write(&self, writer: &mut Writer) {
        let Self { uid, gid, pid, unit, exe, label, app, invocation } = self;
        let numbers = [(1, uid), (2, gid), (3, pid)];
        let texts = [(4, unit), (5, exe), (6, label), (7, app)];
        let count = there(numbers.map(|(_, number)| number.is_some()))
            + there(texts.map(|(_, text)| text.is_some()))
            + there([invocation.is_some()]);
        writer.map(count);
        for (key, number) in numbers {
            writer.uint_if(key, number.map(u64::from));
        }
        for (key, text) in texts {
            writer.text_if(key, text.as_deref());
        }
        writer.bytes_if(8, invocation.as_ref().map(|bytes| &bytes[..]));
    }
}

/// An audience: 1 to 255 bytes of text.
pub(crate) fn read_audience(reader: &mut Reader<'_>) -> Result<String, ParseError> {
    let audience = reader.text("audience")?;
    match audience.len() {
        1..=MAX_AUDIENCE_BYTES => Ok(audience.to_owned()),
        _ => Err(reader.wrong("audience", "1 to 255 bytes")),
    }
}

fn read_payload(reader: &mut Reader<'_>) -> Result<Vec<u8>, ParseError> {
    let payload = reader.bytes("payload")?;
    match payload.len() {
        0..=MAX_PAYLOAD_BYTES => Ok(payload.to_vec()),
        _ => Err(reader.wrong("payload", "at most 4,096 bytes")),
    }
}

fn read_u32(reader: &mut Reader<'_>, field: &'static str) -> Result<u32, ParseError> {
    reader.uint(field)?.try_into().map_err(|_| reader.wrong(field, "below 2^32"))
}

fn read_text(reader: &mut Reader<'_>, field: &'static str) -> Result<String, ParseError> {
    let text = reader.text(field)?;
    match text.len() {
        1..=MAX_TEXT_BYTES => Ok(text.to_owned()),
        _ => Err(reader.wrong(field, "1 to 4,096 bytes")),
    }
}
