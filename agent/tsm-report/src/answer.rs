//! What the helper answers, and its bytes on the socket: the one place that says how they are laid out.
//!
//! A CBOR array, and nothing after it but the end of the connection:
//!
//! - of a report: `[provider text, report bytes, aux bytes]`
//! - of a refusal: `[kind unsigned, text]`

use std::convert::Infallible;

use minicbor::{
    Decoder, Encoder,
    data::Type,
    decode::{self, Error as DecodeError},
};

use crate::REPORT_MAX_BYTES;

/// Bytes of a provider's name, at most.
///
/// Source: our own bound; the kernel's names are those of its modules, which have at most 55 (`MODULE_NAME_LEN`).
pub const PROVIDER_MAX_BYTES: usize = 64;

/// Bytes of an answer, at most: a report, what is beside it, the provider, and the CBOR around them (1 for the array, 5
/// for each of the two lengths, 2 for the provider's).
pub const ANSWER_MAX_BYTES: usize = 2 * REPORT_MAX_BYTES + PROVIDER_MAX_BYTES + 13;

/// Bytes of a refusal's text, at most: what is longer is cut.
const TEXT_MAX_BYTES: usize = 1024;

/// What the helper answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A report.
    Report(Report),
    /// Why there is none.
    Refusal(Refusal),
}

/// A report of a TEE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose it is, as the kernel names it: `sev_guest`, `tdx_guest` …
    pub provider: String,
    /// The report (`outblob`).
    pub report: Vec<u8>,
    /// What is given beside it (`auxblob`), such as certificates; empty where there is nothing.
    pub aux: Vec<u8>,
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Of which kind the reason is.
    pub kind: RefusalKind,
    /// The reason, for people.
    pub text: String,
}

/// What the reason for a refusal means to who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// There is no TEE here, or the kernel does not tell: asking again won't help.
    Unsupported,
    /// The TEE is busy, or somebody interfered: asking again may help.
    Busy,
    /// What was asked is not what can be.
    Asked,
    /// The kernel or the TEE failed, or gave what is no report over what was asked for.
    Failed,
}

/// Why bytes are no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// More bytes than an answer may have.
    #[error("answer of {have} bytes: at most {ANSWER_MAX_BYTES}")]
    TooLong {
        /// Bytes there are.
        have: usize,
    },
    /// Not of the form.
    #[error("no answer: {0}")]
    Malformed(DecodeError),
    /// A part has a size that it can't have.
    #[error("`{part}` of {have} bytes: {least} to {most}")]
    Size {
        /// Which part.
        part: &'static str,
        /// Bytes it has.
        have: usize,
        /// Bytes it must have.
        least: usize,
        /// Bytes it may have.
        most: usize,
    },
    /// A refusal of a kind that this version does not know.
    #[error("refusal of unknown kind {kind}")]
    Kind {
        /// The kind.
        kind: u8,
    },
    /// Something comes after it.
    #[error("{more} bytes after the answer")]
    Trailing {
        /// How many bytes.
        more: usize,
    },
}

impl Answer {
    /// Its bytes on the socket.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        let encoded: Result<_, minicbor::encode::Error<Infallible>> = match self {
            Self::Report(Report { provider, report, aux }) => encoder
                .array(3)
                .and_then(|encoder| encoder.str(provider))
                .and_then(|encoder| encoder.bytes(report))
                .and_then(|encoder| encoder.bytes(aux)),
            Self::Refusal(Refusal { kind, text }) => encoder
                .array(2)
                .and_then(|encoder| encoder.u8(kind.number()))
                .and_then(|encoder| encoder.str(cut(text))),
        };
        encoded.expect("a vector takes all that is written to it");
        bytes
    }

    /// Reads an answer, all of which `bytes` are.
    ///
    /// # Errors
    ///
    /// Where they are none, or a part is larger than it may be.
    pub fn parse(bytes: &[u8]) -> Result<Self, AnswerError> {
        if bytes.len() > ANSWER_MAX_BYTES {
            return Err(AnswerError::TooLong { have: bytes.len() });
        }
        let mut decoder = Decoder::new(bytes);
        let members = decoder.array().map_err(AnswerError::Malformed)?;
        let answer = match members {
            Some(3) => {
                let provider = decoder.str().map_err(AnswerError::Malformed)?;
                size("provider", provider.len(), 1, PROVIDER_MAX_BYTES)?;
                let report = decoder.bytes().map_err(AnswerError::Malformed)?;
                size("report", report.len(), 1, REPORT_MAX_BYTES)?;
                let aux = decoder.bytes().map_err(AnswerError::Malformed)?;
                size("aux", aux.len(), 0, REPORT_MAX_BYTES)?;
                Self::Report(Report {
                    provider: provider.to_owned(),
                    report: report.to_vec(),
                    aux: aux.to_vec(),
                })
            }
            Some(2) => {
                let number = decoder.u8().map_err(AnswerError::Malformed)?;
                let kind = RefusalKind::of(number).ok_or(AnswerError::Kind { kind: number })?;
                let text = decoder.str().map_err(AnswerError::Malformed)?;
                size("text", text.len(), 0, TEXT_MAX_BYTES)?;
                Self::Refusal(Refusal { kind, text: text.to_owned() })
            }
            _ => {
                let what = decode::Error::type_mismatch(Type::Array).with_message("expected 2 or 3 members");
                return Err(AnswerError::Malformed(what));
            }
        };
        match bytes.len() - decoder.position() {
            0 => Ok(answer),
            more => Err(AnswerError::Trailing { more }),
        }
    }
}

