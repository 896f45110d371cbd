//! What the agent and a helper say to each other, on a stream socket.
//!
//! To a helper that was not started by it, but by a unit, the agent first says which TPM to serve: the length of its TCTI
//! string as u16le, 1 to 1,024, and the string.
//!
//! The agent asks for 1 to 4,096 bytes: the number as u16le. The helper answers with frames, each
//! `kind (1 byte) ‖ length (u32le) ‖ payload`:
//!
//! | kind | payload | how often |
//! | --- | --- | --- |
//! | `a` | none: it has got on, and does not hang | any |
//! | `r` | [`Remarks`] as JSON, at most 4 KiB | once at most |
//! | `b` | the bytes, as many as were asked for; ends the answer | one of these two |
//! | `e` | why there are none, as text, at most 1 KiB; ends the answer | |

use std::{
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use crate::entropy::Remarks;

/// How long an answer may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From frame to frame.
    pub(super) frame: Duration,
    /// From the question to the end of the answer.
    pub(super) answer: Duration,
}

/// An answer that came, whole and well-formed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// What the source remarks.
    pub(super) remarks: Remarks,
    /// Nothing: the bytes are there. A text: why they are not.
    pub(super) refused: Option<String>,
}

/// Why there is no answer, and none to be expected: the helper is not to be asked again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum NoAnswer {
    /// It said nothing for too long.
    #[error("silent")]
    Silent,
    /// It has closed the connection.
    #[error("ended")]
    Ended,
    /// It says what is no answer.
    #[error("{what}")]
    Garbled {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The socket fails.
    #[error("connection to the helper")]
    Connection(#[source] io::Error),
}

/// Asks the helper at the other end of `stream` for bytes to fill `out` with, and waits for the answer.
pub(super) fn ask(stream: &mut UnixStream, out: &mut [u8], patience: Patience) -> Result<Answer, NoAnswer> {
    let number = u16::try_from(out.len()).ok().filter(|number| (1..=DRAW_MOST).contains(number));
    let number = number.ok_or(NoAnswer::Garbled { what: "asked for no bytes, or too many at once" })?;
    match stream.write_all(&number.to_le_bytes()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Err(NoAnswer::Ended),
        Err(error) => return Err(NoAnswer::Connection(error)),
    }
    let end = Instant::now() + patience.answer;
    let mut remarks = None;
    loop {
        let until = end.min(Instant::now() + patience.frame);
        let mut header = [0; HEADER_BYTES];
        fill(stream, &mut header, until)?;
        let [kind, length @ ..] = header;
        let length = u32::from_le_bytes(length) as usize;
        match kind {
            ALIVE if length == 0 => {}
            REMARKS if length <= REMARKS_MOST && remarks.is_none() => {
                let text = payload(stream, length, until)?;
                let read = serde_json::from_slice(&text);
                remarks = Some(read.map_err(|_| NoAnswer::Garbled { what: "remarks that can't be read" })?);
            }
            BYTES if length == out.len() => {
                fill(stream, out, until)?;
                return Ok(Answer { remarks: remarks.unwrap_or_default(), refused: None });
            }
            REFUSED if (1..=REFUSED_MOST).contains(&length) => {
                let text = payload(stream, length, until)?;
                let text = String::from_utf8_lossy(&text).replace(char::is_control, " ");
                return Ok(Answer { remarks: remarks.unwrap_or_default(), refused: Some(text) });
            }
            _ => return Err(NoAnswer::Garbled { what: "a frame of no known kind and length" }),
        }
    }
}

/// Says which TPM to serve, to a helper that a unit has started.
pub(super) fn say_which(stream: &mut UnixStream, tcti: &str) -> io::Result<()> {
    let length = u16::try_from(tcti.len()).ok().filter(|length| (1..=TCTI_MOST).contains(length));
    let length = length.ok_or_else(|| {
        io::Error::new(ErrorKind::InvalidInput, format!("a TCTI string of more than {TCTI_MOST} bytes"))
    })?;
    stream.write_all(&[&length.to_le_bytes(), tcti.as_bytes()].concat())
}

/// Which TPM to serve, as the agent says it; none where it has gone.
pub(super) fn which(stream: &mut UnixStream) -> io::Result<Option<String>> {
    let mut length = [0; 2];
    match stream.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u16::from_le_bytes(length);
    if !(1..=TCTI_MOST).contains(&length) {
        let text = format!("told of a TCTI string of {length} bytes: 1 to {TCTI_MOST}");
        return Err(io::Error::new(ErrorKind::InvalidData, text));
    }
    let mut text = vec![0; usize::from(length)];
    stream.read_exact(&mut text)?;
    let text = String::from_utf8(text).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    Ok(Some(text))
}

/// The number of bytes that the agent asks for next; none where it has gone.
pub(super) fn asked(stream: &mut UnixStream) -> io::Result<Option<usize>> {
    let mut number = [0; 2];
    match stream.read_exact(&mut number) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let number = u16::from_le_bytes(number);
    if !(1..=DRAW_MOST).contains(&number) {
        let text = format!("asked for {number} bytes: 1 to {DRAW_MOST}");
        return Err(io::Error::new(ErrorKind::InvalidData, text));
    }
    Ok(Some(usize::from(number)))
}

/// Tells the agent that the source has got on.
pub(super) fn tell_alive(stream: &mut UnixStream) -> io::Result<()> {
    frame(stream, ALIVE, &[])
}

/// Answers with `drawn`: the bytes, or why not.
pub(super) fn answer(
    stream: &mut UnixStream,
    remarks: &Remarks,
    drawn: Result<&[u8], String>,
) -> io::Result<()> {
    if *remarks != Remarks::default() {
        let text = serde_json::to_vec(remarks)?;
        // longer ones are worth less than the bytes
        if text.len() <= REMARKS_MOST {
            frame(stream, REMARKS, &text)?;
        }
    }
    match drawn {
        Ok(bytes) => frame(stream, BYTES, bytes),
        Err(text) => {
            let end = text.floor_char_boundary(REFUSED_MOST);
            let text = text.get(..end).filter(|text| !text.is_empty()).unwrap_or("refused");
            frame(stream, REFUSED, text.as_bytes())
        }
    }
}

fn frame(stream: &mut UnixStream, kind: u8, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).expect("payloads are a few KiB long");
    let [a, b, c, d] = length.to_le_bytes();
    stream.write_all(&[kind, a, b, c, d])?;
    stream.write_all(payload)
}

