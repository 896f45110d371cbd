//! Section 5, the encoding: deterministic CBOR (RFC 8949 section 4.2.1), and nothing else, in both directions.
//!
//! The tokens are minicbor's; what is added here is the refusal of every form but the shortest, and of
//! indefinite lengths. Values that the protocol does not use (tags, floats, null, negative numbers) are
//! refused because no format asks for them.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use crate::hash::Digest;
use crate::odometer::LIMIT;

/// Why bytes are no message of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// More bytes than the message may have. Nothing was decoded.
    #[error("{what} of {have} bytes: at most {max}")]
    TooLong {
        /// The message.
        what: &'static str,
        /// Bytes that it may have.
        max: usize,
        /// Bytes that it has.
        have: usize,
    },
    /// The bytes end inside the message, or hold no CBOR.
    #[error("{what}: no CBOR, or cut short, at byte {at}")]
    NotCbor {
        /// The message.
        what: &'static str,
        /// Where, in bytes from its beginning.
        at: usize,
    },
    /// CBOR, but not in its one deterministic form.
    #[error("{what}: not deterministic CBOR at byte {at}")]
    NotDeterministic {
        /// The message.
        what: &'static str,
        /// Where, in bytes from its beginning.
        at: usize,
    },
    /// Bytes follow the message.
    #[error("{what}: {bytes} bytes too many at its end")]
    Trailing {
        /// The message.
        what: &'static str,
        /// How many follow.
        bytes: usize,
    },
    /// A key that this message does not have.
    #[error("{what}: unknown key {key}")]
    UnknownKey {
        /// The message.
        what: &'static str,
        /// The key.
        key: u64,
    },
    /// A field that this message must have is not there.
    #[error("{what}: no `{field}`")]
    Missing {
        /// The message.
        what: &'static str,
        /// The field, as the specification spells it.
        field: &'static str,
    },
    /// A field that this message must not have is there.
    #[error("{what}: `{field}` does not belong there")]
    Misplaced {
        /// The message.
        what: &'static str,
        /// The field, as the specification spells it.
        field: &'static str,
    },
    /// A field of another type, size or range than the specification's.
    #[error("{what}: `{field}` is not {expected}")]
    Field {
        /// The message.
        what: &'static str,
        /// The field, as the specification spells it.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}

/// Reads one message, token by token.
pub(crate) struct Reader<'b> {
    decoder: Decoder<'b>,
    what: &'static str,
}

impl<'b> Reader<'b> {
    /// A reader of message `what`, which has at most `max` bytes.
    pub(crate) fn new(what: &'static str, max: usize, bytes: &'b [u8]) -> Result<Self, ParseError> {
        if bytes.len() > max {
            return Err(ParseError::TooLong { what, max, have: bytes.len() });
        }
        Ok(Self { decoder: Decoder::new(bytes), what })
    }

    /// The whole message `what`, whose tokens `read` takes.
    pub(crate) fn whole<T>(
        what: &'static str,
        max: usize,
        bytes: &'b [u8],
        read: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        let mut reader = Self::new(what, max, bytes)?;
        let value = read(&mut reader)?;
        match bytes.len() - reader.position() {
            0 => Ok(value),
            bytes => Err(ParseError::Trailing { what, bytes }),
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.decoder.position()
    }

    /// Bytes that are left.
    pub(crate) fn left(&self) -> usize {
        self.decoder.input().len().saturating_sub(self.position())
    }

    /// The bytes from `start` to here.
    pub(crate) fn since(&self, start: usize) -> &'b [u8] {
        self.decoder.input().get(start..self.position()).unwrap_or_default()
    }

    pub(crate) fn wrong(&self, field: &'static str, expected: &'static str) -> ParseError {
        ParseError::Field { what: self.what, field, expected }
    }

    pub(crate) fn missing(&self, field: &'static str) -> ParseError {
        ParseError::Missing { what: self.what, field }
    }

