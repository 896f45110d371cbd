//! A host, played by a lineage in this process, and a relying party with a store in a temporary file.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use selfsame::{
    Behaviour, Birth, Boot, Challenge, Condition, Evidence, EvidenceFields, Head, Introduction, Lineage, Now,
    Ordinary, Origin, PeerRecord, Predecessor, Reason, Request, Salt, Step, Subject, TpmClock,
};
use selfsame_store::{ChallengeOptions, EnrolOptions, Store};
use serde_json::Value;
use tempfile::TempDir;

use super::run::{Output, bytes, command, selfsame, selfsame_with, text};

/// The relying party's name.
pub const AUDIENCE: &str = "door.example";

/// How many nonces were given out: no two challenges have the same.
static NONCES: AtomicU64 = AtomicU64::new(0);

/// Ticks of a second.
pub const SECOND: u64 = selfsame::TICKS_PER_SECOND;

/// Unix time now, in milliseconds.
pub fn wall_ms() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64
}

/// A host. Two of one seed, birth and doings are copies of each other.
pub struct Host {
    pub lineage: Lineage<Ordinary>,
    born_ms: u64,
    /// What it says of its TPM in its next moment.
    pub tpm: Option<TpmClock>,
}

impl Host {
    /// One that was born now.
    pub fn born(seed: u8) -> Self {
        Self::born_at(seed, wall_ms())
    }

    /// One that was born then.
    pub fn born_at(seed: u8, born_ms: u64) -> Self {
        Self::with_origin(seed, born_ms, Origin::new(Reason::Install, None))
    }

    /// One that says it follows another, after a boot.
    pub fn after(seed: u8, before: &Self) -> Self {
        Self::that_names(seed, before, Some(before.lineage.head()))
    }

    /// One that says it follows another from this moment on, or names nobody.
    pub fn that_names(seed: u8, before: &Self, head: Option<Head>) -> Self {
        let predecessor = head.map(|head| Predecessor { lineage: *before.lineage.id(), head });
        Self::with_origin(seed, before.born_ms, Origin::new(Reason::Boot, predecessor))
    }

    fn with_origin(seed: u8, born_ms: u64, origin: Origin) -> Self {
        let birth = Birth {
            contributions: &[("test", &[seed; 32])],
            randomness: &[seed; 32],
            salt: Salt::new([seed; 32]),
            wall_ms: born_ms,
            evidence: evidence(None),
            origin,
        };
        Self { lineage: Lineage::born(Ordinary::default(), birth).unwrap(), born_ms, tpm: None }
    }

    /// Its lineage, as text.
    pub fn id(&self) -> String {
        self.lineage.id().to_string()
    }

    /// Makes a moment that nobody asked for.
    pub fn beat(&mut self, index: u64) {
        self.lineage.moment(self.step(index)).unwrap();
    }

    /// Answers a challenge, as it travels, by a moment at this index.
    pub fn prove(&mut self, challenge: &str, index: u64) -> String {
        let subject = Subject { uid: Some(1000), unit: Some("web.service".into()), ..Subject::default() };
        text(&self.prove_as(challenge, index, subject, None))
    }

    /// Answers a challenge for this subject.
    pub fn prove_as(
        &mut self,
        challenge: &str,
        index: u64,
        subject: Subject,
        payload: Option<&[u8]>,
    ) -> Vec<u8> {
        let request = Request {
            audience: AUDIENCE.to_owned(),
            challenge: Challenge::parse(&bytes(challenge)).unwrap(),
            subject,
            payload: payload.map(<[u8]>::to_vec),
        };
        let proofs = self.lineage.prove(self.step(index), vec![request]).unwrap();
        proofs.into_iter().next().unwrap().unwrap().encode()
    }

    /// Its answer to a question, as it travels; `None` where it is not kept.
    pub fn hop(&self, index: u64, tier: u8) -> Option<String> {
        self.lineage.hop(index, tier, true).ok().map(|answer| text(&answer.encode()))
    }

    /// An introduction, as it travels.
    pub fn introduce(&mut self) -> String {
        text(&self.lineage.introduce().encode())
    }

    fn step(&self, index: u64) -> Step<'static> {
        let wall_ms = self.born_ms + index * 1000 / SECOND;
        Step { index, wall_ms, randomness: &[7; 32], evidence: evidence(self.tpm) }
    }
}

fn evidence(tpm_clock: Option<TpmClock>) -> Evidence {
    let behaviour = Behaviour { samples: Some(3), drift: Some(125), commitment: None };
    Evidence::new(EvidenceFields {
        sources: Some(vec!["tpm".into(), "kernel".into()]),
        behaviour: Some(behaviour),
        tpm_clock,
        condition: Some(Condition::Steady),
    })
    .unwrap()
}

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
        self.run_with(arguments, "")
    }

    /// The same, with this on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let file = self.file.to_str().unwrap();
        selfsame_with(["--store", file].iter().chain(arguments), input.as_bytes())
    }

    /// A run of the command on the store, to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.arg("--store").arg(&self.file).args(arguments);
        command
    }

    /// Runs the command on the store with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let file = self.file.to_str().unwrap();
        selfsame(["--json", "--store", file].iter().chain(arguments)).json()
    }

    /// Runs a command that has to be refused without a trace in the store.
    pub fn refused(&self, arguments: &[&str], code: i32, error: &str) -> (String, String) {
        let before = std::fs::read(&self.file).ok();
        let object = self.json(arguments);
        assert_eq!(object["error"], error, "{object}");
        let output = self.run(arguments);
        let (what, next) = output.no(code);
        assert_eq!(object["text"], what, "{object}");
        assert!(std::fs::read(&self.file).ok() == before, "{what}: the store has changed");
        (what.to_owned(), next.to_owned())
    }

    /// Runs a command whose proof has to be refused, by this check, without a trace in the store but the count of
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
        assert_eq!(self.record(arguments[1]), before, "{what}: the store has changed");
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

    /// The store, in this process: for what the command has no clock or option for.
    pub fn store(&self) -> Store {
        Store::open(&self.file).unwrap()
    }

    /// The same for any lineage of a known peer.
    pub fn challenge_anew(&self, peer: &str) -> String {
        self.run(&["challenge", peer, "--audience", AUDIENCE, "--anew"]).yes().to_owned()
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

/// The verifier's clocks so many milliseconds ago, in another boot: they are compared by wall time.
pub fn before(ms: u64) -> Now {
    Now { boot: Boot([9; 16]), ticks: 1 << 30, wall_ms: wall_ms() - ms }
}

/// The same in the future.
pub fn ahead(ms: u64) -> Now {
    Now { boot: Boot([9; 16]), ticks: 1 << 30, wall_ms: wall_ms() + ms }
}

/// What an introduction introduces.
pub fn introduced(introduction: &str) -> Introduction {
    Introduction::parse(&bytes(introduction)).unwrap()
}
