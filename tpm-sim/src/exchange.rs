//! A command and what became of it.

use std::fmt;

use crate::CommandCode;

/// One command, as it passed a [`Tap`](crate::Tap), and its answer.
///
/// Its text is one line: the command, its handles, its authorizations with their attributes, and the response code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// On which of the tap's connections it came, counted from 1.
    pub connection: usize,
    /// The command, whole.
    pub command: Vec<u8>,
    /// What the TPM answered. Empty: it never got the command, or never answered.
    pub answer: Vec<u8>,
    /// What the client got instead; the same as `answer`, where nothing was disturbed. Empty: it got nothing.
    pub told: Vec<u8>,
}

impl Exchange {
    /// What [`response_code`](Self::response_code) is where there was no response. No TPM gives it.
    pub const UNANSWERED: u32 = u32::MAX;

    /// Which command it was.
    pub fn code(&self) -> CommandCode {
        CommandCode(number(&self.command, CODE_AT).unwrap_or_default())
    }

    /// The command's handles. None for a command that is not known, or one that is cut off within them.
    pub fn handles(&self) -> Vec<u32> {
        self.parts().map(|parts| parts.handles).unwrap_or_default()
    }

    /// The command's authorizations. None for a command that is not known, or one that is not well-formed.
    pub fn sessions(&self) -> Vec<SessionUse> {
        self.parts().map(|parts| parts.sessions).unwrap_or_default()
    }

    /// The command's parameters, as the wire has them: the first one may be encrypted. Empty for a command that is
    /// not known, or one that is not well-formed.
    pub fn parameters(&self) -> &[u8] {
        self.parts().map(|parts| parts.parameters).unwrap_or_default()
    }

    /// The TPM_RC that the client got; [`UNANSWERED`](Self::UNANSWERED) if it got none.
    pub fn response_code(&self) -> u32 {
        number(&self.told, CODE_AT).unwrap_or(Self::UNANSWERED)
    }

    /// Takes the command apart. Source: TCG TPM 2.0 Library, part 1, 18.1 to 18.4.
    fn parts(&self) -> Option<Parts<'_>> {
        let mut rest = self.command.get(HEADER_BYTES..)?;
        let handles = (0..self.code().handles()?).map(|_| four(&mut rest)).collect::<Option<_>>()?;
        let mut sessions = Vec::new();
        if self.command.starts_with(&TAG_SESSIONS) {
            let length = four(&mut rest)?;
            let mut area = take(&mut rest, usize::try_from(length).ok()?)?;
            while !area.is_empty() {
                sessions.push(SessionUse::read(&mut area)?);
            }
        }
        Some(Parts { handles, sessions, parameters: rest })
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} handles:", self.code())?;
        list(f, self.handles().iter().map(|handle| format!("{handle:#010x}")))?;
        f.write_str(" sessions:")?;
        list(
            f,
            self.sessions().iter().map(|used| format!("{:#010x}/{:#04x}", used.handle, used.attributes)),
        )?;
        match self.response_code() {
            Self::UNANSWERED => f.write_str(" response:-"),
            code => write!(f, " response:{code:#x}"),
        }
    }
}

struct Parts<'a> {
    handles: Vec<u32>,
    sessions: Vec<SessionUse>,
    parameters: &'a [u8],
}

/// How a command used a session, or a password, to authorize itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionUse {
    /// The session's handle, or TPM_RS_PW.
    pub handle: u32,
    /// The TPMA_SESSION of this use.
    pub attributes: u8,
}

// Source: TCG TPM 2.0 Library, part 2, 8.4: TPMA_SESSION.
impl SessionUse {
    /// Whether the answer's first parameter is encrypted: the client's `encrypt` bit.
    pub fn encrypts_answer(self) -> bool {
        self.attributes & 0x40 != 0
    }

    /// Whether the command's first parameter is encrypted, for the TPM to decrypt: the client's `decrypt` bit.
    pub fn decrypts_command(self) -> bool {
        self.attributes & 0x20 != 0
    }

    /// Whether the session stays after this command.
    pub fn continues(self) -> bool {
        self.attributes & 0x01 != 0
    }

    /// Whether it is no session, but a password in the clear.
    pub fn is_password(self) -> bool {
        self.handle == PASSWORD
    }

    /// A TPMS_AUTH_COMMAND: handle, nonce, attributes, HMAC. Source: TCG TPM 2.0 Library, part 2, 10.13.2.
    fn read(area: &mut &[u8]) -> Option<Self> {
        let handle = four(area)?;
        sized(area)?;
        let attributes = *take(area, 1)?.first()?;
        sized(area)?;
        Some(Self { handle, attributes })
    }
}

