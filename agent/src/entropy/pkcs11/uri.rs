//! Which token, and through which module: a PKCS #11 URI (RFC 7512), read strictly.

use std::{
    ffi::OsStr,
    fmt,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A token and the module that it is reached through, such as
/// `pkcs11:token=My%20HSM?module-path=/usr/lib/softhsm/libsofthsm2.so`.
///
/// `token` and `module-path` are needed; `serial` and `slot-id` tell tokens of one label apart. All other
/// attributes of RFC 7512 are refused rather than passed over: those of a PIN since none is ever used, those
/// of an object since none is ever looked for, the rest since they would seem to narrow the choice and would not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uri {
    token: String,
    serial: Option<String>,
    slot: Option<u64>,
    module: PathBuf,
}

impl Uri {
    /// The token's label: 1 to 32 printable ASCII characters.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The token's serial number, if that matters.
    pub(super) fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// The number of the slot that the token is in, if that matters.
    pub(super) fn slot(&self) -> Option<u64> {
        self.slot
    }

    /// The module: an absolute path.
    pub(super) fn module(&self) -> &Path {
        &self.module
    }
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let rest = text.strip_prefix(SCHEME).ok_or(UriError::Scheme)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let [token, serial, slot] = attributes(path, ';', PATH_KNOWN, PATH_PUNCTUATION)?;
        let [module] = attributes(query, '&', QUERY_KNOWN, QUERY_PUNCTUATION)?;

        let token =
            text_of("token", token.ok_or(UriError::Missing { attribute: "token" })?, LABEL_BYTES_MOST)?;
        let serial = serial.map(|serial| text_of("serial", serial, SERIAL_BYTES_MOST)).transpose()?;
        let slot = slot.map(number_of).transpose()?;
        let module = path_of(module.ok_or(UriError::Missing { attribute: "module-path" })?)?;
        Ok(Self { token, serial, slot, module })
    }
}

impl fmt::Display for Uri {
    /// One form for each URI, which reads as the same again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}token={}", Encoded(self.token.as_bytes()))?;
        if let Some(serial) = &self.serial {
            write!(f, ";serial={}", Encoded(serial.as_bytes()))?;
        }
        if let Some(slot) = self.slot {
            write!(f, ";slot-id={slot}")?;
        }
        f.write_str("?module-path=")?;
        let module = self.module.as_os_str().as_bytes();
        // Its slashes need not be encoded.
        module.split_inclusive(|byte| *byte == b'/').try_for_each(|part| match part.strip_suffix(b"/") {
            Some(name) => write!(f, "{}/", Encoded(name)),
            None => write!(f, "{}", Encoded(part)),
        })
    }
}

/// Why a PKCS #11 URI is refused. Tells no value: somebody may have put a PIN where none belongs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum UriError {
    /// It is none.
    #[error("expected `pkcs11:token=LABEL?module-path=/PATH`, found no `pkcs11:` at its start")]
    Scheme,
    /// A PIN.
    #[error(
        "expected no `{attribute}`: no PIN is ever used, since a token gives random bytes without a login"
    )]
    Pin {
        /// The attribute.
        attribute: &'static str,
    },
    /// An attribute that is not known here.
    #[error("expected only {expected}, found another attribute")]
    Unknown {
        /// Those that can stand where it does.
        expected: String,
    },
    /// An attribute that is there twice.
    #[error("expected one `{attribute}`, found two")]
    Twice {
        /// The attribute.
        attribute: &'static str,
    },
    /// An attribute that is needed, and not there.
    #[error("expected `{attribute}=`, found none")]
    Missing {
        /// The attribute.
        attribute: &'static str,
    },
    /// A value that is not written as RFC 7512 has it.
    #[error("{attribute}: expected letters, digits, and what else RFC 7512 lets stand, all others as %XX")]
    Encoding {
        /// The attribute.
        attribute: &'static str,
    },
    /// A value that can't be.
    #[error("{attribute}: expected {expected}")]
    Value {
        /// The attribute.
        attribute: &'static str,
        /// What its value should be.
        expected: String,
    },
}

