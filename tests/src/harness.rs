//! The harness, tested against a stand-in for the agent.
#![forbid(unsafe_code)]
// The helpers are test code too: a panic there is a failed test.
#![allow(clippy::unwrap_used)]

mod harness {
    mod agents;
    mod buses;
    mod policy;
}

/// The stand-in's program.
const STAND_IN: &str = env!("CARGO_BIN_EXE_selfsame-stand-in");

/// Longer than anything here takes on a loaded machine.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);
