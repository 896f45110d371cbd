//! A slow, plain reference of the protocol, written from the specification alone, and what it is held against: the
//! vectors of an independent implementation, the crate's own parts, and the crate's verifier over random proofs.
//!
//! `spec` is the reference: a file for each section, bytes in, no type of the crate's. All else is the comparison.
//!
//! `cargo test -p selfsame-tests --test reference -- --nocapture` prints what the proofs came to.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod spec {
    pub mod cbor;
    pub mod evidence;
    pub mod fields;
    pub mod hash;
    pub mod merkle;
    pub mod messages;
    pub mod moment;
    pub mod odometer;
    pub mod party;
    pub mod past;
    pub mod pledge;
    pub mod time;
    pub mod verify;
    pub mod way;
}

mod random {
    mod agree;
    mod altered;
    mod crafts;
    pub mod dice;
    mod history;
    mod parties;
    mod proofs;
    mod thieves;
    mod values;
}

mod parts;
mod sequences;
mod vectors;
