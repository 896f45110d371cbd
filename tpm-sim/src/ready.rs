//! When a new swtpm answers.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

/// Why no answer came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotReady {
    Ended,
    Overran,
}

/// Waits until swtpm answers on its control channel at `socket`: it does so only once its TPM runs.
///
/// The data socket is left alone, so that the TPM's first command is the caller's.
pub(crate) fn wait(socket: &str, bound: Duration, has_ended: impl Fn() -> bool) -> Result<(), NotReady> {
    let deadline = Instant::now() + bound;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if ask(socket, left.max(POLL)).is_ok() {
            return Ok(());
        }
        if has_ended() {
            return Err(NotReady::Ended);
        }
        if left.is_zero() {
            return Err(NotReady::Overran);
        }
        thread::sleep(POLL);
    }
}

fn ask(socket: &str, timeout: Duration) -> io::Result<()> {
    let mut control = UnixStream::connect(socket)?;
    control.set_read_timeout(Some(timeout))?;
    control.write_all(&CMD_GET_CAPABILITY)?;
    control.read_exact(&mut [0; 8])
}

/// Asks for the control channel's own abilities, answered in eight bytes; does not touch the TPM.
///
/// Source: swtpm's `tpm_ioctl.h`, `CMD_GET_CAPABILITY` and `ptm_cap_n`.
const CMD_GET_CAPABILITY: [u8; 4] = [0, 0, 0, 1];

/// How long to wait before the socket is tried again. Source: a fifth of a start (measured: median 10 ms).
const POLL: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    const BOUND: Duration = Duration::from_millis(20);

    #[test]
    fn one_that_takes_the_question_and_never_answers_overruns() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("silent");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(wait(socket.to_str().unwrap(), BOUND, || false), Err(NotReady::Overran));
    }

    #[test]
    fn one_that_never_listens_overruns_or_has_ended() {
        assert_eq!(wait("/nonexistent/s.ctrl", BOUND, || false), Err(NotReady::Overran));
        assert_eq!(wait("/nonexistent/s.ctrl", BOUND, || true), Err(NotReady::Ended));
    }
}