    pub(crate) fn misplaced(&self, field: &'static str) -> ParseError {
        ParseError::Misplaced { what: self.what, field }
    }

    pub(crate) fn unknown(&self, key: u64) -> ParseError {
        ParseError::UnknownKey { what: self.what, key }
    }

    /// The type of the next token.
    pub(crate) fn kind(&self) -> Result<Type, ParseError> {
        self.decoder.datatype().map_err(|_| self.not_cbor())
    }

    pub(crate) fn uint(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.expect(field, "an unsigned number", |kind| {
            matches!(kind, Type::U8 | Type::U16 | Type::U32 | Type::U64)
        })?;
        let start = self.position();
        let value = self.decoder.u64().map_err(|_| self.not_cbor())?;
        self.shortest(start, value, 0)?;
        Ok(value)
    }

    /// An unsigned number below `limit`.
    pub(crate) fn below(
        &mut self,
        field: &'static str,
        limit: u64,
        expected: &'static str,
    ) -> Result<u64, ParseError> {
        let value = self.uint(field)?;
        if value < limit { Ok(value) } else { Err(self.wrong(field, expected)) }
    }

    /// An index or wall time: an unsigned number below 2^63.
    pub(crate) fn index(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.below(field, LIMIT, "below 2^63")
    }

    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<&'b [u8], ParseError> {
        self.expect(field, "bytes", |kind| matches!(kind, Type::Bytes | Type::BytesIndef))?;
        let start = self.position();
        let value = self.decoder.bytes().map_err(|_| self.not_cbor_or_indefinite(start))?;
        self.shortest(start, value.len() as u64, value.len())?;
        Ok(value)
    }

    pub(crate) fn bytes32(&mut self, field: &'static str) -> Result<[u8; 32], ParseError> {
        self.bytes(field)?.try_into().map_err(|_| self.wrong(field, "32 bytes"))
    }

    /// The version of a message: 1.
    pub(crate) fn version(&mut self) -> Result<(), ParseError> {
        match self.uint("version")? {
            1 => Ok(()),
            _ => Err(self.wrong("version", "1")),
        }
    }

    pub(crate) fn digest(&mut self, field: &'static str) -> Result<Digest, ParseError> {
        self.bytes32(field).map(Digest::new)
    }

    pub(crate) fn text(&mut self, field: &'static str) -> Result<&'b str, ParseError> {
        self.expect(field, "text", |kind| matches!(kind, Type::String | Type::StringIndef))?;
        let start = self.position();
        let value = self.decoder.str().map_err(|_| self.not_cbor_or_indefinite(start))?;
        self.shortest(start, value.len() as u64, value.len())?;
        Ok(value)
    }

    pub(crate) fn bool(&mut self, field: &'static str) -> Result<bool, ParseError> {
        self.expect(field, "true or false", |kind| kind == Type::Bool)?;
        self.decoder.bool().map_err(|_| self.not_cbor())
    }

    /// The head of an array: how many items follow.
    pub(crate) fn array(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.expect(field, "an array", |kind| matches!(kind, Type::Array | Type::ArrayIndef))?;
        let start = self.position();
        let count = self.decoder.array().map_err(|_| self.not_cbor())?;
        self.count(start, count)
    }

    /// The head of an array of just `count` items.
    pub(crate) fn array_of(
        &mut self,
        field: &'static str,
        count: u64,
        expected: &'static str,
    ) -> Result<(), ParseError> {
        if self.array(field)? == count { Ok(()) } else { Err(self.wrong(field, expected)) }
    }

    /// A map with unsigned keys, each once and ascending; `read` takes the value of each.
    pub(crate) fn map(
        &mut self,
        field: &'static str,
        mut read: impl FnMut(&mut Self, u64) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        self.expect(field, "a map", |kind| matches!(kind, Type::Map | Type::MapIndef))?;
        let start = self.position();
        let count = self.decoder.map().map_err(|_| self.not_cbor())?;
        let count = self.count(start, count)?;
        let mut before = None;
        for _ in 0..count {
            let start = self.position();
            let key = self.uint("key")?;
            if before.is_some_and(|before| before >= key) {
                return Err(ParseError::NotDeterministic { what: self.what, at: start });
            }
            before = Some(key);
            read(self, key)?;
        }
        Ok(())
    }

    fn expect(
        &self,
        field: &'static str,
        expected: &'static str,
        is: impl Fn(Type) -> bool,
    ) -> Result<(), ParseError> {
        if is(self.kind()?) { Ok(()) } else { Err(self.wrong(field, expected)) }
    }

    /// An array's or map's count, if definite and in its shortest form.
    fn count(&self, start: usize, count: Option<u64>) -> Result<u64, ParseError> {
        let count = count.ok_or(ParseError::NotDeterministic { what: self.what, at: start })?;
        self.shortest(start, count, 0)?;
        Ok(count)
    }

    /// Checks that the token from `start` to here, with this argument and so many bytes of content, has the
    /// shortest head.
    fn shortest(&self, start: usize, argument: u64, content: usize) -> Result<(), ParseError> {
        let head = match argument {
            0..=23 => 1,
            24..=0xff => 2,
            0x100..=0xffff => 3,
            0x1_0000..=0xffff_ffff => 5,
            _ => 9,
        };
        if self.position() - start == head + content {
            Ok(())
        } else {
            Err(ParseError::NotDeterministic { what: self.what, at: start })
        }
    }

    fn not_cbor(&self) -> ParseError {
        ParseError::NotCbor { what: self.what, at: self.position() }
    }

    fn not_cbor_or_indefinite(&self, start: usize) -> ParseError {
        let indefinite = matches!(self.decoder.input().get(start), Some(0x5f | 0x7f));
        match indefinite {
            true => ParseError::NotDeterministic { what: self.what, at: start },
            false => ParseError::NotCbor { what: self.what, at: start },
        }
    }
}

