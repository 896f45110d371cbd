//! The D-Bus contract of selfsame: names, limits, errors and typed proxies.
//!
//! `org.selfsame.Identity1.xml` and `org.selfsame.Verifier1.xml`, beside this crate's manifest, are the contract itself
//! ([`IDENTITY_XML`], [`VERIFIER_XML`]); the rest says the same in Rust, for the agent that serves it and for those who
//! call it.
//!
//! Bytes (`ay`) are [`ByteBuf`], or [`Bytes`] where they are borrowed: `Vec<u8>` would go through serde byte
//! by byte, which doubles the time of a proof's way over the bus.
#![forbid(unsafe_code)]

mod bus;
mod details;
mod errors;
mod identity;
pub mod limits;
mod names;
mod verifier;

pub use bus::Bus;
pub use details::{Details, Refusal};
pub use errors::{CallError, Error};
pub use identity::{
    AuditReply, CallerCount, Check, DriftExceededStream, HopReply, Identity1Proxy, LineageEndedStream,
    Options, Origin, ReportReply, Source,
};
pub use names::{
    AGENT_BUS_NAME, AGENT_PATH, ERROR_PREFIX, IDENTITY_INTERFACE, IDENTITY_XML, VERIFIER_INTERFACE,
    VERIFIER_XML,
};
pub use serde_bytes::{ByteBuf, Bytes};
pub use verifier::{ForkFoundStream, KnownPeer, Question, VerdictReply, VerdictSubject, Verifier1Proxy};
