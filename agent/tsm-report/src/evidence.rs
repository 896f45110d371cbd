//! Whether a report is over what was asked: so much of the makers' formats is read, and no more.
//!
//! That a signature stands, and what a report says of the machine, is the relying party's to judge.

use crate::ReportData;

/// What is known of a report's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is what was asked for.
    Matches,
    /// The provider's format is not known here: nobody has looked.
    Unknown,
}

/// Why a report is not over what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// It is of a known format, and too short for it.
    #[error("{format} of {have} bytes: at least {need}")]
    Truncated {
        /// Which format.
        format: &'static str,
        /// Bytes it has.
        have: usize,
        /// Bytes it must have.
        need: usize,
    },
    /// It is over other data.
    #[error("{format} over other data than was asked for")]
    OtherData {
        /// Which format.
        format: &'static str,
    },
}

/// Looks whether `report` of `provider` is over `asked`.
///
/// Known are AMD's attestation reports of version 2 to 5 (provider `sev_guest`), and Intel's quotes of version 4 and 5
/// over a TD report (provider `tdx_guest`).
///
/// # Errors
///
/// Where it is of a known format, and is not.
pub fn check(provider: &str, report: &[u8], asked: &ReportData) -> Result<Checked, EvidenceError> {
    let place = match provider {
        "sev_guest" => sev_snp(report),
        "tdx_guest" => tdx(report),
        _ => None,
    };
    let Some(Place { format, offset, need }) = place else { return Ok(Checked::Unknown) };
    let have = report.len();
    if have < need {
        return Err(EvidenceError::Truncated { format, have, need });
    }
    let data = report.get(offset..).and_then(|rest| rest.get(..asked.as_bytes().len()));
    if data == Some(asked.as_bytes().as_slice()) {
        Ok(Checked::Matches)
    } else {
        Err(EvidenceError::OtherData { format })
    }
}

/// Where a format has its report data.
struct Place {
    format: &'static str,
    offset: usize,
    /// Bytes that a report of it has at least.
    need: usize,
}

/// AMD SEV-SNP's ATTESTATION_REPORT: VERSION is the little-endian u32 at 0, REPORT_DATA is at 50h, all of it has 4A0h
/// bytes. Versions 3 and 5 gave meaning to bytes that were reserved, and moved nothing.
///
/// Source: AMD 56860, SEV Secure Nested Paging Firmware ABI Specification, section 7.3, ATTESTATION_REPORT: revision 1.55,
/// Table 22 for version 2; up to revision 1.58 for the others.
fn sev_snp(report: &[u8]) -> Option<Place> {
    let place = Place { format: "SEV-SNP report", offset: 0x50, need: 0x4a0 };
    match number(report, 0, 4) {
        Some(2..=5) => Some(place),
        Some(_) => None,
        None => Some(place),
    }
}

/// Intel TDX's quote: a header of 48 bytes with the version (little-endian u16 at 0) and the type of TEE (u32 at 4, 81h:
/// TDX), then in version 4 the TD report's body, in version 5 the body's type (u16: 2 is that of TDX 1.0, 3 that of 1.5),
/// its size (u32), and the body. REPORTDATA is at 520 in a body of either type; they have 584 and 648 bytes.
///
/// Source: Intel TDX DCAP Quoting Library API, revision 0.8, and `sgx_quote_4.h` and `sgx_quote_5.h` of Intel's DCAP. Quotes
/// with DICE are CBOR (the kernel's Documentation/ABI/testing/configfs-tsm-report), and begin otherwise.
fn tdx(report: &[u8]) -> Option<Place> {
    const FORMAT: &str = "TDX quote";
    const HEADER: usize = 48;
    const REPORT_DATA: usize = 520;
    let body = |at: usize, size: usize| Place { format: FORMAT, offset: at + REPORT_DATA, need: at + size };
    // so short that not even its kind can be told: no quote of any kind
    let Some(tee) = number(report, 4, 4) else { return Some(body(HEADER, 584)) };
    match (number(report, 0, 2), tee) {
        (Some(4), 0x81) => Some(body(HEADER, 584)),
        (Some(5), 0x81) => match number(report, HEADER, 2) {
            Some(2) => Some(body(HEADER + 6, 584)),
            Some(3) => Some(body(HEADER + 6, 648)),
            Some(_) => None,
            None => Some(body(HEADER + 6, 584)),
        },
        _ => None,
    }
}

