//! Processes that connect to a bus, and whose connections the test uses in their place.

use std::{
    ffi::OsStr,
    io::{IoSliceMut, Write},
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::Command,
    time::Duration,
};

use nix::{
    sys::wait::{Id, WaitPidFlag, waitid},
    unistd::Pid,
};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use selfsame_tests::Process;
use tempfile::TempDir;
use zbus::{Connection, connection};

/// A process that has connected to the bus's socket, and said nothing there.
pub struct Connecting {
    process: Process,
    control: Option<UnixStream>,
    stream: Option<UnixStream>,
    _directory: TempDir,
}

impl Connecting {
    /// Starts `program`, behind the words of `by`: `setpriv --reuid=5`, say.
    pub fn start(by: &[&str], program: &Path, bus: &str) -> Self {
        let (control, its_stdin) = UnixStream::pair().unwrap();
        let socket = bus.strip_prefix("unix:path=").unwrap();
        let words = by.iter().map(OsStr::new).chain([program.as_os_str(), OsStr::new(socket)]);
        let words: Vec<_> = words.collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(OwnedFd::from(its_stdin));
        let directory = tempfile::tempdir().unwrap();
        let process = Process::start_as_is(command, &directory.path().join("stderr")).unwrap();
        control.set_read_timeout(Some(LIMIT)).unwrap();
        let stream = received(&control);
        assert!(stream.is_some(), "{by:?} did not connect: {}", process.stderr());
        Self { process, control: Some(control), stream, _directory: directory }
    }

    /// Process id of what was started: of the one that connected, where nothing before it has forked.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Says hello on its connection, as this user.
    pub async fn hello(&mut self, uid: u32) -> Connection {
        let stream = self.stream.take().expect("it is said once");
        connection::Builder::unix_stream(stream).user_id(uid).build().await.unwrap()
    }

    /// Has it become another program, and waits until it has.
    pub fn become_program(&mut self, path: &Path, arguments: &str) {
        let line = format!("{} {arguments}\n", path.display());
        self.control.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        let exe = format!("/proc/{}/exe", self.pid());
        let begun = std::time::Instant::now();
        while std::fs::read_link(&exe).unwrap() != path {
            assert!(begun.elapsed() < LIMIT, "{path:?}: {}", self.process.stderr());
            std::thread::yield_now();
        }
    }

    /// Has it end, and leaves it unwaited for.
    pub fn end(&mut self) {
        drop(self.control.take());
        let pid = Id::Pid(Pid::from_raw(self.pid() as i32));
        waitid(pid, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    }

    /// Has it end, and waits for it: its pid is free.
    pub fn go(&mut self) {
        self.end();
        self.process.end();
    }
}

/// The connection that has come by this socket.
fn received(control: &UnixStream) -> Option<UnixStream> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC).ok()?;
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    descriptor.map(UnixStream::from)
}

/// A start takes milliseconds; a loaded machine gets more.
const LIMIT: Duration = Duration::from_secs(60);