impl RefusalKind {
    fn number(self) -> u8 {
        match self {
            Self::Unsupported => 1,
            Self::Busy => 2,
            Self::Asked => 3,
            Self::Failed => 4,
        }
    }

    fn of(number: u8) -> Option<Self> {
        [Self::Unsupported, Self::Busy, Self::Asked, Self::Failed]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

fn size(part: &'static str, have: usize, least: usize, most: usize) -> Result<(), AnswerError> {
    if (least..=most).contains(&have) { Ok(()) } else { Err(AnswerError::Size { part, have, least, most }) }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_MAX_BYTES)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(provider: &str, report: usize, aux: usize) -> Answer {
        Answer::Report(Report { provider: provider.to_owned(), report: vec![7; report], aux: vec![9; aux] })
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        let long = "p".repeat(PROVIDER_MAX_BYTES);
        for answer in [
            report("sev_guest", 1184, 0),
            report("x", 1, 1),
            report(&long, REPORT_MAX_BYTES, REPORT_MAX_BYTES),
        ] {
            assert_eq!(Answer::parse(&answer.encode()).unwrap(), answer);
        }
        assert_eq!(report(&long, REPORT_MAX_BYTES, REPORT_MAX_BYTES).encode().len(), ANSWER_MAX_BYTES);
        for kind in [RefusalKind::Unsupported, RefusalKind::Busy, RefusalKind::Asked, RefusalKind::Failed] {
            let answer = Answer::Refusal(Refusal { kind, text: "wéll".into() });
            assert_eq!(Answer::parse(&answer.encode()).unwrap(), answer);
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters() {
        let text = "é".repeat(TEXT_MAX_BYTES);
        let answer = Answer::Refusal(Refusal { kind: RefusalKind::Failed, text });
        let Answer::Refusal(Refusal { text, .. }) = Answer::parse(&answer.encode()).unwrap() else {
            panic!("a refusal is one still")
        };
        assert_eq!(text, "é".repeat(TEXT_MAX_BYTES / 2));
    }

    #[test]
    fn each_bound_is_kept_and_the_text_says_which() {
        let text = |bytes: &[u8]| Answer::parse(bytes).unwrap_err().to_string();
        for (answer, expected) in [
            (report("", 1, 0), "`provider` of 0 bytes: 1 to 64"),
            (report(&"p".repeat(65), 1, 0), "`provider` of 65 bytes: 1 to 64"),
            (report("p", 0, 0), "`report` of 0 bytes: 1 to 1048576"),
            (report("p", REPORT_MAX_BYTES + 1, 0), "`report` of 1048577 bytes: 1 to 1048576"),
            (report("p", 1, REPORT_MAX_BYTES + 1), "`aux` of 1048577 bytes: 0 to 1048576"),
        ] {
            assert_eq!(text(&answer.encode()), expected);
        }
        assert!(text(&vec![0; ANSWER_MAX_BYTES + 1]).contains("at most"), "before anything is decoded");
        assert_eq!(text(&[0x82, 9, 0x60]), "refusal of unknown kind 9");
        assert_eq!(text(&[0x82, 0, 0x60]), "refusal of unknown kind 0");
        assert_eq!(text(&[&report("p", 1, 0).encode()[..], b"x"].concat()), "1 bytes after the answer");
    }

    #[test]
    fn what_is_cut_short_is_no_answer() {
        for answer in [
            report("sev_guest", 30, 5),
            Answer::Refusal(Refusal { kind: RefusalKind::Busy, text: "later".into() }),
        ] {
            let bytes = answer.encode();
            for end in 0..bytes.len() {
                assert!(matches!(Answer::parse(&bytes[..end]), Err(AnswerError::Malformed(_))), "{end}");
            }
        }
    }

    #[test]
    fn another_form_is_no_answer() {
        for bytes in [
            &[0x81, 0x60][..],
            &[0x84, 1, 2, 3, 4],
            &[0x9f, 0xff],
            &[0x60],
            &[0xa0],
            &[0xf6],
            &[0x83, 1, 2, 3],
        ] {
            assert!(matches!(Answer::parse(bytes), Err(AnswerError::Malformed(_))), "{bytes:02x?}");
        }
    }
}