/// The little-endian number of so many bytes there.
fn number(report: &[u8], offset: usize, bytes: usize) -> Option<u64> {
    let bytes = report.get(offset..)?.get(..bytes)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: [u8; 64] = {
        let mut data = [0; 64];
        let mut place = 0;
        while place < 64 {
            data[place] = 0x80 + place as u8;
            place += 1;
        }
        data
    };

    /// Bytes of this size, with these at their offsets, and no zeros else.
    fn laid_out(size: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0x5a; size];
        for (offset, field) in fields {
            bytes[*offset..][..field.len()].copy_from_slice(field);
        }
        bytes
    }

    /// An attestation report, after AMD 56860 Table 22: 0 VERSION, 50h REPORT_DATA, 90h MEASUREMENT, 2A0h SIGNATURE.
    fn snp(version: u32) -> Vec<u8> {
        laid_out(0x4a0, &[(0, &version.to_le_bytes()), (0x50, &DATA)])
    }

    /// A quote of version 4, after `sgx_quote_4.h`: 48 bytes of header, 584 of body, a signature's length, a signature.
    fn tdx_4() -> Vec<u8> {
        laid_out(
            632 + 4 + 4000,
            &[(0, &4_u16.to_le_bytes()), (4, &0x81_u32.to_le_bytes()), (48 + 520, &DATA)],
        )
    }

    /// One of version 5, after `sgx_quote_5.h`: type and size stand between header and body.
    fn tdx_5(body: u16, size: u32) -> Vec<u8> {
        let fields: &[(usize, &[u8])] = &[
            (0, &5_u16.to_le_bytes()),
            (4, &0x81_u32.to_le_bytes()),
            (48, &body.to_le_bytes()),
            (50, &size.to_le_bytes()),
            (54 + 520, &DATA),
        ];
        laid_out(54 + size as usize + 4 + 4000, fields)
    }

    fn known() -> [(&'static str, Vec<u8>, usize, usize); 7] {
        [
            ("sev_guest", snp(2), 0x50, 0x4a0),
            ("sev_guest", snp(3), 0x50, 0x4a0),
            ("sev_guest", snp(4), 0x50, 0x4a0),
            ("sev_guest", snp(5), 0x50, 0x4a0),
            ("tdx_guest", tdx_4(), 568, 632),
            ("tdx_guest", tdx_5(2, 584), 574, 638),
            ("tdx_guest", tdx_5(3, 648), 574, 702),
        ]
    }

    #[test]
    fn a_report_over_what_was_asked_matches() {
        for (provider, report, ..) in known() {
            assert_eq!(check(provider, &report, &DATA.into()), Ok(Checked::Matches), "{provider}");
        }
    }

    #[test]
    fn each_byte_of_the_data_is_compared_and_none_beside_it() {
        for (provider, report, offset, _) in known() {
            for place in [offset - 1, offset, offset + 31, offset + 32, offset + 63, offset + 64] {
                let mut altered = report.clone();
                altered[place] ^= 1;
                let other = (offset..offset + 64).contains(&place);
                let checked = check(provider, &altered, &DATA.into());
                assert_eq!(
                    matches!(checked, Err(EvidenceError::OtherData { .. })),
                    other,
                    "{provider} {place}: {checked:?}"
                );
            }
        }
    }

    #[test]
    fn a_report_that_is_cut_short_is_refused() {
        for (provider, report, _, need) in known() {
            for have in [0, 1, 4, 7, 8, 47, 49, 53, need - 1] {
                let checked = check(provider, &report[..have], &DATA.into());
                assert!(
                    matches!(checked, Err(EvidenceError::Truncated { have: told, .. }) if told == have),
                    "{provider} {have}: {checked:?}"
                );
            }
            assert_eq!(check(provider, &report[..need], &DATA.into()), Ok(Checked::Matches), "{provider}");
        }
    }

    #[test]
    fn what_is_of_no_known_format_is_not_looked_into() {
        let sgx = laid_out(5000, &[(0, &[3, 0]), (4, &[0; 4])]);
        let cwt = laid_out(9000, &[(0, &[0xd2, 0x84])]);
        for (provider, report) in [
            ("arm_cca_guest", snp(2)),
            ("sev_guest ", snp(2)),
            ("", snp(2)),
            ("sev_guest", snp(1)),
            ("sev_guest", snp(6)),
            ("tdx_guest", tdx_5(1, 384)),
            ("tdx_guest", tdx_5(4, 648)),
            ("tdx_guest", sgx),
            ("tdx_guest", cwt),
        ] {
            assert_eq!(check(provider, &report, &[0; 64].into()), Ok(Checked::Unknown), "{provider}");
        }
    }
}
