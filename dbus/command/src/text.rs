//! How messages come in and go out: base64url without padding, on one line, as an argument, from a file or from
//! standard input.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::exit::Code;
use crate::failure::Failure;
use crate::printable::{is_printable, quoted};
use crate::quantity::size;

/// An argument as it was given: the text itself, `@FILE`, or `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// The text itself.
    Here(Vec<u8>),
    /// The content of a file.
    File(PathBuf),
    /// What standard input has.
    Stdin,
}

impl From<OsString> for Given {
    fn from(argument: OsString) -> Self {
        match argument.as_bytes() {
            b"-" => Self::Stdin,
            [b'@', path @ ..] => Self::File(OsString::from_vec(path.to_vec()).into()),
            _ => Self::Here(argument.into_vec()),
        }
    }
}

impl Given {
    /// The bytes of a message that is given as base64url; `what` it is called in errors, such as `the proof`.
    ///
    /// # Errors
    ///
    /// Where it can't be read, or is no base64url.
    pub(crate) fn message(&self, what: &str) -> Result<Vec<u8>, Failure> {
        let text = self.read(what, MAX_TEXT_BYTES)?;
        decode(text.trim_ascii()).map_err(|why| malformed(what, &why))
    }

    /// The bytes as they are given, at most `max`.
    ///
    /// # Errors
    ///
    /// Where they can't be read, or are more.
    pub(crate) fn bytes(&self, what: &str, max: usize) -> Result<Vec<u8>, Failure> {
        self.read(what, max)
    }

    /// Whether it is read from standard input.
    pub(crate) fn is_stdin(&self) -> bool {
        *self == Self::Stdin
    }

    fn read(&self, what: &str, max: usize) -> Result<Vec<u8>, Failure> {
        let (read, from) = match self {
            Self::Here(text) => (Ok(text.clone()), String::new()),
            Self::File(path) => {
                let read = File::open(path).and_then(|file| read_to(file, max));
                (read, quoted(&path.to_string_lossy()))
            }
            Self::Stdin => (read_to(io::stdin().lock(), max), "standard input".to_owned()),
        };
        let bytes = read.map_err(|error| {
            Failure::new(Code::Unusable, "FileUnavailable", format!("{what} can't be read: {from}: {error}"))
                .next("check its path and who may read it")
        })?;
        if bytes.len() > max {
            return Err(Failure::usage(format!("{what} is too long: at most {max} bytes")));
        }
        Ok(bytes)
    }
}

/// A message as it goes out.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Bytes as hexadecimal: digests, and systemd's invocation ids.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a caller said: as text where it is one that prints, else as base64url.
pub(crate) fn payload_text(payload: &[u8]) -> String {
    let size = size(payload.len());
    match std::str::from_utf8(payload) {
        Ok("") => "none".to_owned(),
        Ok(text) if is_printable(text) => format!("\"{text}\" ({size})"),
        _ => format!("{} ({size}, base64url)", encode(payload)),
    }
}

/// An argument that is no message, and why.
pub(crate) fn malformed(what: &str, why: &str) -> Failure {
    Failure::new(Code::Usage, "InvalidArgument", format!("{what} is malformed: {why}"))
        .next("give it as base64url without padding on one line, as `@FILE`, or as `-` (standard input)")
}

/// One byte more than `max`, where there are so many.
fn read_to(source: impl Read, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if let Some((at, byte)) = text.iter().enumerate().find(|(_, byte)| !is_ours(**byte)) {
        return Err(match byte {
            b'+' | b'/' => format!("`{}` at byte {at}: base64url has `-` and `_`", char::from(*byte)),
            b'=' => format!("padding at byte {at}: there is none"),
            byte if byte.is_ascii_whitespace() => format!("white space at byte {at}: it is one line"),
            byte if byte.is_ascii_graphic() => format!("`{}` at byte {at}: no base64url", char::from(*byte)),
            byte => format!("byte 0x{byte:02x} at {at}: no base64url"),
        });
    }
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| "no base64url: it is cut short, or mistyped at its end".to_owned())
}

/// Bytes of a text at most: the largest message has 4 MiB (protocol section 6), and there may be space around it.
const MAX_TEXT_BYTES: usize = (4 << 20) / 3 * 4 + 4 + 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn given(argument: &str) -> Given {
        Given::from(OsString::from(argument))
    }

    fn text(argument: &str) -> String {
        let failure = given(argument).message("the proof").unwrap_err();
        assert_eq!((failure.code, &*failure.name), (Code::Usage, "InvalidArgument"));
        failure.text
    }

    #[test]
    fn an_argument_is_itself_a_file_or_standard_input() {
        assert_eq!(given("AQID"), Given::Here(b"AQID".to_vec()));
        assert_eq!(given("@/tmp/x"), Given::File("/tmp/x".into()));
        assert!(given("-").is_stdin());
        assert!(!given("-A").is_stdin());
    }

    #[test]
    fn a_text_is_base64url_and_says_where_it_is_not() {
        assert_eq!(given(" -_8B\n").message("it").unwrap(), [0xfb, 0xff, 0x01]);
        assert_eq!(encode(&[0xfb, 0xff, 0x01]), "-_8B");
        assert_eq!(text(""), "the proof is malformed: it is empty");
        for (argument, why) in [
            ("AA==", "padding at byte 2: there is none"),
            ("A+BC", "`+` at byte 1: base64url has `-` and `_`"),
            ("AB\nCD", "white space at byte 2: it is one line"),
            ("a.txt", "`.` at byte 1: no base64url"),
            ("A\u{7f}", "byte 0x7f at 1: no base64url"),
            ("AAAAA", "no base64url: it is cut short, or mistyped at its end"),
            ("AB", "no base64url: it is cut short, or mistyped at its end"),
        ] {
            assert_eq!(text(argument), format!("the proof is malformed: {why}"));
        }
    }

    #[test]
    fn a_file_is_read_up_to_a_bound() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let argument = format!("@{}", file.path().display());
        std::fs::write(file.path(), "  AQID \n\n").unwrap();
        assert_eq!(given(&argument).message("it").unwrap(), [1, 2, 3]);
        assert_eq!(given(&argument).bytes("it", 9).unwrap(), b"  AQID \n\n");
        assert_eq!(given(&argument).bytes("it", 8).unwrap_err().text, "it is too long: at most 8 bytes");
        let largest = encode(&vec![7; 4 << 20]);
        std::fs::write(file.path(), format!("{largest}\n")).unwrap();
        assert_eq!(given(&argument).message("it").unwrap().len(), 4 << 20);
        std::fs::write(file.path(), " ".repeat(MAX_TEXT_BYTES + 1)).unwrap();
        assert_eq!(given(&argument).message("it").unwrap_err().code, Code::Usage);
        let failure = given("@/nonexistent/file").message("the proof").unwrap_err();
        assert_eq!((failure.code, &*failure.name), (Code::Unusable, "FileUnavailable"));
        assert!(failure.text.starts_with("the proof can't be read: /nonexistent/file: "), "{}", failure.text);
    }

    #[test]
    fn a_payload_is_shown_as_text_only_where_that_is_safe() {
        assert_eq!(payload_text(b""), "none");
        assert_eq!(payload_text(b"channel 7"), "\"channel 7\" (9 bytes)");
        assert_eq!(payload_text(b"\x1b[2J"), "G1sySg (4 bytes, base64url)");
        assert_eq!(payload_text(&[0xff]), "_w (1 byte, base64url)");
    }
}
