//! The whole way through: real swtpm, real dbus-daemon, the real agent and the real command.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod behaviour;
mod command;
mod many;
mod meetings;
mod refusals;
mod starts;
mod state;
mod succession;
mod tee;
