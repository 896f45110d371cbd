//! The real binary, as its users have it: its command line, the store's file, and this host's side with a stand-in for the
//! agent on a bus of its own. The relying party's side is tested with file and agent by `tests/tests/command`.

// The helpers are test code too: a panic there is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod agent;
mod audit;
mod colours;
mod doctor;
mod host;
mod inspect;
mod live;
mod manual;
mod party;
mod pty;
mod run;
mod stand_in;
mod stores;
mod usage;
mod verifier;

/// The command under test.
fn program() -> std::path::PathBuf {
    env!("CARGO_BIN_EXE_selfsame").into()
}
