//! A relying party, and where its peers are.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use selfsame::{Now, PeerRecord};
use selfsame_store::{ChallengeOptions, EnrolOptions, Store};
use selfsame_tests::{Agent, AgentOptions, PrivateBus};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Builder;

use super::host::{AUDIENCE, Host};
use super::run::{Output, bytes, command, selfsame_with, text};

/// Where the peers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file of the party's own.
    Store,
    /// The agent keeps them.
    Agent,
}

/// A relying party, with a place of its own for its peers.
pub struct Party {
    // in this order they are dropped: first who uses the others
    agent: Option<Agent>,
    bus: Option<PrivateBus>,
    folder: TempDir,
    /// The file of its peers, or the agent's.
    pub file: PathBuf,
    /// What the command is told of the place.
    place: [String; 2],
}

impl Party {
    pub fn new(place: Place) -> Self {
        // in memory: a challenge lives for a minute, however slow a disk is
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
        match place {
            Place::Store => {
                let file = folder.path().join("peers");
                let place = ["--store".to_owned(), file.display().to_string()];
                Self { agent: None, bus: None, folder, file, place }
            }
            Place::Agent => {
                let (bus, state_dir) = (PrivateBus::start(), folder.path().join("state"));
                // who verifies needs no identity worth trusting
                let config = "require = []\nsources = [\"kernel\"]\n";
                std::fs::write(folder.path().join("agent.toml"), config).unwrap();
                std::fs::create_dir(&state_dir).unwrap();
                let file = state_dir.join("peers.db");
                let place = ["--bus-address".to_owned(), bus.address().to_owned()];
                let agent = start(&folder, &bus);
                Self { agent: Some(agent), bus: Some(bus), folder, file, place }
            }
        }
    }

    /// Ends the agent at once, as if it had crashed.
    pub fn kill_agent(&mut self) {
        self.agent.take().unwrap().kill();
    }

    /// Starts another, on the same bus, with the same folder.
    pub fn start_agent(&mut self) {
        self.agent = self.bus.as_ref().map(|bus| start(&self.folder, bus));
    }

    /// How a command line begins that asks here, as the command tells one.
    pub fn line(&self) -> String {
        format!("selfsame {}", self.place.join(" "))
    }

    /// A file of its own.
    pub fn beside(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// Runs the command.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "")
    }

    /// The same, with this on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        selfsame_with(
            self.place.iter().map(String::as_str).chain(arguments.iter().copied()),
            input.as_bytes(),
        )
    }

    /// A run of the command, to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.args(&self.place).args(arguments);
        command
    }

    /// Runs the command with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[&["--json"], arguments].concat()).json()
    }

    /// Runs a command that has to be refused without a trace in what is kept.
    pub fn refused(&self, arguments: &[&str], code: i32, error: &str) -> (String, String) {
        let before = std::fs::read(&self.file).ok();
        let object = self.json(arguments);
        assert_eq!(object["error"], error, "{object}");
        let output = self.run(arguments);
        let (what, next) = output.no(code);
        assert_eq!(object["text"], what, "{object}");
        assert!(std::fs::read(&self.file).ok() == before, "{what}: what is kept has changed");
        (what.to_owned(), next.to_owned())
    }

    /// Runs a command whose proof has to be refused, by this check, without a trace in what is kept but the count of
    /// the challenge's refusals.
    pub fn refused_by(
        &self,
        arguments: &[&str],
        code: i32,
        error: &str,
        check: impl Into<Value>,
    ) -> (String, String) {
        let before = self.record(arguments[1]);
        let object = self.json(arguments);
        assert_eq!((&object["error"], &object["check"]), (&error.into(), &check.into()), "{object}");
        let output = self.run(arguments);
        let (what, next) = output.no(code);
        assert_eq!(object["text"], what, "{object}");
        assert_eq!(self.record(arguments[1]), before, "{what}: what is kept has changed");
        (what.to_owned(), next.to_owned())
    }

    /// What is kept of a peer, but for how often a challenge's proofs were refused.
    fn record(&self, peer: &str) -> Option<(Vec<u8>, Vec<Vec<u8>>, usize)> {
        let peer = self.store().peer(peer).ok()?;
        let PeerRecord { state, hops, challenges } = peer.record();
        Some((state, hops, challenges.len()))
    }

    /// A challenge, as it travels.
    pub fn challenge(&self, peer: &str) -> String {
        self.run(&["challenge", peer, "--audience", AUDIENCE]).yes().to_owned()
    }

    /// The same for any lineage of a known peer.
    pub fn challenge_anew(&self, peer: &str) -> String {
        self.run(&["challenge", peer, "--audience", AUDIENCE, "--anew"]).yes().to_owned()
    }

    /// Enrols a host by a proof at this index.
    pub fn enrol(&self, peer: &str, host: &mut Host, index: u64) -> Value {
        let proof = host.prove(&self.challenge(peer), index);
        let verdict = self.json(&["enrol", peer, &proof]);
        assert_eq!(verdict["lineage"], host.id(), "{verdict}");
        verdict
    }

    /// Verifies a host by a proof at this index.
    pub fn verify(&self, peer: &str, host: &mut Host, index: u64) -> Value {
        let proof = host.prove(&self.challenge(peer), index);
        let verdict = self.json(&["verify", peer, &proof]);
        assert_eq!(verdict["lineage"], host.id(), "{verdict}");
        verdict
    }

    /// What is kept, opened by this process beside whoever else has it: for what the command has no clock or option for.
    /// So times move in either place: what was kept is of another time, where the agent's clock can't be.
    pub fn store(&self) -> Store {
        Store::open(&self.file).unwrap()
    }

    /// A challenge that was issued at another time, or anew.
    pub fn challenge_at(&self, peer: &str, now: &Now, anew: bool) -> String {
        let options = ChallengeOptions { anew, ..ChallengeOptions::default() };
        let nonce = u128::from(NONCES.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
        text(self.store().challenge(peer, AUDIENCE, &nonce, now, &options).unwrap().as_bytes())
    }

    /// Enrols a host at another time.
    pub fn enrol_at(&self, peer: &str, host: &mut Host, index: u64, now: &Now) {
        let proof = host.prove(&self.challenge_at(peer, now, false), index);
        self.store().enrol(peer, &bytes(&proof), now, &EnrolOptions::default()).unwrap();
    }
}

/// An agent on this bus, with its settings and state in this folder.
fn start(folder: &TempDir, bus: &PrivateBus) -> Agent {
    let options = AgentOptions {
        config: Some(folder.path().join("agent.toml")),
        state_dir: Some(folder.path().join("state")),
        ..AgentOptions::new(bus.address())
    };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Agent::start(options)).unwrap()
}

/// How many nonces were given out: no two challenges have the same.
static NONCES: AtomicU64 = AtomicU64::new(0);
