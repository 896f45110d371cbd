//! One swtpm and all that belongs to it.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use nix::errno::Errno;

use crate::place::{PathError, Place};
use crate::ready::{self, NotReady};
use crate::swtpm::Swtpm;
use crate::watcher::Watcher;

/// A TPM 2.0 in a process of its own: a real swtpm.
///
/// It takes one connection at a time; a second one waits until the first is closed. Dropping the simulator ends
/// the process and removes its directory; so does the end of the process that started it, however it ends.
#[derive(Debug)]
pub struct Simulator {
    program: PathBuf,
    tcti: String,
    place: Place,
    // Dropped in this order: the process, then the watcher, who removes the directory.
    swtpm: Option<Swtpm>,
    watcher: Watcher,
}

impl Simulator {
    /// Starts a new TPM and waits until it answers.
    ///
    /// # Errors
    /// [`StartError`] says what is missing or what went wrong; nothing is left behind.
    pub fn start() -> Result<Self, StartError> {
        Self::start_program(find_swtpm()?)
    }

    /// The TCTI with which libtss2 reaches this TPM: `swtpm:path=…`.
    ///
    /// It is for `Tss2_TctiLdr_Initialize`; the parser of tss-esapi 7 drops the path.
    pub fn tcti(&self) -> &str {
        &self.tcti
    }

    /// The process id of swtpm, unless it was killed by [`kill`](Self::kill).
    pub fn pid(&self) -> Option<u32> {
        self.swtpm.as_ref().map(Swtpm::pid)
    }

    /// Whether swtpm runs, or stands frozen: it neither ended by itself nor was killed.
    pub fn is_running(&self) -> bool {
        self.swtpm.as_ref().is_some_and(|swtpm| !swtpm.has_ended())
    }

    /// What swtpm has written to standard error since its last start.
    pub fn stderr(&self) -> String {
        self.place.stderr()
    }

    /// Kills swtpm, as if the TPM were torn out: no shutdown. Its state and TCTI stay for
    /// [`restart`](Self::restart). Does nothing if it is not running.
    ///
    /// # Errors
    /// [`StopError::Process`] if the system refused to end it.
    pub fn kill(&mut self) -> Result<(), StopError> {
        let Some(mut swtpm) = self.swtpm.take() else { return Ok(()) };
        end(&mut swtpm)
    }

    /// Starts a new swtpm on the state and the TCTI of the last one, which is killed if it still runs. To its
    /// users this is a TPM reset: connections are closed, and everything loaded in the TPM is gone.
    ///
    /// # Errors
    /// [`StartError`], and then there is no swtpm, but `restart` may be tried again.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.swtpm = None;
        self.swtpm = Some(launch(&self.program, &self.place, &self.watcher)?);
        Ok(())
    }

    /// Stops swtpm in the middle of whatever it does, as a TPM that hangs: it still takes connections and
    /// commands, but answers none. Returns when it stands still.
    ///
    /// # Errors
    /// [`FreezeError::NotRunning`] if there is no swtpm to freeze.
    pub fn freeze(&self) -> Result<(), FreezeError> {
        match self.swtpm.as_ref().map(Swtpm::freeze) {
            Some(Ok(true)) => Ok(()),
            Some(Ok(false)) | None => Err(FreezeError::NotRunning),
            Some(Err(source)) => Err(FreezeError::Signal { source }),
        }
    }

    /// Lets a frozen swtpm go on, with the commands that it got meanwhile. Does nothing to one that runs.
    ///
    /// # Errors
    /// [`FreezeError::NotRunning`] if there is no swtpm to thaw.
    pub fn thaw(&self) -> Result<(), FreezeError> {
        match &self.swtpm {
            Some(swtpm) if !swtpm.has_ended() => {
                swtpm.thaw().map_err(|source| FreezeError::Signal { source })
            }
            _ => Err(FreezeError::NotRunning),
        }
    }

    /// Ends swtpm and removes its directory, as a drop does, and says if that went wrong.
    ///
    /// # Errors
    /// [`StopError`] says what is left behind.
    pub fn stop(mut self) -> Result<(), StopError> {
        self.kill()?;
        self.watcher
            .finish()
            .map_err(|source| StopError::Directory { path: self.place.directory().to_owned(), source })
    }

    fn start_program(program: PathBuf) -> Result<Self, StartError> {
        let (watcher, directory) = Watcher::start().map_err(|source| StartError::Directory { source })?;
        let place = Place::new(directory).map_err(|source| StartError::Path { source })?;
        let tcti = format!("swtpm:path={}", place.socket());
        let swtpm = Some(launch(&program, &place, &watcher)?);
        Ok(Self { program, tcti, place, swtpm, watcher })
    }
}

