//! The helper's side: draws when it is asked, until nobody is there to ask.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::Mutex,
};

use nix::sys::{
    prctl,
    signal::Signal,
    stat::{SFlag, fstat},
};
use zeroize::Zeroizing;

use super::wire;
use crate::entropy::{Class, DrawError, EntropySource, tpm::Progress};

/// Why a helper ends other than by being let go.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ServeError {
    /// It was not started by the agent, nor by a socket unit.
    #[error("standard input is no socket: helpers are started by the agent, not by hand")]
    NoSocket,
    /// This machine has no such source.
    #[error("this machine has no such source")]
    NoSource,
    /// The connection fails.
    #[error("connection to the agent")]
    Connection(#[from] io::Error),
}

/// Serves the source that `make` gives on the socket that standard input is: how the agent starts a helper, and how a
/// socket unit with `Accept=yes` and `StandardInput=socket` does.
///
/// # Errors
/// Where standard input is no socket, there is no such source, or the connection fails.
pub(crate) fn on_standard_input(
    make: impl FnOnce(Progress) -> Option<Box<dyn EntropySource>>,
) -> Result<(), ServeError> {
    // The agent may be killed while a call blocks, when nothing here would see the connection end. Of a unit the
    // parent is the service manager. A system that refuses changes nothing else.
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    let _ = prctl::set_dumpable(false);

    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let is_socket = fstat(&input)
        .is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFSOCK);
    if !is_socket {
        return Err(ServeError::NoSocket);
    }
    serve(UnixStream::from(input), make)
}

fn serve(
    mut stream: UnixStream,
    make: impl FnOnce(Progress) -> Option<Box<dyn EntropySource>>,
) -> Result<(), ServeError> {
    let told = Mutex::new(stream.try_clone()?);
    let progress = Progress::new(move || {
        let mut stream = told.lock().expect("no thread panics while it holds the stream");
        // where the agent has gone, the next read says so
        let _ = wire::tell_alive(&mut stream);
    });
    let mut source = make(progress.clone()).ok_or(ServeError::NoSource)?;
    while let Some(number) = wire::asked(&mut stream)? {
        let mut bytes = Zeroizing::new(vec![0; number]);
        let drawn = draw(&mut *source, &mut bytes, &progress);
        let remarks = source.remarks();
        match drawn {
            Ok(()) => wire::answer(&mut stream, &remarks, Ok(&bytes))?,
            Err(error) => wire::answer(&mut stream, &remarks, Err(crate::run::chain(&error)))?,
        }
    }
    Ok(())
}

/// Draws in pieces, so that progress can be told between them; a TPM tells of each command by itself.
fn draw(source: &mut dyn EntropySource, out: &mut [u8], progress: &Progress) -> Result<(), DrawError> {
    if source.class() == Class::Tpm {
        return source.draw(out);
    }
    for piece in out.chunks_mut(PIECE_BYTES) {
        source.draw(piece)?;
        progress.tell();
    }
    Ok(())
}

/// Twice what is drawn at a time: a beat's draw is one piece, and a start-up test's sixteen.
const PIECE_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;
    use crate::entropy::{Remarks, kernel::Kernel};

    /// Counts its draws, and fails when it has done two.
    struct Counting(usize);

    impl EntropySource for Counting {
        fn name(&self) -> &str {
            "counting"
        }

        fn class(&self) -> Class {
            Class::Platform
        }

        fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
            self.0 += 1;
            if self.0 > 2 {
                return Err(DrawError::Kernel { text: "worn out".into() });
            }
            out.fill(u8::try_from(self.0).unwrap());
            Ok(())
        }
    }

    const PATIENCE: wire::Patience =
        wire::Patience { frame: Duration::from_secs(20), answer: Duration::from_secs(20) };

    #[test]
    fn each_question_is_answered_and_an_end_is_an_end() {
        let (mut agent, helper) = UnixStream::pair().unwrap();
        let serving = thread::spawn(move || serve(helper, |_| Some(Box::new(Kernel))));
        let (mut first, mut second) = ([0; 32], [0; 1024]);
        for out in [&mut first[..], &mut second[..]] {
            let answer = wire::ask(&mut agent, out, PATIENCE).unwrap();
            assert_eq!(answer, wire::Answer { remarks: Remarks::default(), refused: None });
        }
        assert!(first != [0; 32] && second[1000..] != [0; 24]);
        drop(agent);
        serving.join().unwrap().unwrap();
    }

    #[test]
    fn a_draw_is_in_pieces_and_a_failure_is_told_and_not_the_end() {
        let (mut agent, helper) = UnixStream::pair().unwrap();
        let serving = thread::spawn(move || serve(helper, |_| Some(Box::new(Counting(0)))));
        let mut out = [0; 100];
        assert_eq!(wire::ask(&mut agent, &mut out, PATIENCE).unwrap().refused, None);
        assert_eq!((out[63], out[64]), (1, 2));
        for _ in 0..2 {
            let refused = wire::ask(&mut agent, &mut out, PATIENCE).unwrap().refused;
            assert_eq!(refused.as_deref(), Some("getrandom: worn out"));
        }
        drop(agent);
        serving.join().unwrap().unwrap();
    }
}
