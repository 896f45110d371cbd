//! What a TPM says that it is: TPM2_GetCapability(TPM_PROPERTIES), in words.

use tss_esapi::constants::tss;

use super::{error::TpmError, esys::Esys};
use crate::entropy::Fact;

/// Asks a TPM who made it, and which firmware it runs.
pub(super) fn facts(esys: &mut Esys) -> Result<Vec<Fact>, TpmError> {
    let properties = esys
        .properties(tss::TPM2_PT_FIXED, PROPERTIES)
        .map_err(|code| TpmError::Command { command: "GetCapability", code })?;
    Ok(in_words(&properties))
}

fn in_words(properties: &[(u32, u32)]) -> Vec<Fact> {
    let value =
        |property: u32| properties.iter().find(|(found, _)| *found == property).map(|(_, value)| *value);
    let text = |properties: std::ops::Range<u32>| -> String {
        let bytes = properties.filter_map(value).flat_map(u32::to_be_bytes);
        let printable = bytes.map(char::from).filter(|letter| letter.is_ascii_graphic() || *letter == ' ');
        printable.collect::<String>().trim().to_owned()
    };
    let one = |property: u32| text(property..property + 1);
    let mut facts = Vec::new();
    let mut tell = |about: &str, text: String| {
        if !text.is_empty() {
            facts.push(Fact::new(about, text));
        }
    };
    tell("manufacturer", one(tss::TPM2_PT_MANUFACTURER));
    tell("model", text(tss::TPM2_PT_VENDOR_STRING_1..tss::TPM2_PT_VENDOR_STRING_1 + VENDOR_STRINGS));
    if let (Some(high), Some(low)) =
        (value(tss::TPM2_PT_FIRMWARE_VERSION_1), value(tss::TPM2_PT_FIRMWARE_VERSION_1 + 1))
    {
        tell("firmware", format!("{}.{}.{}.{}", high >> 16, high & 0xffff, low >> 16, low & 0xffff));
    }
    let family = one(tss::TPM2_PT_FAMILY_INDICATOR);
    if let Some(revision) = value(tss::TPM2_PT_REVISION) {
        tell("specification", format!("TPM {family} revision {}.{:02}", revision / 100, revision % 100));
    }
    facts
}

/// From the family indicator to the second half of the firmware version. Source: TPM 2.0 Part 2, 6.13.
const PROPERTIES: u32 = 13;

/// The model's name comes in four pieces of four letters. Source: TPM 2.0 Part 2, 6.13.
const VENDOR_STRINGS: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_put_into_words() {
        let letters = |text: &[u8; 4]| u32::from_be_bytes(*text);
        let facts = in_words(&[
            (0x100, letters(b"2.0\0")),
            (0x102, 164),
            (0x105, letters(b"IBM\0")),
            (0x106, letters(b"SW  ")),
            (0x107, letters(b" TPM")),
            (0x10b, 0x0007_0002),
            (0x10c, 0x0001_0000),
        ]);
        let expected = [
            ("manufacturer", "IBM"),
            ("model", "SW   TPM"),
            ("firmware", "7.2.1.0"),
            ("specification", "TPM 2.0 revision 1.64"),
        ];
        assert_eq!(facts, expected.map(|(about, text)| Fact::new(about, text)));
    }

    #[test]
    fn what_a_tpm_does_not_say_or_says_unprintably_is_left_out() {
        assert_eq!(in_words(&[]), []);
        assert_eq!(in_words(&[(0x105, 0x1b5b_0007)]), [Fact::new("manufacturer", "[")]);
    }
}
