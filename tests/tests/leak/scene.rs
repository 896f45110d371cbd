//! The agent as a unit with a TPM, under load, that can be stopped.

use std::{
    fs,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::{
    sys::{
        signal::Signal,
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use selfsame::{Boot, Now, Peer, Policy};
use selfsame_dbus::{AGENT_BUS_NAME, Bytes, Identity1Proxy, Options};
use selfsame_tests::{
    AgentOptions, Manager, PrivateBus, Process,
    manager::{HISTORY, PAGE},
    processes, wait_for_name,
};
use selfsame_tpm_sim::Simulator;
use tokio::task::JoinHandle;

use crate::{
    look::{self, Look},
    tally::Tally,
};

/// An agent, its callers, and what watches its bus.
pub struct Scene {
    load: Arc<Load>,
    callers: Vec<JoinHandle<()>>,
    // in this order they are dropped: first who uses the others
    monitor: Process,
    process: Process,
    manager: Manager,
    options: AgentOptions,
    _tpm: Simulator,
    bus: PrivateBus,
    directory: tempfile::TempDir,
}

/// What the callers share.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    proofs: AtomicU64,
    last: Mutex<Vec<u8>>,
}

impl Scene {
    /// An agent whose secrets live in `memory`, and whose lineage has just been born.
    pub async fn start(memory: &str, program: &Path) -> Self {
        let directory = tempfile::Builder::new().prefix("selfsame-leak-").tempdir().unwrap();
        let (bus, tpm) = (PrivateBus::start(), Simulator::start().unwrap());
        let settings =
            "sources = [\"tpm\", \"rdseed\", \"kernel\"]\nrequire = [\"tpm\"]\ntpm_interval_s = 1\n";
        let config = directory.path().join("agent.toml");
        fs::write(&config, format!("{settings}memory = \"{memory}\"\n")).unwrap();
        let options = AgentOptions {
            beat: Duration::from_millis(100),
            tcti: Some(tpm.tcti().to_owned()),
            config: Some(config),
            program: Some(program.to_owned()),
            ..AgentOptions::new(bus.address())
        };
        let monitor = monitor(bus.address(), directory.path());
        let manager = Manager::start();
        let process = manager.spawn(&options);
        // the lineage has just been born
        manager.wait_for("FDSTORE=1", 2).await;
        let (load, callers) = (Arc::default(), Vec::new());
        Self { load, callers, monitor, process, manager, options, _tpm: tpm, bus, directory }
    }

    /// Waits until the agent has its name.
    pub async fn named(&self) -> Identity1Proxy<'static> {
        let connection = self.bus.connect().await;
        let named = wait_for_name(&connection, AGENT_BUS_NAME, Some(self.process.pid()), LIMIT).await;
        named.unwrap_or_else(|error| panic!("{error}: {}", self.manager.stderr()));
        Identity1Proxy::uncached(&connection).await.unwrap()
    }

    /// Kills the agent, and has it go on with the same lineage.
    pub async fn crash(&mut self) {
        let lineage = self.named().await.lineage().await.unwrap();
        self.process.end();
        self.process = self.manager.spawn(&self.options);
        assert_eq!(self.named().await.lineage().await.unwrap(), lineage);
    }

    /// From now on three callers never stop asking.
    pub async fn load(&mut self) {
        self.named().await;
        let callers = (1..=3).map(|number| caller(self.bus.address().to_owned(), number, self.load.clone()));
        self.callers = callers.map(tokio::spawn).collect();
        self.proofs(10).await;
    }

    /// Waits for so many proofs more.
    pub async fn proofs(&self, more: u64) {
        let enough = self.load.proofs.load(Ordering::SeqCst) + more;
        while self.load.proofs.load(Ordering::SeqCst) < enough {
            assert!(!self.callers.iter().any(JoinHandle::is_finished), "a caller has failed");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Stops the agent, looks, and lets it go on.
    pub fn look(&self) -> Look {
        self.while_stopped(|pid| self.look_at(pid))
    }

    /// Looks at the agent, which is stopped, and its helpers.
    pub fn look_at(&self, pid: u32) -> Look {
        let helpers: Vec<u32> = processes::children(pid).iter().map(|child| child.pid).collect();
        look::into_processes(self.page(), pid, &helpers)
    }

    /// One more descriptor of the page.
    pub fn page(&self) -> OwnedFd {
        self.manager.kept(PAGE).unwrap()
    }

    /// Does something while the agent is stopped.
    pub fn while_stopped<T>(&self, something: impl FnOnce(u32) -> T) -> T {
        let pid = self.process.pid();
        self.process.signal(Signal::SIGSTOP);
        let stopped =
            waitid(Id::Pid(Pid::from_raw(pid.cast_signed())), WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED);
        assert!(matches!(stopped, Ok(WaitStatus::Stopped(..))), "{stopped:?}: {}", self.manager.stderr());
        let done = something(pid);
        self.process.signal(Signal::SIGCONT);
        done
    }

    /// Ends the load and the agent, and looks into all that was written and sent.
    pub async fn look_at_what_was_written(mut self, tally: &mut Tally) {
        self.load.over.store(true, Ordering::SeqCst);
        for caller in std::mem::take(&mut self.callers) {
            caller.await.unwrap();
        }
        let history = self.manager.kept(HISTORY).unwrap();
        let path = format!("/proc/{}/fd/{}", std::process::id(), history.as_raw_fd());
        tally.add_files("history", look::into_files(&[path.into()], &tally.values));
        let last = self.load.last.lock().unwrap().clone();
        let capture = self.directory.path().join(CAPTURE);
        // what the monitor gets comes after what the caller gets
        while !contains(&fs::read(&capture).unwrap(), &last) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.monitor.end();
        tally.add_files("bus", look::into_files(&[capture], &tally.values));
        self.process.signal(Signal::SIGTERM);
        assert!(self.process.ended(LIMIT).await);
        let written = self.manager.state_dir();
        let mut files = files(written.parent().unwrap());
        files.retain(|file| fs::metadata(file).unwrap().len() > 0);
        assert!(files.iter().any(|file| file.ends_with("last-head.json")), "{files:?}");
        tally.add_files("files", look::into_files(&files, &tally.values));
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // before the agent is gone
        self.callers.iter().for_each(JoinHandle::abort);
    }
}

/// Writes down all that goes over the bus, in `directory`.
fn monitor(address: &str, directory: &Path) -> Process {
    let mut command = Command::new("dbus-monitor");
    command.args(["--address", address, "--binary"]);
    command.stdout(Stdio::from(fs::File::create(directory.join(CAPTURE)).unwrap()));
    Process::start(command, &directory.join("monitor")).unwrap()
}

/// A caller that never stops asking, and checks what it gets.
async fn caller(address: String, number: u64, load: Arc<Load>) {
    let connection = zbus::connection::Builder::address(address.as_str()).build().await.unwrap();
    let identity = Identity1Proxy::uncached(&connection).await.unwrap();
    let mut peer = Peer::expecting(identity.lineage().await.unwrap().parse().unwrap());
    let began = std::time::Instant::now();
    let mut count = 0_u64;
    while !load.over.load(Ordering::SeqCst) {
        count += 1;
        let mut nonce = [0x77; 32];
        nonce[..8].copy_from_slice(&(number << 32 | count).to_le_bytes());
        let now = || Now {
            boot: Boot([9; 16]),
            ticks: (began.elapsed().as_nanos() * 4096 / 1_000_000_000) as u64,
            wall_ms: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64,
        };
        let challenge = peer.challenge("door", &nonce, &now()).unwrap();
        let bytes = Bytes::new(challenge.as_bytes());
        let proof = identity.prove("door", bytes, Bytes::new(b""), &Options::new()).await.unwrap().into_vec();
        // a long stop is a lag, which is not what is tested
        let _ = peer.take(&proof, &now(), &Policy::default());
        *load.last.lock().unwrap() = proof;
        load.proofs.fetch_add(1, Ordering::SeqCst);
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(inside).filter(|path| path.is_file()).collect()
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// What went over the bus.
const CAPTURE: &str = "bus";

/// Longer than anything here takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);
