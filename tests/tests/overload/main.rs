//! Overload: bounded queues, a refusal instead of growth, and nobody's flood in another's way. The real agent on a real bus, with
//! callers of several users.
//!
//! Nothing here is timed: the keeper's thread is held while a queue fills up, and what came of it is counted by moments.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod callers;
mod crowds;
mod floods;
mod held;
mod scene;
mod verifies;
mod watchdog;