fn payload(stream: &mut UnixStream, length: usize, until: Instant) -> Result<Vec<u8>, NoAnswer> {
    let mut bytes = vec![0; length];
    fill(stream, &mut bytes, until)?;
    Ok(bytes)
}

/// Reads until `out` is full, for no longer than `until`.
fn fill(stream: &mut UnixStream, mut out: &mut [u8], until: Instant) -> Result<(), NoAnswer> {
    while !out.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(NoAnswer::Silent);
        }
        stream.set_read_timeout(Some(left)).map_err(NoAnswer::Connection)?;
        match stream.read(out) {
            Ok(0) => return Err(NoAnswer::Ended),
            Ok(have) => out = out.split_at_mut_checked(have).map_or(&mut [], |(_, rest)| rest),
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(NoAnswer::Ended),
            Err(error) => return Err(NoAnswer::Connection(error)),
        }
    }
    Ok(())
}

const ALIVE: u8 = b'a';
const REMARKS: u8 = b'r';
const BYTES: u8 = b'b';
const REFUSED: u8 = b'e';

/// Kind and length.
const HEADER_BYTES: usize = 5;

/// Bytes that can be asked for at once: four times a start-up test's samples.
const DRAW_MOST: u16 = 4096;

/// A path has at most 4,096, of a socket 108; host names 253.
const TCTI_MOST: u16 = 1024;

/// A clock, a cost and a handful of facts are 500 bytes.
const REMARKS_MOST: usize = 4096;

