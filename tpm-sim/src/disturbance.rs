//! What a tap may be told to do to whom.

use std::fmt;
use std::time::Duration;

use crate::CommandCode;
use crate::exchange::HEADER_BYTES;

/// Which commands are disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// All.
    Every,
    /// Those with this code.
    Command(CommandCode),
    /// The next one with this code; then the rule is gone.
    Next(CommandCode),
}

impl When {
    pub(crate) fn matches(self, code: CommandCode) -> bool {
        match self {
            Self::Every => true,
            Self::Command(wanted) | Self::Next(wanted) => code == wanted,
        }
    }
}

/// How a command is disturbed.
///
/// [`Drop`](Self::Drop) and [`Code`](Self::Code) keep the command from the TPM. With all others the TPM gets it,
/// does it and answers at once: what it made, such as a session, is there, even if the client is never told.
#[non_exhaustive]
pub enum How {
    /// The answer is held back for so long, or until the tap is calmed.
    Delay(Duration),
    /// The command is swallowed: there is no answer, and the connection stays.
    Drop,
    /// The connection is closed instead of an answer.
    HangUp,
    /// The answer is held back until the tap is calmed.
    Freeze,
    /// The answer is this TPM_RC.
    Code(u32),
    /// The lowest bit of one byte of the answer is flipped: of the last one, if the answer is shorter.
    Flip {
        /// Which, counted from 0.
        byte: usize,
    },
    /// Only so many bytes of the answer are left, but never less than its header, where the length is corrected: a
    /// short answer, well-formed on the outside.
    Truncate(usize),
    /// Only so many bytes of the answer are sent, then the connection is closed. Its header is unchanged.
    Cut(usize),
    /// In place of the answer: its tag and length, TPM_RC_SUCCESS, and then bytes of a generator with this seed, at
    /// least 32.
    Garbage(u64),
    /// These bytes in place of the answer.
    Replace(Vec<u8>),
    /// Whatever this makes of the answer. What panics here ends the connection.
    Alter(Alteration),
}

/// Changes an answer, the whole of it, to a command with this code.
pub type Alteration = Box<dyn Fn(CommandCode, &mut Vec<u8>) + Send + Sync>;

impl How {
    /// Whether the TPM gets the command.
    pub(crate) fn asks_the_tpm(&self) -> bool {
        !matches!(self, Self::Drop | Self::Code(_))
    }

    /// What the client gets for `answer`.
    pub(crate) fn tell(&self, code: CommandCode, answer: &[u8]) -> Vec<u8> {
        let mut told = answer.to_vec();
        match self {
            Self::Delay(_) | Self::Freeze => (),
            Self::Drop | Self::HangUp => told.clear(),
            Self::Code(response) => told = message(&TAG_NO_SESSIONS, *response, &[]),
            Self::Flip { byte } => {
                let last = told.len().saturating_sub(1);
                if let Some(byte) = told.get_mut(last.min(*byte)) {
                    *byte ^= 1;
                }
            }
            Self::Truncate(length) => {
                told.truncate(*length.max(&HEADER_BYTES));
                correct_length(&mut told);
            }
            Self::Cut(length) => told.truncate(*length),
            Self::Garbage(seed) => {
                let length = answer.len().saturating_sub(HEADER_BYTES).max(LEAST_GARBAGE_BYTES);
                let tag = answer.first_chunk().unwrap_or(&TAG_NO_SESSIONS);
                told = message(tag, SUCCESS, &garbage(*seed, length));
            }
            Self::Replace(bytes) => told.clone_from(bytes),
            Self::Alter(change) => change(code, &mut told),
        }
        told
    }

    /// Whether the answer is held back, and for how long at most, if there is such a bound.
    pub(crate) fn holds_back(&self) -> Option<Option<Duration>> {
        match self {
            Self::Delay(time) => Some(Some(*time)),
            Self::Freeze => Some(None),
            _ => None,
        }
    }

    /// Whether the connection is closed after what the client was told.
    pub(crate) fn hangs_up(&self) -> bool {
        matches!(self, Self::HangUp | Self::Cut(_))
    }
}

impl fmt::Debug for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(time) => f.debug_tuple("Delay").field(time).finish(),
            Self::Drop => f.write_str("Drop"),
            Self::HangUp => f.write_str("HangUp"),
            Self::Freeze => f.write_str("Freeze"),
            Self::Code(code) => write!(f, "Code({code:#x})"),
            Self::Flip { byte } => f.debug_struct("Flip").field("byte", byte).finish(),
            Self::Truncate(length) => f.debug_tuple("Truncate").field(length).finish(),
            Self::Cut(length) => f.debug_tuple("Cut").field(length).finish(),
            Self::Garbage(seed) => f.debug_tuple("Garbage").field(seed).finish(),
            Self::Replace(bytes) => f.debug_tuple("Replace").field(bytes).finish(),
            Self::Alter(_) => f.write_str("Alter(..)"),
        }
    }
}