/// The decoded values of the attributes `known`, in that order, of those that are there.
fn attributes<const N: usize>(
    text: &str,
    separator: char,
    known: [&'static str; N],
    punctuation: &[u8],
) -> Result<[Option<Vec<u8>>; N], UriError> {
    let mut values = [const { None }; N];
    for attribute in text.split(separator).filter(|_| !text.is_empty()) {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        if let Some(attribute) = PINS.into_iter().find(|pin| *pin == name) {
            return Err(UriError::Pin { attribute });
        }
        let Some((attribute, place)) = known.into_iter().zip(&mut values).find(|(known, _)| *known == name)
        else {
            let expected = known.map(|known| format!("`{known}`")).join(" and ");
            return Err(UriError::Unknown { expected });
        };
        if place.is_some() {
            return Err(UriError::Twice { attribute });
        }
        *place = Some(decode(value.as_bytes(), punctuation).ok_or(UriError::Encoding { attribute })?);
    }
    Ok(values)
}

/// The bytes that `text` stands for, where it has none but letters, digits, `-._~`, `punctuation` and %XX.
fn decode(text: &[u8], punctuation: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, others @ ..] = rest {
        rest = match (*first, others) {
            (b'%', [high, low, others @ ..]) => {
                let digit =
                    |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                decoded.push(digit(high)? << 4 | digit(low)?);
                others
            }
            (byte, others) if is_unreserved(byte) || punctuation.contains(&byte) => {
                decoded.push(byte);
                others
            }
            _ => return None,
        };
    }
    Some(decoded)
}

fn text_of(attribute: &'static str, value: Vec<u8>, bytes_most: usize) -> Result<String, UriError> {
    let prints = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    // A module pads with spaces what it tells: one at the end can't be told from those.
    if value.is_empty() || value.len() > bytes_most || value.ends_with(b" ") || !value.iter().all(prints) {
        let expected = format!("1 to {bytes_most} printable ASCII characters, the last of them no space");
        return Err(UriError::Value { attribute, expected });
    }
    Ok(value.into_iter().map(char::from).collect())
}

