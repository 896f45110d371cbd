//! A relying party with a store in a temporary file. What it does there is tested with an agent, too: by `tests/tests/command`.

use std::path::PathBuf;

use selfsame_store::Store;
use serde_json::Value;
use tempfile::TempDir;

use super::host::{AUDIENCE, Host};
use super::run::{Output, selfsame};

/// A relying party.
pub struct Party {
    folder: TempDir,
    pub file: PathBuf,
}

impl Party {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("peers");
        Self { folder, file }
    }

    /// A file beside the store.
    pub fn beside(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// Runs the command on the store.
    pub fn run(&self, arguments: &[&str]) -> Output {
        selfsame(["--store", self.file.to_str().unwrap()].iter().chain(arguments))
    }

    /// Runs a command that has to be refused without a trace in the store.
    pub fn refused(&self, arguments: &[&str], code: i32, error: &str) -> (String, String) {
        let before = std::fs::read(&self.file).ok();
        let object: Value = self.run(&[&["--json"], arguments].concat()).json();
        assert_eq!(object["error"], error, "{object}");
        let output = self.run(arguments);
        let (what, next) = output.no(code);
        assert_eq!(object["text"], what, "{object}");
        assert!(std::fs::read(&self.file).ok() == before, "{what}: the store has changed");
        (what.to_owned(), next.to_owned())
    }

    /// A challenge, as it travels.
    pub fn challenge(&self, peer: &str) -> String {
        self.run(&["challenge", peer, "--audience", AUDIENCE]).yes().to_owned()
    }

    /// Enrols a host by a proof at this index.
    pub fn enrol(&self, peer: &str, host: &mut Host, index: u64) {
        let proof = host.prove(&self.challenge(peer), index);
        self.run(&["enrol", peer, &proof]).yes();
    }

    /// The store, in this process.
    pub fn store(&self) -> Store {
        Store::open(&self.file).unwrap()
    }
}