/// Writes one message. Heads are always the shortest; the order of a map's keys is the caller's, ascending.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn uint(&mut self, value: u64) -> &mut Self {
        self.put(|encoder| encoder.u64(value).is_ok())
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.put(|encoder| encoder.bytes(value).is_ok())
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.put(|encoder| encoder.str(value).is_ok())
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.put(|encoder| encoder.bool(value).is_ok())
    }

    pub(crate) fn array(&mut self, items: usize) -> &mut Self {
        self.put(|encoder| encoder.array(items as u64).is_ok())
    }

    pub(crate) fn map(&mut self, entries: usize) -> &mut Self {
        self.put(|encoder| encoder.map(entries as u64).is_ok())
    }

    /// Bytes that are one encoded item already.
    pub(crate) fn encoded(&mut self, item: &[u8]) -> &mut Self {
        self.0.extend_from_slice(item);
        self
    }

    /// A map's entry, where there is one.
    pub(crate) fn uint_if(&mut self, key: u64, value: Option<u64>) -> &mut Self {
        match value {
            Some(value) => self.uint(key).uint(value),
            None => self,
        }
    }

    /// A map's entry, where there is one.
    pub(crate) fn bytes_if(&mut self, key: u64, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(value) => self.uint(key).bytes(value),
            None => self,
        }
    }

    /// A map's entry, where there is one.
    pub(crate) fn text_if(&mut self, key: u64, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.uint(key).text(value),
            None => self,
        }
    }

    /// A map's entry, where there is one.
    pub(crate) fn bool_if(&mut self, key: u64, value: Option<bool>) -> &mut Self {
        match value {
            Some(value) => self.uint(key).bool(value),
            None => self,
        }
    }

    fn put(&mut self, token: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> bool) -> &mut Self {
        let written = token(&mut Encoder::new(&mut self.0));
        debug_assert!(written, "writing to a Vec can't fail");
        self
    }
}