fn number_of(value: Vec<u8>) -> Result<u64, UriError> {
    let number =
        std::str::from_utf8(&value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let wrong = || UriError::Value { attribute: "slot-id", expected: "a number below 2^64".to_owned() };
    number.and_then(|text| text.parse().ok()).ok_or_else(wrong)
}

fn path_of(value: Vec<u8>) -> Result<PathBuf, UriError> {
    // A path that is not absolute, libc would look for where nobody meant it to be.
    if !value.starts_with(b"/") || value.contains(&0) {
        let expected = "an absolute path".to_owned();
        return Err(UriError::Value { attribute: "module-path", expected });
    }
    Ok(PathBuf::from(OsStr::from_bytes(&value)))
}

/// Bytes as an attribute's value: letters, digits, `-._~`, and all others as %XX.
struct Encoded<'a>(&'a [u8]);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            match *byte {
                byte if is_unreserved(byte) => write!(f, "{}", char::from(byte))?,
                byte => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

/// Source: RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

const SCHEME: &str = "pkcs11:";
const PATH_KNOWN: [&str; 3] = ["token", "serial", "slot-id"];
const QUERY_KNOWN: [&str; 1] = ["module-path"];
const PINS: [&str; 2] = ["pin-value", "pin-source"];

/// What else may stand in a value of the path. Source: RFC 7512 section 2.3, `pk11-pchar`.
const PATH_PUNCTUATION: &[u8] = b":[]@!$'()*+,=&";
/// What else may stand in a value of the query. Source: RFC 7512 section 2.3, `pk11-qchar`.
const QUERY_PUNCTUATION: &[u8] = b":[]@!$'()*+,=/?|";

/// Source: PKCS #11, CK_TOKEN_INFO, `label`.
const LABEL_BYTES_MOST: usize = 32;
/// Source: PKCS #11, CK_TOKEN_INFO, `serialNumber`.
const SERIAL_BYTES_MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<Uri>().unwrap_err().to_string()
    }

    #[test]
    fn a_uri_names_a_token_and_its_module() {
        let uri: Uri = "pkcs11:token=My%20HSM?module-path=/usr/lib/softhsm/libsofthsm2.so".parse().unwrap();
        assert_eq!((uri.token(), uri.serial(), uri.slot()), ("My HSM", None, None));
        assert_eq!(uri.module(), Path::new("/usr/lib/softhsm/libsofthsm2.so"));

        let uri: Uri = "pkcs11:slot-id=7;serial=%41b12;token=a=b&c?module-path=/a%20b,c".parse().unwrap();
        assert_eq!((uri.token(), uri.serial(), uri.slot()), ("a=b&c", Some("Ab12"), Some(7)));
        assert_eq!(uri.module(), Path::new("/a b,c"));
    }

    #[test]
    fn it_is_written_in_one_form_that_reads_as_the_same() {
        for (text, written) in [
            ("pkcs11:token=a?module-path=/b", "pkcs11:token=a?module-path=/b"),
            (
                "pkcs11:token=%61%2f;slot-id=007?module-path=%2Fb//c/",
                "pkcs11:token=a%2F;slot-id=7?module-path=/b//c/",
            ),
            (
                "pkcs11:slot-id=0;serial=1;token=x%20y?module-path=/%ff",
                "pkcs11:token=x%20y;serial=1;slot-id=0?module-path=/%FF",
            ),
        ] {
            let uri: Uri = text.parse().unwrap();
            assert_eq!(uri.to_string(), written);
            assert_eq!(written.parse::<Uri>().unwrap(), uri);
        }
    }

    #[test]
    fn a_pin_is_refused_wherever_it_stands_and_is_not_told() {
        for text in [
            "pkcs11:token=a?module-path=/b&pin-value=7531",
            "pkcs11:token=a?pin-value=7531&module-path=/b",
            "pkcs11:token=a;pin-value=7531?module-path=/b",
            "pkcs11:token=a?module-path=/b&pin-source=file:/7531",
            "pkcs11:token=a?module-path=/b&pin-value",
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with("expected no `pin-"), "{refusal}");
            assert!(refusal.contains("no PIN is ever used") && !refusal.contains("7531"), "{refusal}");
        }
        // Nor where it is not taken for one.
        for text in [
            "pkcs11:token=a?module-path=/b;pin-value=7531",
            "pkcs11:token=a?module-path=/b&PIN-VALUE=7531",
            "pin-value=7531",
            "pkcs11:token=a?module-path=pin-value=7531",
        ] {
            assert!(!refusal(text).contains("7531"), "{text}");
        }
    }

    #[test]
    fn what_is_missing_unknown_or_there_twice_is_refused() {
        for (text, wanted) in [
            ("token=a?module-path=/b", UriError::Scheme),
            ("PKCS11:token=a?module-path=/b", UriError::Scheme),
            ("pkcs11:?module-path=/b", UriError::Missing { attribute: "token" }),
            ("pkcs11:serial=1?module-path=/b", UriError::Missing { attribute: "token" }),
            ("pkcs11:token=a", UriError::Missing { attribute: "module-path" }),
            ("pkcs11:token=a?", UriError::Missing { attribute: "module-path" }),
            ("pkcs11:token=a;token=a?module-path=/b", UriError::Twice { attribute: "token" }),
            ("pkcs11:token=a?module-path=/b&module-path=/b", UriError::Twice { attribute: "module-path" }),
        ] {
            assert_eq!(text.parse::<Uri>().unwrap_err(), wanted, "{text}");
        }
        for text in
            ["object=k", "type=private", "id=%01", "manufacturer=x", "model=x", "x-vendor=1", "TOKEN=b", ""]
        {
            let refusal = refusal(&format!("pkcs11:token=a;{text}?module-path=/b"));
            assert_eq!(
                refusal, "expected only `token` and `serial` and `slot-id`, found another attribute",
                "{text}"
            );
        }
        for text in ["module-name=x", "module-path2=/c", ""] {
            let refusal = refusal(&format!("pkcs11:token=a?module-path=/b&{text}"));
            assert_eq!(refusal, "expected only `module-path`, found another attribute", "{text}");
        }
    }

    #[test]
    fn what_is_badly_written_is_refused() {
        for token in ["a b", "a/b", "a%", "a%2", "a%2g", "a%+1", "\u{e4}", "a\"", "a#b", "a|b"] {
            let refused = format!("pkcs11:token={token}?module-path=/b").parse::<Uri>();
            assert_eq!(refused, Err(UriError::Encoding { attribute: "token" }), "{token}");
        }
        for module in ["/a b", "/a;b", "/a#b", "/\u{e4}"] {
            let refused = format!("pkcs11:token=a?module-path={module}").parse::<Uri>();
            assert_eq!(refused, Err(UriError::Encoding { attribute: "module-path" }), "{module}");
        }
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let full = "x".repeat(32);
        let good = format!(
            "pkcs11:token={full};serial=1234567890123456;slot-id=18446744073709551615?module-path=/b"
        );
        assert_eq!(good.parse::<Uri>().unwrap().to_string(), good);
        for (path, module, attribute) in [
            ("token=", "/b", "token"),
            ("token", "/b", "token"),
            (format!("token={full}x").as_str(), "/b", "token"),
            ("token=a%20", "/b", "token"),
            ("token=%C3%A4", "/b", "token"),
            ("token=a%00", "/b", "token"),
            ("token=a%0A", "/b", "token"),
            ("token=a;serial=", "/b", "serial"),
            ("token=a;serial=12345678901234567", "/b", "serial"),
            ("token=a;slot-id=", "/b", "slot-id"),
            ("token=a;slot-id=+1", "/b", "slot-id"),
            ("token=a;slot-id=0x1", "/b", "slot-id"),
            ("token=a;slot-id=18446744073709551616", "/b", "slot-id"),
            ("token=a", "", "module-path"),
            ("token=a", "libsofthsm2.so", "module-path"),
            ("token=a", "../b", "module-path"),
            ("token=a", "/b%00", "module-path"),
        ] {
            match format!("pkcs11:{path}?module-path={module}").parse::<Uri>() {
                Err(UriError::Value { attribute: found, .. }) => assert_eq!(found, attribute, "{path}"),
                other => panic!("{path} {module}: {other:?}"),
            }
        }
    }
}
