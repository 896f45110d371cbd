//! A host to meet, a file to keep it in, and the verifier's clock.

use std::path::PathBuf;

use selfsame::{
    Birth, Boot, Challenge, Evidence, EvidenceFields, Head, Introduction, Lineage, LineageId, Now, Ordinary,
    Origin, Policy, Predecessor, Reason, Request, Salt, Step, Subject, TpmClock, Verdict,
};
use selfsame_store::{ChallengeOptions, EnrolOptions, Enrolment, Store, StoreError};
use tempfile::TempDir;

/// Ticks of a second.
pub const SECOND: u64 = selfsame::TICKS_PER_SECOND;

/// Unix time at tick 0, of host and verifier alike.
const WALL_MS: u64 = 1_800_000_000_000;

/// The verifier's name.
pub const AUDIENCE: &str = "relying.example";

/// The verifier's clocks at a tick.
pub fn now(ticks: u64) -> Now {
    Now { boot: Boot([1; 16]), ticks, wall_ms: WALL_MS + ticks * 1000 / SECOND }
}

/// The same instant, after the verifier was started anew.
pub fn now_in_another_boot(ticks: u64) -> Now {
    Now { boot: Boot([2; 16]), ticks: 7, ..now(ticks) }
}

/// A host whose lineage began at tick 0. Two of one seed that do the same are copies of each other.
pub struct Host {
    pub lineage: Lineage<Ordinary>,
    /// What it says of its TPM in its next moment.
    pub tpm: TpmClock,
    /// The source that it says it draws from.
    source: Option<&'static str>,
}

impl Host {
    pub fn born(seed: u8) -> Self {
        Self::with_origin(seed, Origin::new(Reason::Install, None), TpmClock::default())
    }

    /// One that says it follows another, after a boot.
    pub fn after(seed: u8, before: &Self, tpm_resets: Option<u64>) -> Self {
        let predecessor = Predecessor { lineage: before.id(), head: before.lineage.head() };
        Self::that_follows(seed, Some(predecessor), tpm_of(tpm_resets))
    }

    /// One that says it follows this, after a boot.
    pub fn that_follows(seed: u8, predecessor: Option<Predecessor>, tpm: TpmClock) -> Self {
        Self::with_origin(seed, Origin::new(Reason::Boot, predecessor), tpm)
    }

    /// One that says it draws from this source, and from no other.
    pub fn drawing_from(seed: u8, source: &'static str) -> Self {
        Self::begun(seed, Origin::new(Reason::Install, None), TpmClock::default(), Some(source))
    }

    pub fn with_tpm(seed: u8, tpm_resets: u64) -> Self {
        Self::with_origin(seed, Origin::new(Reason::Install, None), tpm_of(Some(tpm_resets)))
    }

    fn with_origin(seed: u8, origin: Origin, tpm: TpmClock) -> Self {
        Self::begun(seed, origin, tpm, None)
    }

    fn begun(seed: u8, origin: Origin, tpm: TpmClock, source: Option<&'static str>) -> Self {
        let birth = Birth {
            contributions: &[("test", &[seed; 32])],
            randomness: &[seed; 32],
            salt: Salt::new([seed; 32]),
            wall_ms: WALL_MS,
            evidence: evidence(tpm, source),
            origin,
        };
        let lineage = Lineage::born(Ordinary::default(), birth).expect("ordinary memory refuses nothing");
        Self { lineage, tpm, source }
    }

    pub fn id(&self) -> LineageId {
        *self.lineage.id()
    }

    /// Makes a moment that nobody asked for.
    pub fn beat(&mut self, index: u64) {
        let step = self.step(index);
        self.lineage.moment(step).expect("the index is above the head's");
    }

    /// Answers a challenge by a moment at this index.
    pub fn prove(&mut self, challenge: &Challenge, index: u64) -> Vec<u8> {
        self.prove_as(challenge, index, 1000)
    }

    /// Answers a challenge for a user.
    pub fn prove_as(&mut self, challenge: &Challenge, index: u64, uid: u32) -> Vec<u8> {
        let request = Request {
            audience: AUDIENCE.to_owned(),
            challenge: challenge.clone(),
            subject: Subject { uid: Some(uid), ..Subject::default() },
            payload: None,
        };
        let proofs = self.lineage.prove(self.step(index), vec![request]);
        let proof = proofs.expect("the index is above the head's").remove(0);
        proof.expect("the challenge is for this lineage").encode()
    }