fn launch(program: &Path, place: &Place, watcher: &Watcher) -> Result<Swtpm, StartError> {
    let stderr = place.prepare().map_err(|source| StartError::Directory { source })?;
    let mut swtpm =
        Swtpm::launch(program, place, stderr, watcher).map_err(|source| StartError::Launch { source })?;
    match ready::wait(&place.control_socket(), START_BOUND, || swtpm.has_ended()) {
        Ok(()) => Ok(swtpm),
        Err(NotReady::Overran) => Err(StartError::Overran { bound: START_BOUND, stderr: place.stderr() }),
        Err(NotReady::Ended) => {
            let status = swtpm.end().map_err(|source| StartError::Launch { source })?;
            Err(StartError::EndedEarly { status, stderr: place.stderr() })
        }
    }
}

fn end(swtpm: &mut Swtpm) -> Result<(), StopError> {
    let pid = swtpm.pid();
    swtpm.end().map(drop).map_err(|source| StopError::Process { pid, source })
}

fn find_swtpm() -> Result<PathBuf, StartError> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|directory| directory.join("swtpm"))
        .find(|program| program.is_file())
        .ok_or(StartError::NotInstalled)
}

/// Why no TPM was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no swtpm on the `PATH`.
    #[error("swtpm not found on PATH: install it, on Debian `apt install swtpm`")]
    NotInstalled,
    /// The temporary directory cannot be made or used.
    #[error("temporary directory not usable")]
    Directory {
        /// What the system said.
        source: io::Error,
    },
    /// The temporary directory cannot hold the sockets.
    #[error(transparent)]
    Path {
        /// What is wrong with the socket's path.
        source: PathError,
    },
    /// The process could not be started or waited for.
    #[error("swtpm not started")]
    Launch {
        /// What the system said.
        source: io::Error,
    },
    /// Swtpm ended before it answered.
    #[error("swtpm ended early, {status}: {stderr}")]
    EndedEarly {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// Swtpm did not answer in time. It was killed.
    #[error("swtpm gave no answer within {bound:?}: {stderr}")]
    Overran {
        /// How long was waited.
        bound: Duration,
        /// What it wrote to standard error.
        stderr: String,
    },
}

/// What a stop left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// Swtpm may still run.
    #[error("swtpm with pid {pid} not ended")]
    Process {
        /// Its process id.
        pid: u32,
        /// What the system said.
        source: io::Error,
    },
    /// Swtpm is gone, its directory is not.
    #[error("temporary directory {path:?} not removed")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why swtpm was neither frozen nor thawed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FreezeError {
    /// It was killed, or ended by itself.
    #[error("swtpm not running")]
    NotRunning,
    /// The system refused the signal.
    #[error("signal to swtpm refused")]
    Signal {
        /// What the system said.
        source: Errno,
    },
}

/// How long a start may take.
///
/// Source: a thousand times a start on two idle cores (measured: median 10 ms).
const START_BOUND: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_that_ends_early_is_reported_with_its_words() {
        // `sleep` refuses swtpm's options, as any swtpm would refuse unknown ones.
        let error = Simulator::start_program("/bin/sleep".into()).unwrap_err();
        let StartError::EndedEarly { status, stderr } = error else { panic!("{error}") };
        assert_eq!(status.code(), Some(1));
        assert!(stderr.contains("--tpm2"), "{stderr}");
    }
}
