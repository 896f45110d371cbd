//! Breaks: what ends a lineage in the running agent, what only marks it, and what a sleep has before and after it. The real
//! agent, with stand-ins for the hypervisor's page, the service manager and logind.
//!
//! A clock that goes back is not among these: no test can set back the age clock of a machine that it runs on. The keeper's
//! own tests do that, with clocks of theirs.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod clones;
mod ends;
mod logind;
mod machine;
mod scene;
mod sleeps;
mod tpm;
