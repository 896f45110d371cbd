//! A relying party: a store in a file, and the clocks that it goes by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use selfsame::{Challenge, Fork, HopAnswer, Introduction, Policy, Proof, Refusal, Verdict};
use selfsame_store::{ChallengeOptions, EnrolOptions, Store, StoreError};
use tempfile::TempDir;

use super::clocks::Clocks;
use super::host::AUDIENCE;

/// A relying party: a real store, in a directory of its own that goes with it.
#[derive(Debug)]
pub struct Party {
    directory: Arc<TempDir>,
    store: Store,
    /// Its clocks: what they say at a true time, and how they go wrong.
    pub clocks: Clocks,
    /// Nonces that were used on this file.
    asked: Arc<AtomicU64>,
}

impl Default for Party {
    fn default() -> Self {
        Self::kept_in(TempDir::with_prefix("selfsame-party.").unwrap())
    }
}

impl Party {
    /// One whose file is in memory, where the machine has such a folder: no write waits for a disk.
    pub fn in_memory() -> Self {
        TempDir::with_prefix_in("selfsame-party.", "/dev/shm").map_or_else(|_| Self::default(), Self::kept_in)
    }

    fn kept_in(directory: TempDir) -> Self {
        let store = Store::open(directory.path().join("peers.db")).unwrap();
        Self { directory: Arc::new(directory), store, clocks: Clocks::new(), asked: Arc::default() }
    }

    /// The store.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Another relying party that knows what this one does.
    pub fn twin(&self) -> Self {
        let beside = self.directory.path().parent().unwrap();
        let directory = TempDir::with_prefix_in("selfsame-party.", beside).unwrap();
        std::fs::copy(self.directory.path().join("peers.db"), directory.path().join("peers.db")).unwrap();
        let asked = Arc::new(AtomicU64::new(self.asked.load(Relaxed)));
        Self { clocks: self.clocks.clone(), asked, ..Self::kept_in(directory) }
    }

    /// Another process of this relying party: on the same file, by the same clocks as they are now.
    pub fn beside(&self) -> Self {
        let store = Store::open(self.directory.path().join("peers.db")).unwrap();
        let (directory, asked) = (Arc::clone(&self.directory), Arc::clone(&self.asked));
        Self { directory, store, clocks: self.clocks.clone(), asked }
    }

    /// Its process is started anew: all that it knows comes from the file.
    pub fn restart(&mut self) {
        self.store = Store::open(self.directory.path().join("peers.db")).unwrap();
    }

    /// All bytes that it keeps on disk.
    pub fn files(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    /// Issues a challenge at true time `t`.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn ask(&mut self, peer: &str, t: u64) -> Result<Challenge, StoreError> {
        self.ask_with(peer, t, &ChallengeOptions::default())
    }

    /// Issues a challenge at true time `t`, with options.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn ask_with(
        &mut self,
        peer: &str,
        t: u64,
        options: &ChallengeOptions,
    ) -> Result<Challenge, StoreError> {
        self.ask_as(AUDIENCE, peer, t, options)
    }

    /// Issues a challenge at true time `t`, with options, as one that callers know by another name.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn ask_as(
        &mut self,
        audience: &str,
        peer: &str,
        t: u64,
        options: &ChallengeOptions,
    ) -> Result<Challenge, StoreError> {
        let asked = self.asked.fetch_add(1, Relaxed) + 1;
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&asked.to_le_bytes());
        self.store.challenge(peer, audience, &nonce, &self.clocks.now(t), options)
    }

    /// Meets a peer by an introduction at true time `t`.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn meet(&mut self, peer: &str, introduction: &Introduction, t: u64) -> Result<(), StoreError> {
        self.store.meet(peer, introduction, &self.clocks.now(t), false)
    }

    /// Enrols a peer by a proof from its genesis at true time `t`.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn enrol(&mut self, peer: &str, proof: &Proof, t: u64) -> Result<Verdict, StoreError> {
        let options = EnrolOptions::default();
        let enrolment = self.store.enrol(peer, &proof.encode(), &self.clocks.now(t), &options);
        enrolment.map(|enrolment| enrolment.verdict)
    }

    /// Verifies a proof's bytes at true time `t`.
    ///
    /// # Errors
    ///
    /// Why it is refused. Any other error of the store is a failed test.
    pub fn verify(&mut self, peer: &str, proof: &[u8], t: u64) -> Result<Verdict, Refusal> {
        match self.store.verify(peer, proof, &self.clocks.now(t), &Policy::default()) {
            Ok(verdict) => Ok(verdict),
            Err(StoreError::Refused(refusal)) => Err(refusal),
            Err(other) => panic!("the store: {other}"),
        }
    }

    /// Asks the relying party's questions, in their order, of whoever answers, until one shows a fork.
    pub fn questioned(
        &mut self,
        peer: &str,
        mut answer: impl FnMut(u64, u8) -> Option<HopAnswer>,
    ) -> Option<Fork> {
        let questions = self.store.questions(peer).unwrap();
        questions.into_iter().find_map(|(index, tier)| {
            let answer = answer(index, tier)?;
            self.store.confront(peer, &answer).unwrap()
        })
    }
}
