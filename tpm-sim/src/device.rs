//! A stand-in for the kernel's device of a TPM.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use crate::place::socket_of;
use crate::tap::wire::{Dial, Side, wait};

/// A character device that is used as `/dev/tpmrm0` is: what is written is a command, what is read is its answer.
///
/// It is a pseudo-terminal in raw mode before a simulator or a tap, which it connects to when the first command comes,
/// and leaves when the device is closed. So libtss2's TCTI `device:PATH` can be tested without a TPM. It differs from
/// the kernel's in this:
///
/// - one client at a time, since all that have it open share one stream; and no resource manager;
/// - a command that is no TPM's is swallowed, where the kernel refuses to write it;
/// - when the connection to the TPM fails, the device is gone, as a TPM torn out, and does not come back;
/// - closed and opened again within milliseconds, it may go on as if it had stayed open;
/// - a session leader who opens it without `O_NOCTTY` makes it his terminal.
///
/// Dropping it takes the device away.
#[derive(Debug)]
pub struct Device {
    path: PathBuf,
    // Closed by the drop: that ends the thread.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Device {
    /// Makes a device of the TPM at a TCTI `swtpm:path=…`, of a simulator or of a tap.
    ///
    /// # Errors
    /// [`DeviceError`], and nothing is left behind.
    pub fn start(tcti: &str) -> Result<Self, DeviceError> {
        let target = socket_of(tcti).ok_or_else(|| DeviceError::NotSwtpm { found: tcti.to_owned() })?;
        let (terminal, path) = open().map_err(|source| DeviceError::Terminal { source })?;
        let thread = |source| DeviceError::Thread { source };
        let (stop, stopped) = UnixStream::pair().map_err(thread)?;
        let target = PathBuf::from(target);
        let thread = thread::Builder::new()
            .name("device".to_owned())
            .spawn(move || serve(&terminal, &target, &stopped))
            .map_err(thread)?;
        Ok(Self { path, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it is: `/dev/pts/` and a number.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It has closed the terminal, even if it panicked.
            let _ = thread.join();
        }
    }
}

/// A new pseudo-terminal, raw: its bytes pass as they are.
fn open() -> Result<(PtyMaster, PathBuf), Errno> {
    let terminal = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
    grantpt(&terminal)?;
    unlockpt(&terminal)?;
    let mut mode = tcgetattr(&terminal)?;
    cfmakeraw(&mut mode);
    tcsetattr(&terminal, SetArg::TCSANOW, &mode)?;
    let path = ptsname_r(&terminal)?.into();
    Ok((terminal, path))
}

/// Serves one client after the other, until `stopped` hangs up or the TPM is gone.
fn serve(terminal: &PtyMaster, target: &Path, stopped: &UnixStream) {
    // A terminal that nobody has open says so at every look, and tells nobody when it is opened.
    while wait(None, &[&stopped], Some(CLOSED_POLL)).is_ok() {
        if attend(terminal, target, stopped).is_err() {
            return;
        }
    }
}

/// Serves until the terminal is closed. An error: the TPM is gone.
fn attend(terminal: &PtyMaster, target: &Path, stopped: &UnixStream) -> io::Result<()> {
    let mut commands = Side::new(terminal);
    let mut line = None;
    loop {
        // Closed, stopped, or no command: what has come of it is forgotten.
        let Ok(command) = commands.message(&[&stopped]) else { return Ok(()) };
        let partners: [&dyn AsFd; 2] = [&stopped, &terminal];
        let answers = match &mut line {
            Some(answers) => answers,
            none => none.insert(Side::new(Dial::begin(target)?.finish(&stopped)?)),
        };
        answers.send(&command)?;
        match answers.message(&partners) {
            Ok(answer) => commands.send(&answer)?,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Why there is no device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// Not the TCTI of a swtpm on a Unix socket.
    #[error("expected `swtpm:path=` and an absolute path, found `{found}`")]
    NotSwtpm {
        /// The TCTI.
        found: String,
    },
    /// The system gives no pseudo-terminal.
    #[error("no pseudo-terminal")]
    Terminal {
        /// What the system said.
        source: Errno,
    },
    /// There is no thread to serve it.
    #[error("device not served")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

/// How often to look whether a closed terminal was opened. Source: a client waits a millisecond on average.
const CLOSED_POLL: Duration = Duration::from_millis(2);
