//! The bare wire to a simulator.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// TPM2_GetRandom of eight bytes, without a session.
///
/// Source: TCG TPM 2.0 Library, part 3, 16.1: tag `TPM_ST_NO_SESSIONS`, size, `TPM_CC_GetRandom`, bytesRequested.
pub const GET_RANDOM: [u8; 12] = [0x80, 0x01, 0, 0, 0, 0x0c, 0, 0, 0x01, 0x7b, 0, 0x08];

/// What its answer begins with: tag, size, success, and the size of the eight random bytes.
const RANDOM_HEAD: [u8; 12] = [0x80, 0x01, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x08];

/// TPM2_ReadClock. Its answer: a head of ten bytes, time, clock, resetCount, restartCount, safe.
///
/// Source: TCG TPM 2.0 Library, part 3, 29.1, and part 2, 10.11.
pub const READ_CLOCK: [u8; 10] = [0x80, 0x01, 0, 0, 0, 0x0a, 0, 0, 0x01, 0x81];

/// Ends a test that would otherwise wait for ever.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub fn socket(tcti: &str) -> PathBuf {
    tcti.strip_prefix("swtpm:path=").expect("a TCTI of a simulator").into()
}

/// The directory that a simulator has to itself.
pub fn directory(tcti: &str) -> PathBuf {
    socket(tcti).parent().expect("a socket in a directory").to_owned()
}

pub fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub fn ask(stream: &mut UnixStream) {
    stream.write_all(&GET_RANDOM).unwrap();
}

pub fn answer(stream: &mut UnixStream) -> [u8; 8] {
    let (mut head, mut random) = ([0; 12], [0; 8]);
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head, RANDOM_HEAD);
    stream.read_exact(&mut random).unwrap();
    random
}

/// One command and its answer, whatever they are.
pub fn exchange(stream: &mut UnixStream, command: &[u8]) -> Vec<u8> {
    stream.write_all(command).unwrap();
    message(stream)
}

/// The next message, cut by the length in its header.
pub fn message(stream: &mut UnixStream) -> Vec<u8> {
    let mut message = vec![0; 10];
    stream.read_exact(&mut message).unwrap();
    message.resize(u32::from_be_bytes(message[2..6].try_into().unwrap()) as usize, 0);
    stream.read_exact(&mut message[10..]).unwrap();
    message
}

/// Nothing comes, and the connection stays.
pub fn is_silent(stream: &mut UnixStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let silent = read_one(stream).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    silent
}

/// The connection is over. It is reset where something was never read.
pub fn is_closed(stream: &mut UnixStream) -> bool {
    match read_one(stream) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// A read with a timeout may be interrupted by a signal that nobody handles. Source: signal(7).
fn read_one(stream: &mut UnixStream) -> io::Result<usize> {
    loop {
        match stream.read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            result => return result,
        }
    }
}

/// Eight bytes from the TPM behind `tcti`.
pub fn random(tcti: &str) -> [u8; 8] {
    let mut stream = connect(&socket(tcti));
    ask(&mut stream);
    answer(&mut stream)
}

/// How often the TPM behind `tcti` was reset in its life.
pub fn reset_count(tcti: &str) -> u32 {
    let (mut stream, mut answer) = (connect(&socket(tcti)), [0; 35]);
    stream.write_all(&READ_CLOCK).unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[6..10], [0; 4], "success");
    u32::from_be_bytes(answer[26..30].try_into().unwrap())
}
