//! What a report is asked for over.

use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

/// Bytes of a report data, exactly.
///
/// Source: `TSM_REPORT_INBLOB_MAX` of the kernel's `include/linux/tsm.h`. SEV-SNP (`SNP_REPORT_USER_DATA_SIZE`) and TDX
/// (`TDX_REPORTDATA_LEN`) take just so many.
pub const REPORT_DATA_BYTES: usize = 64;

/// How long a client may take to say what it asks for.
pub const ASK_MOST: Duration = Duration::from_secs(5);

/// What the TEE signs as the host's own word: the lineage, and then the caller's nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportData([u8; REPORT_DATA_BYTES]);

impl ReportData {
    /// Of a lineage and a nonce.
    pub fn new(lineage: &[u8; 32], nonce: &[u8; 32]) -> Self {
        let mut bytes = [0; REPORT_DATA_BYTES];
        let (first, second) = bytes.split_at_mut(32);
        first.copy_from_slice(lineage);
        second.copy_from_slice(nonce);
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; REPORT_DATA_BYTES] {
        &self.0
    }
}

impl From<[u8; REPORT_DATA_BYTES]> for ReportData {
    fn from(bytes: [u8; REPORT_DATA_BYTES]) -> Self {
        Self(bytes)
    }
}

/// Why what a client asks for is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// It did not write what it has to.
    #[error("{have} bytes asked, and the end: expected {REPORT_DATA_BYTES}")]
    Short {
        /// Bytes that came.
        have: usize,
    },
    /// It wrote more.
    #[error("more than {REPORT_DATA_BYTES} bytes asked")]
    Long,
    /// It took too long.
    #[error("{have} bytes asked in {ASK_MOST:?}: expected {REPORT_DATA_BYTES}, and the end")]
    Slow {
        /// Bytes that came.
        have: usize,
    },
    /// It can't be read from.
    #[error("no connection to read from: {0}")]
    Unreadable(io::Error),
}

/// Reads what the client at the other end asks for.
///
/// # Errors
///
/// Where it does not write [`REPORT_DATA_BYTES`] and shut its side down, within [`ASK_MOST`].
pub fn asked(mut client: &UnixStream) -> Result<ReportData, AskError> {
    let until = Instant::now() + ASK_MOST;
    // one more than there may be, so that the end is seen, too
    let mut bytes = [0; REPORT_DATA_BYTES + 1];
    let mut have = 0;
    while let Some(rest) = bytes.get_mut(have..).filter(|rest| !rest.is_empty()) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(AskError::Slow { have });
        }
        client.set_read_timeout(Some(left)).map_err(AskError::Unreadable)?;
        match client.read(rest) {
            Ok(0) => break,
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(AskError::Slow { have }),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(AskError::Unreadable(error)),
        }
    }
    match (have, bytes.first_chunk()) {
        (REPORT_DATA_BYTES, Some(data)) => Ok(ReportData(*data)),
        (_, Some(_)) if have > REPORT_DATA_BYTES => Err(AskError::Long),
        _ => Err(AskError::Short { have }),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::Shutdown};

    use super::*;

    fn ask(bytes: &[u8]) -> Result<ReportData, AskError> {
        let (mut client, helper) = UnixStream::pair().unwrap();
        client.write_all(bytes).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        asked(&helper)
    }

    #[test]
    fn lineage_comes_first_and_then_the_nonce() {
        let data = ReportData::new(&[1; 32], &[2; 32]);
        assert_eq!(data.as_bytes()[..], [[1; 32], [2; 32]].concat());
        assert_eq!(ask(data.as_bytes()).unwrap(), data);
    }

    #[test]
    fn exactly_64_bytes_and_the_end_are_asked() {
        for have in [0, 1, 63] {
            assert!(matches!(ask(&vec![7; have]), Err(AskError::Short { have: told }) if told == have));
        }
        assert_eq!(ask(&[7; 64]).unwrap().as_bytes(), &[7; 64]);
        for have in [65, 66, 4096] {
            assert!(matches!(ask(&vec![7; have]), Err(AskError::Long)), "{have}");
        }
    }

    #[test]
    fn what_comes_in_parts_is_one() {
        let (mut client, helper) = UnixStream::pair().unwrap();
        let writer = std::thread::spawn(move || {
            for byte in 0..64 {
                client.write_all(&[byte]).unwrap();
            }
        });
        let data = asked(&helper).unwrap();
        writer.join().unwrap();
        assert_eq!(data.as_bytes()[63], 63);
    }
}
