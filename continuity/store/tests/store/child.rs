//! Other processes on the same file: this test binary again, which takes commands from its standard input.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write, stdin};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use selfsame::{Policy, Refusal};
use selfsame_store::{ChallengeOptions, EnrolOptions, Store, StoreError};

use super::hex::{hex, unhex};
use super::host::{AUDIENCE, now};

/// Names the file to the child.
const PATH: &str = "SELFSAME_TEST_STORE";

/// What a child's answers begin with, to tell them from what the test harness prints.
const MARK: &str = "answer: ";

/// Carries a command out: one line, and an answer of one line.
pub fn carry_out(store: &mut Store, command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    let outcome = match *words {
        ["open", path] => Store::open(path).map(|opened| {
            *store = opened;
            String::new()
        }),
        ["forget", name] => store.forget(name).map(|()| String::new()),
        [verb, name, at, argument] => {
            let (at, bytes) = (now(at.parse().expect("a tick")), unhex(argument));
            let anew = ChallengeOptions { anew: true, ..ChallengeOptions::default() };
            let succeeds = EnrolOptions { succeeds: true, ..EnrolOptions::default() };
            match verb {
                "challenge" => store
                    .challenge(name, AUDIENCE, &bytes, &at, &ChallengeOptions::default())
                    .map(|challenge| hex(challenge.as_bytes())),
                "anew" => store
                    .challenge(name, AUDIENCE, &bytes, &at, &anew)
                    .map(|challenge| hex(challenge.as_bytes())),
                "enrol" => store.enrol(name, &bytes, &at, &succeeds).map(|_| String::new()),
                "verify" => store
                    .verify(name, &bytes, &at, &Policy::default())
                    .map(|verdict| if verdict.moved { "moved" } else { "stayed" }.to_owned()),
                _ => panic!("no command: {verb}"),
            }
        }
        _ => panic!("no command: {command}"),
    };
    match outcome {
        Ok(answer) => format!("done {answer}"),
        Err(StoreError::Refused(Refusal::UnknownChallenge)) => "used".to_owned(),
        Err(StoreError::PeerExists { peer, .. }) => format!("exists {peer}"),
        Err(StoreError::Unavailable { .. }) => "unavailable".to_owned(),
        Err(StoreError::Refused(_)) => "refused".to_owned(),
        Err(error) => panic!("{error}: {error:?}"),
    }
}

/// What the other tests start as a process of its own; by itself it starts one, which answers.
#[test]
fn child() {
    let Some(path) = std::env::var_os(PATH) else {
        let folder = tempfile::tempdir().expect("a folder");
        drop(Child::start(&folder.path().join("peers.db"), Stdio::piped()));
        return;
    };
    let mut store = Store::open(path).expect("the file can be opened");
    println!("\n{MARK}ready");
    for command in stdin().lock().lines() {
        println!("{MARK}{}", carry_out(&mut store, &command.expect("a line")));
    }
}

/// A child, ended when it is dropped.
pub struct Child {
    process: std::process::Child,
    answers: BufReader<ChildStdout>,
}

impl Child {
    /// Starts one on this file; the commands come from `input`. Returns when it has opened the file.
    pub fn start(path: &Path, input: Stdio) -> Self {
        Self::start_by(Command::new(this_binary()), path, input)
    }

    /// Starts one whose files may not grow beyond so many blocks of 512 bytes.
    pub fn start_without_space(path: &Path, blocks: u64) -> Self {
        let mut shell = Command::new("sh");
        // the signal that comes with the limit is ignored: what remains is the error
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        shell.args([OsStr::new("-c"), OsStr::new(&script), OsStr::new("sh"), this_binary().as_os_str()]);
        Self::start_by(shell, path, Stdio::piped())
    }

    /// Starts one in this folder.
    pub fn start_in(folder: &Path, path: &Path) -> Self {
        let mut command = Command::new(this_binary());
        command.current_dir(folder);
        Self::start_by(command, path, Stdio::piped())
    }

    fn start_by(mut command: Command, path: &Path, input: Stdio) -> Self {
        command.args(["--exact", "store::child::child", "--nocapture"]);
        command.env(PATH, path).stdin(input).stdout(Stdio::piped());
        let mut process = command.spawn().expect("this binary can be started");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut child = Self { process, answers };
        assert_eq!(child.answer().as_deref(), Some("ready"));
        child
    }

    /// Sends a command, and does not wait for the answer.
    pub fn send(&mut self, command: &str) {
        let input: &mut ChildStdin = self.process.stdin.as_mut().expect("a pipe");
        writeln!(input, "{command}").expect("it takes commands");
    }

    /// The next answer; `None` where it has ended.
    pub fn answer(&mut self) -> Option<String> {
        let mut lines = self.answers.by_ref().lines().map(|line| line.expect("text"));
        lines.find_map(|line| line.strip_prefix(MARK).map(str::to_owned))
    }

    /// Sends no more: it ends when it has carried out what was sent.
    pub fn close(&mut self) {
        self.process.stdin = None;
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("it is ours").is_some()
    }

    /// Ends it by SIGKILL, and gives the answers that it had sent.
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it is ours");
        core::iter::from_fn(|| self.answer()).collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // fails where it has ended already
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn this_binary() -> std::path::PathBuf {
    std::env::current_exe().expect("a path")
}
