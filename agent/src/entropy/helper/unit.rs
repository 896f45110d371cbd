//! The TPM's helper in a unit of its own, seen from the agent: who connects to the unit's socket has one started.

use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use super::wire;
use crate::entropy::tpm::Tcti;

/// A unit that starts a helper for each connection, and which TPM that is to serve.
pub(crate) struct Unit {
    socket: PathBuf,
    tcti: String,
}

impl Unit {
    /// The unit that listens at `socket`, to serve the TPM at `tcti`.
    pub(crate) fn new(socket: &Path, tcti: &Tcti) -> Self {
        Self { socket: socket.to_owned(), tcti: tcti.to_string() }
    }

    /// A connection to a helper; none where nobody listens, or this user may not connect: then the agent has a helper
    /// process of its own.
    pub(super) fn connect(&self) -> Option<UnixStream> {
        let connected = UnixStream::connect(&self.socket).and_then(|mut stream| {
            wire::say_which(&mut stream, &self.tcti)?;
            Ok(stream)
        });
        connected
            .inspect_err(|error| {
                tracing::debug!(socket = %self.socket.display(), %error, "no unit starts the TPM's helper");
            })
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::net::UnixListener, thread};

    use super::{
        super::{process::HelperProcess, wire::Patience},
        *,
    };
    use crate::entropy::{Class, DrawError, EntropySource, helper::HelperError};
    use crate::entropy::{Remarks, helper::Remote};

    const TCTI: &str = "swtpm:path=/nonexistent";

    fn unit(socket: &Path) -> Option<Unit> {
        Some(Unit::new(socket, &TCTI.parse().unwrap()))
    }

    /// This test's program, which ends at once, in place of the agent's own.
    fn remote(socket: &Path) -> Remote {
        Remote::new("tpm", Class::Tpm, ["--list".into()]).or_of(unit(socket))
    }

    #[test]
    fn each_connection_says_which_tpm_and_is_asked_until_it_ends() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let serving = thread::spawn(move || {
            for draws in [2, 1] {
                let (mut stream, _) = listener.accept().unwrap();
                assert_eq!(wire::which(&mut stream).unwrap().as_deref(), Some(TCTI));
                for _ in 0..draws {
                    let number = wire::asked(&mut stream).unwrap().unwrap();
                    wire::answer(&mut stream, &Remarks::default(), Ok(&vec![7; number])).unwrap();
                }
            }
        });
        let mut remote = remote(&socket);
        let mut out = [0; 32];
        for expected in [true, true, false, true] {
            match remote.draw(&mut out) {
                Ok(()) => assert!(expected && out == [7; 32]),
                Err(error) => {
                    let ended = DrawError::Helper(HelperError::Ended { status: None });
                    assert_eq!((expected, error), (false, ended));
                }
            }
        }
        serving.join().unwrap();
    }

    #[test]
    fn one_that_is_silent_is_left_and_not_waited_for() {
        let (mut stream, theirs) = UnixStream::pair().unwrap();
        let mut helper = HelperProcess::of_unit(theirs);
        let short = std::time::Duration::from_millis(20);
        assert!(
            helper.is_units() && helper.ask(&mut [0; 4], Patience { frame: short, answer: short }).is_err()
        );
        assert!(helper.kill().is_ok_and(|status| status.is_none()));
        // its side sees the end
        assert_eq!(wire::asked(&mut stream).unwrap(), Some(4));
        assert_eq!(wire::asked(&mut stream).unwrap(), None);
    }

    #[test]
    fn where_nobody_listens_the_agent_starts_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let nobody = directory.path().join("nobody");
        let stale = directory.path().join("stale");
        drop(UnixListener::bind(&stale).unwrap());
        for socket in [nobody, stale] {
            assert!(unit(&socket).unwrap().connect().is_none());
            // this test's program, which serves nothing, and says so by ending
            let error = remote(&socket).draw(&mut [0; 32]).unwrap_err();
            let DrawError::Helper(HelperError::Ended { status: Some(_) }) = error else {
                panic!("{error}: expected a process that ended")
            };
        }
    }

    #[test]
    fn a_socket_that_takes_nothing_is_as_good_as_none() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::File::create(&file).unwrap().write_all(b"no socket").unwrap();
        assert!(unit(&file).unwrap().connect().is_none());
    }
}
