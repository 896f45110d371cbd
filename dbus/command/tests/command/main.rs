//! The real binary, as its users have it: with a store in a temporary file, where the host is a lineage in this
//! process; and with a stand-in for the agent on a bus of its own.

// The helpers are test code too: a panic there is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod agent;
mod alarms;
mod doctor;
mod forks;
mod host;
mod inspect;
mod party;
mod questions;
mod refusals;
mod run;
mod stand_in;
mod stores;
mod succession;
mod terminal;
mod times;
mod usage;
