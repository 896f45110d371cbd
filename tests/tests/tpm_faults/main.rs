//! A TPM that misbehaves never delays or loses a proof. One test a fault: in each, at least 200 Proves before it, while it
//! lasts, and after it, by a caller who verifies each; and nothing is left behind.
//!
//! Each prints its row: median and maximum of Prove in each phase.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod answers;
mod helpers;
mod phases;
mod reconnects;
mod scene;
mod tpm;