/// How many of these there are: the entries of a map.
pub(crate) fn there<const N: usize>(entries: [bool; N]) -> usize {
    entries.iter().filter(|there| **there).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(bytes: &[u8]) -> Result<u64, ParseError> {
        Reader::whole("test", 100, bytes, |reader| reader.uint("n"))
    }

    #[test]
    fn numbers_have_one_form() {
        for (bytes, value) in
            [(&[0x17][..], 23), (&[0x18, 24], 24), (&[0x19, 1, 0], 256), (&[0x1a, 0, 1, 0, 0], 65_536)]
        {
            assert_eq!(number(bytes), Ok(value));
        }
        for bytes in [
            &[0x18, 23][..],
            &[0x19, 0, 255],
            &[0x1a, 0, 0, 255, 255],
            &[0x1b, 0, 0, 0, 0, 255, 255, 255, 255],
        ] {
            assert_eq!(number(bytes), Err(ParseError::NotDeterministic { what: "test", at: 0 }));
        }
        assert!(matches!(number(&[0x18]), Err(ParseError::NotCbor { .. })));
        assert_eq!(number(&[1, 1]), Err(ParseError::Trailing { what: "test", bytes: 1 }));
        assert!(matches!(number(&[0x20]), Err(ParseError::Field { .. })), "a negative number");
        assert!(matches!(number(&[0xf5]), Err(ParseError::Field { .. })), "true");
    }

    #[test]
    fn lengths_have_one_form() {
        let read =
            |bytes: &[u8]| Reader::whole("test", 100, bytes, |reader| reader.bytes("b").map(<[u8]>::to_vec));
        assert_eq!(read(&[0x41, 9]), Ok(vec![9]));
        assert_eq!(read(&[0x58, 1, 9]), Err(ParseError::NotDeterministic { what: "test", at: 0 }));
        assert_eq!(read(&[0x5f, 0x41, 9, 0xff]), Err(ParseError::NotDeterministic { what: "test", at: 0 }));
        assert_eq!(read(&[0x42, 9]), Err(ParseError::NotCbor { what: "test", at: 0 }));
        let text =
            |bytes: &[u8]| Reader::whole("test", 100, bytes, |reader| reader.text("t").map(str::to_owned));
        assert_eq!(text(&[0x61, b'a']), Ok("a".to_owned()));
        assert_eq!(text(&[0x61, 0xff]), Err(ParseError::NotCbor { what: "test", at: 0 }));
        assert_eq!(text(&[0x78, 1, b'a']), Err(ParseError::NotDeterministic { what: "test", at: 0 }));
    }

    #[test]
    fn maps_have_each_key_once_and_ascending() {
        let read = |bytes: &[u8]| {
            Reader::whole("test", 100, bytes, |reader| {
                reader.map("m", |reader, _| reader.uint("value").map(drop))
            })
        };
        assert_eq!(read(&[0xa2, 1, 0, 2, 0]), Ok(()));
        assert_eq!(read(&[0xa2, 2, 0, 1, 0]), Err(ParseError::NotDeterministic { what: "test", at: 3 }));
        assert_eq!(read(&[0xa2, 1, 0, 1, 0]), Err(ParseError::NotDeterministic { what: "test", at: 3 }));
        assert_eq!(read(&[0xbf, 1, 0, 0xff]), Err(ParseError::NotDeterministic { what: "test", at: 0 }));
        assert_eq!(read(&[0xb8, 1, 1, 0]), Err(ParseError::NotDeterministic { what: "test", at: 0 }));
    }

    #[test]
    fn nothing_is_decoded_beyond_the_limit() {
        let result = Reader::whole("test", 3, &[0x43, 1, 2, 3], |_| -> Result<(), _> { panic!("decoded") });
        assert_eq!(result, Err(ParseError::TooLong { what: "test", max: 3, have: 4 }));
    }
}
