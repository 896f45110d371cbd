//! What systemd is to the agent: keeps the descriptors that it hands over, and hands them to the next process.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixDatagram,
    },
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tempfile::TempDir;

use crate::{AgentOptions, Process, agent, binary};

/// A service manager with a descriptor store, for one unit.
pub struct Manager {
    directory: TempDir,
    store: Arc<Mutex<Store>>,
    socket: PathBuf,
    thread: Option<JoinHandle<()>>,
}

/// What the unit has said.
#[derive(Default)]
struct Store {
    kept: BTreeMap<String, OwnedFd>,
    said: Vec<String>,
    /// Our own datagrams that were read.
    marks: u64,
}

/// The names of the agent's descriptors.
pub const PAGE: &str = "selfsame-page";
/// The public history's.
pub const HISTORY: &str = "selfsame-history";

impl Manager {
    /// A manager that keeps nothing yet.
    ///
    /// # Panics
    /// If the system gives no socket.
    pub fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("selfsame-manager-").tempdir().unwrap();
        let socket = directory.path().join("notify");
        let receiver = UnixDatagram::bind(&socket).unwrap();
        let store = Arc::<Mutex<Store>>::default();
        let shared = Arc::clone(&store);
        let thread = thread::spawn(move || while let Ok(true) = receive(&receiver, &shared) {});
        Self { directory, store, socket, thread: Some(thread) }
    }

    /// What the unit has said by now: a datagram an element, such as `READY=1`.
    pub fn said(&self) -> Vec<String> {
        self.catch_up();
        self.store.lock().unwrap().said.clone()
    }

    /// Waits until it has said `what` so many times.
    ///
    /// # Panics
    /// Where it has not after a minute.
    pub async fn wait_for(&self, what: &str, times: usize) {
        let said = async {
            while self.said().iter().filter(|said| said.contains(what)).count() < times {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(60), said).await.is_ok();
        assert!(in_time, "never said {what} {times} times: {:?}", self.said());
    }

    /// A descriptor that is kept, as one more of the same file. All that was said before counts.
    pub fn kept(&self, name: &str) -> Option<OwnedFd> {
        self.catch_up();
        self.store.lock().unwrap().kept.get(name).map(|kept| kept.try_clone().unwrap())
    }

    /// Keeps `descriptor` in place of what is kept by that name.
    pub fn keep(&self, name: &str, descriptor: OwnedFd) {
        self.store.lock().unwrap().kept.insert(name.to_owned(), descriptor);
    }

    /// Lets all go: as `systemctl stop` does.
    pub fn forget(&self) {
        self.store.lock().unwrap().kept.clear();
    }

    /// Starts the agent's program as its unit: with what is kept, if anything, and a way to say that it is ready. It is not
    /// waited for.
    ///
    /// # Panics
    /// If there is no such program.
    pub fn spawn(&self, options: &AgentOptions) -> Process {
        let program = options.program.clone().unwrap_or_else(|| binary("selfsame-agent"));
        let state_dir = options.state_dir.clone().unwrap_or_else(|| self.directory.path().join("state"));
        let mut command = Command::new("/bin/sh");
        let (page, history) = (self.kept(PAGE), self.kept(HISTORY));
        let handed = page.is_some() && history.is_some();
        command.args(["-c", if handed { HAND_OVER } else { r#"exec "$@""# }, "manager"]).arg(&program);
        command.args(agent::arguments(options.clone(), &state_dir));
        agent::environment(&mut command, options);
        command.env("NOTIFY_SOCKET", &self.socket);
        let carrier = |descriptor: Option<OwnedFd>| descriptor.map_or_else(Stdio::null, Stdio::from);
        command.stdin(carrier(page.filter(|_| handed))).stdout(carrier(history.filter(|_| handed)));
        Process::start_as_is(command, &self.directory.path().join("stderr")).unwrap()
    }

    /// Waits until the thread has read all that the unit has sent by now: what we send comes after that.
    fn catch_up(&self) {
        let read = || self.store.lock().unwrap().marks;
        let before = read();
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to(MARK.as_bytes(), &self.socket).unwrap();
        while read() == before {
            thread::yield_now();
        }
    }

    /// What the last process has written to standard error.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("stderr")).unwrap_or_default()
    }

    /// Waits until the last process has written `text` to standard error.
    ///
    /// # Panics
    ///
    /// After a minute, with all that it has written.
    pub async fn logged(&self, text: &str) {
        crate::process::logged(|| self.stderr(), text).await;
    }

    /// Where the last process keeps its files, unless its options say otherwise.
    pub fn state_dir(&self) -> PathBuf {
        self.directory.path().join("state")
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        if let (Ok(sender), Some(thread)) = (UnixDatagram::unbound(), self.thread.take()) {
            // an empty datagram is the end
            if sender.send_to(b"", &self.socket).is_ok() {
                let _ = thread.join();
            }
        }
    }
}

/// Takes one datagram; false: the end.
fn receive(receiver: &UnixDatagram, store: &Mutex<Store>) -> io::Result<bool> {
    let mut bytes = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let got = recvmsg(receiver, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, flags)?;
    let text = String::from_utf8_lossy(&bytes[..got.bytes]).into_owned();
    let mut descriptors = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    let mut store = store.lock().unwrap();
    if text == MARK {
        store.marks += 1;
        return Ok(true);
    }
    let name = text.lines().find_map(|line| line.strip_prefix("FDNAME=")).map(str::to_owned);
    let has = |what: &str| text.lines().any(|line| line == what);
    if let Some(name) = name {
        if has("FDSTOREREMOVE=1") {
            store.kept.remove(&name);
        }
        if let (true, Some(descriptor)) = (has("FDSTORE=1"), descriptors.next()) {
            store.kept.insert(name, descriptor);
        }
    }
    let goes_on = !text.is_empty();
    store.said.push(text);
    Ok(goes_on)
}

/// The memory file behind a descriptor, as bytes: of a locked page or a history, not of secret memory.
///
/// # Panics
/// Where it can't be read.
pub fn bytes_of(descriptor: BorrowedFd<'_>) -> Vec<u8> {
    use std::os::fd::AsRawFd;
    std::fs::read(format!("/proc/self/fd/{}", descriptor.as_fd().as_raw_fd())).unwrap()
}

/// What nobody else says.
const MARK: &str = "X_SELFSAME_TESTS_MARK=1";

/// Hands descriptors over as systemd does: from number 3 on, with their names, to the process that its pid names. They
/// come as standard input and output.
const HAND_OVER: &str = r#"exec 3<&0 4<&1 </dev/null >/dev/null
LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=selfsame-page:selfsame-history exec "$@""#;

/// Arguments as `OsString`s, for options of a test's own.
pub fn args(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}