/// An error with its causes is a line of text.
const REFUSED_MOST: usize = 1024;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::entropy::Fact;

    const LONG: Patience = Patience { frame: Duration::from_secs(20), answer: Duration::from_secs(20) };

    /// Asks for `out`, of an other end that does `answer`.
    fn asked_of(
        out: &mut [u8],
        patience: Patience,
        answer: impl FnOnce(&mut UnixStream) + Send,
    ) -> Result<Answer, NoAnswer> {
        let (mut agent, mut helper) = UnixStream::pair().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || answer(&mut helper));
            let got = ask(&mut agent, out, patience);
            // one that still writes is let go
            drop(agent);
            got
        })
    }

    #[test]
    fn bytes_come_with_their_remarks() {
        let remarks = Remarks { facts: vec![Fact::new("firmware", "1")], ..Remarks::default() };
        let mut out = [0; 5];
        let got = asked_of(&mut out, LONG, |helper| {
            assert_eq!(asked(helper).unwrap(), Some(5));
            tell_alive(helper).unwrap();
            answer(helper, &remarks, Ok(&[1, 2, 3, 4, 5])).unwrap();
        });
        assert_eq!(got.unwrap(), Answer { remarks: remarks.clone(), refused: None });
        assert_eq!(out, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_refusal_says_why_in_one_line_of_bounded_length() {
        for (text, expected) in [
            ("no\ndevice".to_owned(), "no device".to_owned()),
            (String::new(), "refused".to_owned()),
            ("ü".repeat(600), "ü".repeat(512)),
        ] {
            let got = asked_of(&mut [0; 1], LONG, |helper| {
                asked(helper).unwrap();
                answer(helper, &Remarks::default(), Err(text)).unwrap();
            });
            assert_eq!(got.unwrap().refused, Some(expected));
        }
    }

    #[test]
    fn whatever_else_a_helper_says_is_no_answer() {
        let frames = |frames: &[(u8, u32, &[u8])]| -> Vec<u8> {
            let frame = |(kind, length, payload): &(u8, u32, &[u8])| {
                [&[*kind][..], &length.to_le_bytes(), payload].concat()
            };
            frames.iter().flat_map(frame).collect()
        };
        let long = vec![b' '; 5000];
        for garbled in [
            frames(&[(b'b', 3, &[1, 2, 3])]),
            frames(&[(b'b', 5, &[1; 5])]),
            frames(&[(b'b', u32::MAX, &[])]),
            frames(&[(b'a', 1, &[0])]),
            frames(&[(b'x', 0, &[])]),
            frames(&[(b'r', 2, b"{]")]),
            frames(&[(b'r', 18, br#"{"unknown_key": 1}"#)]),
            frames(&[(b'r', 2, b"{}"), (b'r', 2, b"{}")]),
            frames(&[(b'r', 5000, &long)]),
            frames(&[(b'e', 0, &[])]),
            frames(&[(b'e', 5000, &long)]),
        ] {
            let got = asked_of(&mut [0; 4], LONG, |helper| {
                asked(helper).unwrap();
                helper.write_all(&garbled).unwrap();
            });
            assert!(matches!(got, Err(NoAnswer::Garbled { .. })), "{garbled:?}: {got:?}");
        }
    }

    #[test]
    fn a_helper_that_goes_in_the_middle_has_ended() {
        for part in [&b""[..], b"b", b"b\x04\0\0\0", b"b\x04\0\0\0\x01\x02\x03"] {
            let got = asked_of(&mut [0; 4], LONG, |helper| {
                asked(helper).unwrap();
                helper.write_all(part).unwrap();
            });
            assert!(matches!(got, Err(NoAnswer::Ended)), "{part:?}: {got:?}");
        }
        let (mut agent, helper) = UnixStream::pair().unwrap();
        drop(helper);
        assert!(matches!(ask(&mut agent, &mut [0; 4], LONG), Err(NoAnswer::Ended)));
    }

    #[test]
    fn silence_is_not_waited_for_nor_is_one_that_only_says_it_is_alive() {
        let short = Duration::from_millis(20);
        let (agent, helper) = UnixStream::pair().unwrap();
        let silent = ask(&mut { agent }, &mut [0; 4], Patience { frame: short, ..LONG });
        assert!(matches!(silent, Err(NoAnswer::Silent)), "{silent:?}");
        drop(helper);

        let alive_only = asked_of(&mut [0; 4], Patience { answer: short, ..LONG }, |helper| {
            asked(helper).unwrap();
            // until the other end has had enough, and is gone
            while tell_alive(helper).is_ok() {}
        });
        assert!(matches!(alive_only, Err(NoAnswer::Silent)), "{alive_only:?}");
    }

    #[test]
    fn which_tpm_to_serve_is_told_whole_or_not_at_all() {
        let (mut agent, mut helper) = UnixStream::pair().unwrap();
        say_which(&mut agent, "device:/dev/tpmrm0").unwrap();
        assert_eq!(which(&mut helper).unwrap().as_deref(), Some("device:/dev/tpmrm0"));
        for text in [String::new(), "x".repeat(1025)] {
            assert_eq!(say_which(&mut agent, &text).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        for crafted in [&[0, 0][..], &[1, 4], &[2, 0, 0xff, 0xff]] {
            agent.write_all(crafted).unwrap();
            assert_eq!(which(&mut helper).unwrap_err().kind(), ErrorKind::InvalidData, "{crafted:?}");
        }
        drop(agent);
        assert_eq!(which(&mut helper).unwrap(), None);
    }

    #[test]
    fn nobody_asks_for_nothing_or_too_much() {
        for number in [0, 4097, 70_000] {
            let (mut agent, _helper) = UnixStream::pair().unwrap();
            let got = ask(&mut agent, &mut vec![0; number], LONG);
            assert!(matches!(got, Err(NoAnswer::Garbled { .. })), "{number}");
        }
        for number in [0_u16, 4097] {
            let (mut agent, mut helper) = UnixStream::pair().unwrap();
            agent.write_all(&number.to_le_bytes()).unwrap();
            assert_eq!(asked(&mut helper).unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }
}
