//! The helper, started as systemd starts it: one process for each connection, which is its standard input.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::{fd::OwnedFd, unix::net::UnixListener, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};
use selfsame_tsm_report::Answer;

use crate::{binary, leash::Leash};

/// A helper that is asked, and has not been waited for.
pub struct Asked {
    child: Child,
    leash: Leash,
    client: UnixStream,
}

/// What it came to.
#[derive(Debug)]
pub struct Answered {
    /// How it ended.
    pub status: ExitStatus,
    /// What it answered; `None` where it wrote nothing.
    pub answer: Option<Answer>,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Asked {
    /// Starts one for configfs-tsm at `root`; nothing is asked yet.
    ///
    /// # Panics
    ///
    /// If it can't be started.
    pub fn start(root: &Path) -> Self {
        let (client, connection) = UnixStream::pair().unwrap();
        let (child, leash) = start(root, connection).unwrap();
        Self { child, leash, client }
    }

    /// Asks one for a report over these bytes.
    ///
    /// # Panics
    ///
    /// If it can't be started.
    pub fn with(root: &Path, bytes: &[u8]) -> Self {
        Self::start(root).ask(bytes)
    }

    /// Writes these bytes, and the end.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[must_use]
    pub fn ask(mut self, bytes: &[u8]) -> Self {
        self.client.write_all(bytes).unwrap();
        self.client.shutdown(Shutdown::Write).unwrap();
        self
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its side of the connection.
    pub fn client(&mut self) -> &mut UnixStream {
        &mut self.client
    }

    /// Waits until it has ended, and reads nothing before.
    pub fn unread(self) -> Answered {
        let Self { child, leash, client } = self;
        let answered = ended(child, leash, None);
        drop(client);
        answered
    }

    /// Hangs up, and waits until it has ended.
    pub fn hang_up(self) -> Answered {
        let Self { child, leash, client } = self;
        drop(client);
        ended(child, leash, None)
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// If the kernel refuses.
    pub fn signal(&self, signal: Signal) {
        signal::kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Reads its answer, and waits until it has ended.
    ///
    /// # Panics
    ///
    /// If what it wrote is no answer.
    pub fn answered(self) -> Answered {
        let Self { child, leash, mut client } = self;
        let mut bytes = Vec::new();
        // who was told more than he read hangs up with an error
        if let Err(error) = client.read_to_end(&mut bytes) {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
        ended(child, leash, (!bytes.is_empty()).then(|| Answer::parse(&bytes).unwrap()))
    }
}

/// A socket that a helper is started for at each connection.
pub struct TsmHelper {
    socket: PathBuf,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl TsmHelper {
    /// Listens; the helpers ask configfs-tsm at `root`.
    ///
    /// # Panics
    ///
    /// If it can't.
    pub fn listen(root: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("selfsame-tsm-").tempdir().unwrap();
        let socket = folder.path().join("tsm-report.socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let (root, told) = (root.to_owned(), ends.clone());
        let thread = thread::spawn(move || {
            while let Ok((connection, _)) = listener.accept()
                && !told.load(Ordering::Acquire)
            {
                let (child, leash) = start(&root, connection).unwrap();
                ended(child, leash, None);
            }
        });
        Self { socket, ends, thread: Some(thread), _folder: folder }
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for TsmHelper {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        // where nobody listens any more, there is nobody to tell
        let _ = UnixStream::connect(&self.socket);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "a helper could not be started");
        }
    }
}

fn start(root: &Path, connection: UnixStream) -> io::Result<(Child, Leash)> {
    let mut command = Command::new(binary("selfsame-tsm-report"));
    command.arg("--root").arg(root).stdin(OwnedFd::from(connection));
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let leash = Leash::hold(child.id())?;
    Ok((child, leash))
}

fn ended(mut child: Child, mut leash: Leash, answer: Option<Answer>) -> Answered {
    let mut stderr = String::new();
    if let Some(mut pipe) = child.stderr.take() {
        pipe.read_to_string(&mut stderr).unwrap();
    }
    leash.release();
    Answered { status: child.wait().unwrap(), answer, stderr }
}
