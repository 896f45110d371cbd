//! The continuity protocol, version 1: how a host proves, without a key, that it is still the host that
//! a relying party met before.
//!
//! This crate is the whole protocol and nothing else. It does no I/O, reads no clock, draws no randomness
//! and knows no async: times, random bytes and the memory that holds the secret come in as arguments. A
//! relying party links it alone; the agent adds a TPM, a bus and a clock.
//!
//! The files follow the specification (`docs/protocol.md`), one concept each:
//!
//! | section | modules |
//! | --- | --- |
//! | 2 Hashing | `hash` |
//! | 3 Pledges and openings | `pledge` |
//! | 4 The odometer of pledges | `odometer`, `retained`, `handed` |
//! | 5 Moments | `cbor`, `moment`, `evidence` |
//! | 6 Statements and proofs | `statement`, `merkle`, `hop`, `proof` |
//! | 7 Verifying | `challenge`, `introduction`, `anchor`, `verify`, `time`, `peer`, `fork` |
//! | 8 The secret state | `state`, `lineage`, and `record`: what outlives a crash |
//!
//! # The prover
//!
//! [`Lineage`] is born from contributions of entropy, is stirred, makes moments, and answers a
//! [`Challenge`] with a [`Proof`].
//!
//! # The verifier
//!
//! [`Peer`] is what a relying party knows of one host: it issues challenges and takes proofs. [`verify()`] is
//! the stateless part, for who keeps an [`Anchor`] by other means.
#![forbid(unsafe_code)]

mod anchor;
mod cbor;
mod challenge;
mod evidence;
mod fork;
mod handed;
mod hash;
mod hop;
mod introduction;
mod lineage;
mod merkle;
mod moment;
mod odometer;
mod peer;
mod pledge;
mod proof;
mod record;
mod retained;
mod state;
mod statement;
mod time;
mod verify;

pub mod hazmat;

pub use anchor::{Anchor, Head};
pub use cbor::ParseError;
pub use challenge::{Challenge, ChallengeError};
pub use evidence::{
    Behaviour, Condition, Evidence, EvidenceError, EvidenceFields, Origin, Predecessor, Reason, TpmClock,
};
pub use fork::{Fork, ForkRefusal, ForkStart};
pub use handed::Judgement;
pub use hash::{Digest, LineageId, LineageIdError, Pledge, Salt};
pub use hop::{Hop, HopAnswer};
pub use introduction::Introduction;
pub use lineage::{
    Birth, BirthError, HopError, Lineage, MomentError, ProveRefusal, Request, Step, StirError,
};
pub use merkle::Inclusion;
pub use moment::{Genesis, Moment};
pub use odometer::{TICKS_PER_SECOND, TIERS};
pub use peer::{ChallengeRefusal, IntroduceRefusal, Peer, PeerRecord, Policy, Refusal, Verdict};
pub use pledge::{OPENING_BYTES, Opening};
pub use proof::Proof;
pub use record::{Entry, MAX_ENTRY_BYTES, ResumeError};
pub use state::{Memory, Ordinary, Secret, Secrets};
pub use statement::{Statement, Subject};
pub use time::{Boot, Now, Timing};
pub use verify::{HopRefusal, Verified, VerifyRefusal, Wanted, verify};
