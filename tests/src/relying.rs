//! A relying party: a store, a name of its own, and a clock that a test can move.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use selfsame::{Boot, Challenge, Introduction, LineageId, Now, Policy, Verdict};
use selfsame_store::{ChallengeOptions, EnrolOptions, Enrolment, Store, StoreError};
use tempfile::TempDir;

use crate::Host;

/// A store, a name and a clock.
pub struct Relying {
    /// Its peers.
    pub store: Store,
    /// Its name.
    pub audience: String,
    _directory: TempDir,
    began: Instant,
    /// Ticks that its clock is ahead of the real one.
    pub ahead: u64,
}

/// What every host is called here.
pub const PEER: &str = "host";

impl Relying {
    /// A relying party of this name, that has met nobody.
    pub fn new(audience: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("peers.db")).unwrap();
        Self { store, audience: audience.to_owned(), _directory: directory, began: Instant::now(), ahead: 0 }
    }

    /// Its clock now.
    pub fn now(&self) -> Now {
        let ticks = |time: Duration| (time.as_nanos() * 4096 / 1_000_000_000) as u64;
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Now {
            boot: Boot([7; 16]),
            ticks: ticks(self.began.elapsed()) + self.ahead,
            wall_ms: wall.as_millis() as u64 + self.ahead * 1000 / 4096,
        }
    }

    /// Lets its clock jump: as if so long had passed here, and not at the host.
    pub fn jump(&mut self, time: Duration) {
        self.ahead += time.as_secs() * 4096;
    }

    /// A challenge for the host, or for whoever comes.
    pub fn challenge(&mut self) -> Challenge {
        self.challenge_for(None)
    }

    /// A challenge that expects this lineage.
    pub fn challenge_for(&mut self, lineage: Option<LineageId>) -> Challenge {
        let options = ChallengeOptions { lineage, ..ChallengeOptions::default() };
        let (now, audience) = (self.now(), self.audience.clone());
        self.store.challenge(PEER, &audience, &nonce(), &now, &options).unwrap()
    }

    /// Takes an introduction.
    pub fn meet(&mut self, introduction: &[u8]) {
        let introduction = Introduction::parse(introduction).unwrap();
        let now = self.now();
        self.store.meet(PEER, &introduction, &now, false).unwrap();
    }

    /// Takes a first proof.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn enrol(&mut self, proof: &[u8]) -> Result<Enrolment, StoreError> {
        let now = self.now();
        self.store.enrol(PEER, proof, &now, &EnrolOptions::default())
    }

    /// Takes a proof.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn verify(&mut self, proof: &[u8]) -> Result<Verdict, StoreError> {
        self.verify_with(proof, &Policy::default())
    }

    /// Takes a proof by another policy.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn verify_with(&mut self, proof: &[u8], policy: &Policy) -> Result<Verdict, StoreError> {
        let now = self.now();
        self.store.verify(PEER, proof, &now, policy)
    }

    /// Asks the host and takes its answer.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn ask(&mut self, host: &Host) -> Result<Verdict, StoreError> {
        let challenge = self.challenge();
        let proof = host.prove(&self.audience.clone(), &challenge, b"").await.unwrap();
        self.verify(&proof)
    }

    /// Takes whoever comes.
    pub async fn meet_first(&mut self, host: &Host) -> Enrolment {
        let challenge = self.challenge();
        let proof = host.prove(&self.audience.clone(), &challenge, b"").await.unwrap();
        self.enrol(&proof).unwrap()
    }
}

/// Never twice the same; that nobody can guess it is of no use in a test.
fn nonce() -> [u8; 32] {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut nonce = [0xa5; 32];
    nonce[..8].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    nonce
}