fn message(tag: &[u8; 2], code: u32, body: &[u8]) -> Vec<u8> {
    let mut message = [tag, &[0; 4][..], &code.to_be_bytes(), body].concat();
    correct_length(&mut message);
    message
}

/// Writes the length of the whole into the header, if there is one.
fn correct_length(message: &mut [u8]) {
    let Ok(length) = u32::try_from(message.len()) else { return };
    if let Some(field) = message.get_mut(2..6) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// Bytes of SplitMix64. Source: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014.
fn garbage(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::from_fn(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(word ^ (word >> 31))
    });
    words.flat_map(u64::to_be_bytes).take(length).collect()
}

/// TPM_ST_NO_SESSIONS. Source: TCG TPM 2.0 Library, part 2, 6.9.
const TAG_NO_SESSIONS: [u8; 2] = [0x80, 0x01];

/// TPM_RC_SUCCESS. Source: TCG TPM 2.0 Library, part 2, 6.6.3.
const SUCCESS: u32 = 0;

/// Source: as much as a draw asks for, so that a short answer, to FlushContext say, gets some garbage, too.
const LEAST_GARBAGE_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: [u8; 14] = [0x80, 2, 0, 0, 0, 14, 0, 0, 0, 0, 0xa, 0xb, 0xc, 0xd];

    fn told(how: &How) -> Vec<u8> {
        how.tell(CommandCode::GET_RANDOM, &ANSWER)
    }

    #[test]
    fn each_changes_what_its_name_says() {
        assert_eq!(told(&How::Delay(Duration::ZERO)), ANSWER);
        assert_eq!(told(&How::Freeze), ANSWER);
        assert_eq!(told(&How::Drop), []);
        assert_eq!(told(&How::HangUp), []);
        assert_eq!(told(&How::Code(0x922)), [0x80, 1, 0, 0, 0, 10, 0, 0, 9, 0x22]);
        assert_eq!(told(&How::Flip { byte: 1 })[..3], [0x80, 3, 0]);
        assert_eq!(told(&How::Flip { byte: 13 })[12..], [0xc, 0xc]);
        assert_eq!(told(&How::Flip { byte: 14 }), told(&How::Flip { byte: 13 }));
        assert_eq!(told(&How::Truncate(11)), [0x80, 2, 0, 0, 0, 11, 0, 0, 0, 0, 0xa]);
        assert_eq!(told(&How::Truncate(0)), [0x80, 2, 0, 0, 0, 10, 0, 0, 0, 0]);
        assert_eq!(told(&How::Truncate(15)), ANSWER);
        assert_eq!(told(&How::Cut(3)), ANSWER[..3]);
        assert_eq!(told(&How::Replace(vec![1, 2])), [1, 2]);
        let alter = How::Alter(Box::new(|code, answer| answer.extend(code.0.to_be_bytes())));
        assert_eq!(told(&alter), [&ANSWER[..], &[0, 0, 1, 0x7b]].concat());
    }

    #[test]
    fn garbage_has_a_plausible_header_and_follows_its_seed() {
        let (one, other) = (told(&How::Garbage(1)), told(&How::Garbage(2)));
        assert_eq!(one[..10], [0x80, 2, 0, 0, 0, 42, 0, 0, 0, 0]);
        assert_eq!(one.len(), 42);
        assert_ne!(one, other);
        assert_eq!(one, told(&How::Garbage(1)));
        // Known answer for seed 0, of the authors' own splitmix64.c.
        assert_eq!(garbage(0, 9)[..8], 0xe220_a839_7b1d_cdaf_u64.to_be_bytes());
        assert_eq!(How::Garbage(1).tell(CommandCode::GET_RANDOM, &[0; 200]).len(), 200);
    }

    #[test]
    fn an_empty_answer_does_no_harm() {
        for how in [How::Flip { byte: 0 }, How::Truncate(3), How::Cut(3)] {
            assert_eq!(how.tell(CommandCode::GET_RANDOM, &[]), []);
        }
        assert_eq!(How::Garbage(1).tell(CommandCode::GET_RANDOM, &[]).len(), 42);
    }
}
