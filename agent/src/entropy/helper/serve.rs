//! The helper's side: draws when it is asked, until nobody is there to ask.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    path::Path,
    sync::Mutex,
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        signal::Signal,
        stat::{SFlag, fstat},
    },
};
use zeroize::Zeroizing;

use super::{alone::Alone, wire};
use crate::{
    entropy::{
        Class, DrawError, EntropySource, Remarks,
        tpm::{Progress, Tcti},
    },
    notify,
};

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
    /// The agent names no TPM that could be served.
    #[error("told to serve what is no TPM: {text}")]
    Which {
        /// What is wrong with it.
        text: String,
    },
    /// The lock can't be had.
    #[error("the lock of the helpers at {path}")]
    Lock {
        /// Its file.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Another helper has the lock, and does not end.
    #[error("another helper hangs, and has the TPM until it is gone")]
    NotAlone,
    /// The connection fails.
    #[error("connection to the agent")]
    Connection(#[from] io::Error),
}

/// Serves the source that `make` gives on the socket that standard input is: how the agent starts a helper.
///
/// # Errors
/// Where standard input is no socket, there is no such source, or the connection fails.
pub(crate) fn on_standard_input(
    make: impl FnOnce(Progress) -> Option<Box<dyn EntropySource>>,
) -> Result<(), ServeError> {
    serve(standard_input()?, make)
}

/// Serves the TPM that the agent names, likewise: how a socket unit with `Accept=yes` and `StandardInput=socket` starts a
/// helper. One that hangs is killed by the unit's watchdog, and with `lock` no other is served by while it is there.
///
/// # Errors
/// As above; and where another helper hangs, which the agent is told, too.
pub(crate) fn in_a_unit(
    lock: Option<&Path>,
    make: impl FnOnce(&Tcti, Progress) -> Option<Box<dyn EntropySource>>,
) -> Result<(), ServeError> {
    named(standard_input()?, lock, make)
}

fn named(
    mut stream: UnixStream,
    lock: Option<&Path>,
    make: impl FnOnce(&Tcti, Progress) -> Option<Box<dyn EntropySource>>,
) -> Result<(), ServeError> {
    let Some(text) = wire::which(&mut stream)? else { return Ok(()) };
    let tcti: Tcti = text.parse().map_err(|error| ServeError::Which { text: format!("{error}") })?;
    let _alone = match lock.map(|path| (path, Alone::take(path))) {
        None => None,
        Some((_, Ok(Some(alone)))) => Some(alone),
        Some((_, Ok(None))) => {
            if wire::asked(&mut stream)?.is_some() {
                let why = ServeError::NotAlone.to_string();
                wire::answer(&mut stream, &Remarks::default(), Err(why))?;
            }
            return Err(ServeError::NotAlone);
        }
        Some((path, Err(error))) => {
            return Err(ServeError::Lock { path: path.display().to_string(), error });
        }
    };
    serve(stream, |progress| make(&tcti, progress))
}

fn standard_input() -> Result<UnixStream, ServeError> {
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
    Ok(UnixStream::from(input))
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
        notify::alive();
    });
    let mut source = make(progress.clone()).ok_or(ServeError::NoSource)?;
    let watchdog = notify::watchdog();
    loop {
        // who waits to be asked does not hang
        if let Some(limit) = watchdog {
            alive_until_asked(&stream, limit / PINGS)?;
        }
        let Some(number) = wire::asked(&mut stream)? else { break };
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

/// Tells the service manager that this helper lives, `every` so often, until the agent asks something or has gone.
fn alive_until_asked(stream: &UnixStream, every: Duration) -> io::Result<()> {
    let every = PollTimeout::try_from(every).unwrap_or(PollTimeout::MAX);
    loop {
        notify::alive();
        match poll(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLIN)], every) {
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
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

/// So often in the watchdog's time: sd_watchdog_enabled(3) asks for two, and one may be late.
const PINGS: u32 = 4;

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
    fn in_a_unit_the_agent_says_which_tpm_and_one_at_a_time_serves_it() {
        let lock = tempfile::NamedTempFile::new().unwrap();
        let serving = |helper: UnixStream| {
            let lock = lock.path().to_owned();
            thread::spawn(move || {
                named(helper, Some(&lock), |tcti, _| {
                    assert_eq!(tcti.to_string(), "device:/dev/tpm7");
                    Some(Box::new(Kernel))
                })
            })
        };
        let (mut agent, helper) = UnixStream::pair().unwrap();
        let first = serving(helper);
        wire::say_which(&mut agent, "device:/dev/tpm7").unwrap();
        assert_eq!(wire::ask(&mut agent, &mut [0; 32], PATIENCE).unwrap().refused, None);

        let (mut other_agent, helper) = UnixStream::pair().unwrap();
        let second = serving(helper);
        wire::say_which(&mut other_agent, "device:/dev/tpm7").unwrap();
        let refused = wire::ask(&mut other_agent, &mut [0; 32], PATIENCE).unwrap().refused;
        assert_eq!(refused.as_deref(), Some("another helper hangs, and has the TPM until it is gone"));
        assert!(matches!(second.join().unwrap(), Err(ServeError::NotAlone)));

        drop(agent);
        first.join().unwrap().unwrap();
        let (mut agent, helper) = UnixStream::pair().unwrap();
        let third = serving(helper);
        wire::say_which(&mut agent, "device:/dev/tpm7").unwrap();
        assert_eq!(wire::ask(&mut agent, &mut [0; 32], PATIENCE).unwrap().refused, None);
        drop(agent);
        third.join().unwrap().unwrap();
    }

    #[test]
    fn in_a_unit_what_is_no_tpm_is_refused() {
        let (mut agent, helper) = UnixStream::pair().unwrap();
        wire::say_which(&mut agent, "cmd:sh").unwrap();
        let refused = named(helper, None, |_, _| panic!("it is no TPM")).unwrap_err();
        assert!(matches!(refused, ServeError::Which { .. }), "{refused}");
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
