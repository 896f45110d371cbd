//! A relying party, to see that proofs go on, and are of one lineage.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use selfsame::{Boot, Now, Policy};
use selfsame_dbus::{Bytes, Options};
use selfsame_store::{ChallengeOptions, EnrolOptions, Store};
use tempfile::TempDir;

use crate::host::Host;

pub struct Relying {
    store: Store,
    began: Instant,
    asked: u8,
    _directory: TempDir,
}

impl Relying {
    /// One that has met this host.
    pub async fn that_met(host: &Host) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("peers.db")).unwrap();
        let mut relying = Self { store, began: Instant::now(), asked: 0, _directory: directory };
        let proof = relying.proof(host).await;
        let now = relying.now();
        relying.store.enrol(PEER, &proof, &now, &EnrolOptions::default()).unwrap();
        relying
    }

    /// Asks the host, which is the same as before: another lineage's proof would be refused.
    pub async fn verify(&mut self, host: &Host) {
        let proof = self.proof(host).await;
        let now = self.now();
        let verdict = self.store.verify(PEER, &proof, &now, &Policy::default()).unwrap();
        assert_eq!(verdict.known, Some(true), "{verdict:?}");
    }

    async fn proof(&mut self, host: &Host) -> Vec<u8> {
        self.asked += 1;
        let (now, nonce, options) = (self.now(), [self.asked; 32], ChallengeOptions::default());
        let challenge = self.store.challenge(PEER, AUDIENCE, &nonce, &now, &options).unwrap();
        let challenge = Bytes::new(challenge.as_bytes());
        let proof = host.identity.prove(AUDIENCE, challenge, Bytes::new(b""), &Options::new()).await;
        proof.unwrap_or_else(|error| panic!("{error}: {}", host.agent.stderr())).into_vec()
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ticks = self.began.elapsed().as_nanos() * 4096 / 1_000_000_000;
        Now { boot: Boot([7; 16]), ticks: ticks as u64, wall_ms: wall.as_millis() as u64 }
    }
}

const PEER: &str = "host";
const AUDIENCE: &str = "door";
