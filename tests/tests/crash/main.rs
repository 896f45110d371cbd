//! A crash at any instruction: the lineage goes on, and no pledge is opened over two bodies.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod handover;
mod settings;
mod torture;
mod unit;
mod versions;