    fn step(&self, index: u64) -> Step<'static> {
        let wall_ms = WALL_MS + index * 1000 / SECOND;
        Step { index, wall_ms, randomness: &[7; 32], evidence: evidence(self.tpm, self.source) }
    }

    pub fn introduce(&mut self) -> Introduction {
        self.lineage.introduce()
    }

    pub fn head(&self) -> Head {
        self.lineage.head()
    }
}

fn tpm_of(reset_count: Option<u64>) -> TpmClock {
    TpmClock { reset_count, ..TpmClock::default() }
}

fn evidence(tpm: TpmClock, source: Option<&str>) -> Evidence {
    let tpm_clock = (tpm != TpmClock::default()).then_some(tpm);
    let sources = source.map(|source| vec![source.to_owned()]);
    Evidence::new(EvidenceFields { tpm_clock, sources, ..EvidenceFields::default() }).expect("short")
}

/// A file for a store, in a folder of its own.
pub struct File {
    folder: TempDir,
    pub path: PathBuf,
}

impl File {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("peers");
        Self { folder, path }
    }

    /// What is in the folder.
    pub fn names(&self) -> Vec<String> {
        let entries = self.folder.path().read_dir().expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
    }

    pub fn open(&self) -> Store {
        Store::open(&self.path).unwrap_or_else(|error| panic!("{error}: {error:?}"))
    }
}

/// What a relying party does, with nonces of its own.
pub struct Party {
    pub store: Store,
    pub file: File,
    nonces: u64,
}

impl Party {
    pub fn new() -> Self {
        let file = File::new();
        Self { store: file.open(), file, nonces: 0 }
    }

    /// One that goes on with a file; no nonce that was used in it comes again.
    pub fn on(file: File) -> Self {
        Self { store: file.open(), file, nonces: 1000 }
    }

    /// Another store on the same file.
    pub fn reopen(&mut self) {
        self.store = self.file.open();
    }

    pub fn nonce(&mut self) -> [u8; 32] {
        self.nonces += 1;
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&self.nonces.to_be_bytes());
        nonce
    }

    pub fn try_challenge(
        &mut self,
        peer: &str,
        at: u64,
        options: &ChallengeOptions,
    ) -> Result<Challenge, StoreError> {
        let nonce = self.nonce();
        self.store.challenge(peer, AUDIENCE, &nonce, &now(at), options)
    }

    pub fn challenge(&mut self, peer: &str, at: u64) -> Challenge {
        self.try_challenge(peer, at, &ChallengeOptions::default()).expect("a challenge is issued")
    }

    pub fn challenge_anew(&mut self, peer: &str, at: u64) -> Challenge {
        let options = ChallengeOptions { anew: true, ..ChallengeOptions::default() };
        self.try_challenge(peer, at, &options).expect("a challenge is issued")
    }

    /// Enrols a host by a challenge at this tick and a proof one tick later.
    pub fn enrol(&mut self, peer: &str, host: &mut Host, at: u64) -> Enrolment {
        let challenge = self.challenge(peer, at);
        let proof = host.prove(&challenge, at + 1);
        self.store.enrol(peer, &proof, &now(at + 2), &EnrolOptions::default()).expect("it is enrolled")
    }

    /// Verifies a host by a challenge at this tick and a proof one tick later.
    pub fn meet_again(&mut self, peer: &str, host: &mut Host, at: u64) -> Verdict {
        let challenge = self.challenge(peer, at);
        let proof = host.prove(&challenge, at + 1);
        self.store.verify(peer, &proof, &now(at + 2), &Policy::default()).expect("it is verified")
    }
}

/// A proof with a wrong byte in the opening of its first hop, which is where it has little else before.
pub fn wrong(proof: &[u8]) -> Vec<u8> {
    let mut proof = proof.to_vec();
    *proof.get_mut(500).expect("an opening has 2,144 bytes") ^= 1;
    proof
}

/// Options for a successor.
pub fn succeeds() -> EnrolOptions {
    EnrolOptions { succeeds: true, ..EnrolOptions::default() }
}