fn list(f: &mut fmt::Formatter<'_>, items: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    if items.len() == 0 {
        return f.write_str("-");
    }
    f.write_str(&items.collect::<Vec<_>>().join(","))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    rest.split_off(..length)
}

fn four(rest: &mut &[u8]) -> Option<u32> {
    take(rest, 4)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// A TPM2B: its length in two bytes, and so many bytes.
fn sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(rest, 2)?.first_chunk().copied().map(u16::from_be_bytes)?;
    take(rest, usize::from(length))
}

/// Tag, length of the whole, code. Source: TCG TPM 2.0 Library, part 1, 18.1.
pub(crate) const HEADER_BYTES: usize = 10;

const CODE_AT: usize = 6;

/// TPM_ST_SESSIONS. Source: TCG TPM 2.0 Library, part 2, 6.9.
const TAG_SESSIONS: [u8; 2] = [0x80, 0x02];

/// TPM_RS_PW. Source: TCG TPM 2.0 Library, part 2, 7.4.
const PASSWORD: u32 = 0x4000_0009;

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(tag: u8, code: CommandCode, rest: &[&[u8]]) -> Exchange {
        let rest = rest.concat();
        let length = u32::try_from(HEADER_BYTES + rest.len()).unwrap();
        let command = [&[0x80, tag][..], &length.to_be_bytes(), &code.0.to_be_bytes(), &rest].concat();
        Exchange { connection: 1, command, answer: Vec::new(), told: Vec::new() }
    }

    const HANDLE: [u8; 4] = [0x40, 0, 0, 7];
    const SALTED: [u8; 13] = [2, 0, 0, 1, 0, 2, 0xaa, 0xbb, 0x61, 0, 1, 0xcc, 0];
    const BARE: [u8; 9] = [0x40, 0, 0, 9, 0, 0, 0, 0, 0];

    #[test]
    fn handles_sessions_and_parameters_are_told_apart() {
        let area = [&SALTED[..12], &BARE].concat();
        let one = exchange(2, CommandCode::CREATE_PRIMARY, &[&HANDLE, &[0, 0, 0, 21], &area, b"rest"]);
        assert_eq!(one.handles(), [0x4000_0007]);
        let [salted, password] = one.sessions()[..] else { panic!("{:?}", one.sessions()) };
        assert_eq!(salted, SessionUse { handle: 0x0200_0001, attributes: 0x61 });
        assert!(salted.encrypts_answer() && salted.decrypts_command() && salted.continues());
        assert!(!salted.is_password() && password.is_password());
        assert!(!password.encrypts_answer() && !password.decrypts_command() && !password.continues());
        assert_eq!(one.parameters(), b"rest");
        assert_eq!(
            one.to_string(),
            "TPM2_CreatePrimary handles:0x40000007 sessions:0x02000001/0x61,0x40000009/0x00 response:-"
        );

        let without = exchange(1, CommandCode::GET_RANDOM, &[&[0, 8]]);
        assert_eq!(
            (without.handles(), without.sessions(), without.parameters()),
            (vec![], vec![], &[0, 8][..])
        );
        let told = Exchange { told: vec![0x80, 1, 0, 0, 0, 10, 0, 0, 9, 0x22], ..without };
        assert_eq!(told.response_code(), 0x922);
        assert_eq!(told.to_string(), "TPM2_GetRandom handles:- sessions:- response:0x922");
    }

    #[test]
    fn nothing_is_guessed_of_a_command_that_is_unknown_or_cut_off() {
        let whole = exchange(2, CommandCode::CREATE_PRIMARY, &[&HANDLE, &[0, 0, 0, 9], &BARE]);
        assert_eq!(whole.sessions().len(), 1);
        for length in 0..whole.command.len() {
            let cut = Exchange { command: whole.command[..length].to_vec(), ..whole.clone() };
            assert_eq!(
                (cut.handles(), cut.sessions(), cut.parameters()),
                (vec![], vec![], &[][..]),
                "{length}"
            );
            assert_eq!(cut.response_code(), Exchange::UNANSWERED);
        }
        // The area is longer than its only authorization, and shorter.
        for length in [8, 10] {
            let odd =
                exchange(2, CommandCode::CREATE_PRIMARY, &[&HANDLE, &[0, 0, 0, length], &BARE, &[0; 9]]);
            assert_eq!(odd.sessions(), []);
        }
        let unknown = exchange(2, CommandCode(0x2000_0001), &[&HANDLE, &[0, 0, 0, 9], &BARE]);
        assert_eq!((unknown.handles(), unknown.sessions(), unknown.parameters()), (vec![], vec![], &[][..]));
        assert_eq!(unknown.to_string(), "0x20000001 handles:- sessions:- response:-");
    }
}
