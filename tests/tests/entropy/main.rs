//! Where the agent's unpredictability comes from: its sources, and what it does where one is missing or goes bad. The real
//! agent, on a real swtpm, with a stand-in for the kernel's generator.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod changes;
mod clock;
mod diagnose;
mod feed;
mod health;
mod helper_processes;
mod history;
mod host;
mod hwrng;
mod machine;
mod null_name;
mod pkcs11;
mod relying;
mod require;
mod sources;
mod stream;
mod wire;
