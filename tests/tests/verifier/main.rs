//! `org.selfsame.Verifier1`, by real agents on real buses: each method, each refusal with its details, the file and what can
//! happen to it, races of two verifiers on one file, and many peers, callers and kills.
//!
//! Hosts here are mostly lineages in this process, by the machine's own clock: a real one is where its agent matters.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod challenges;
mod crafting;
mod enrolments;
mod file;
mod forks;
mod host;
mod limits;
mod many;
mod meetings;
mod races;
mod scene;
mod times;
mod verdicts;

// the thread of a process, held still
#[path = "../overload/held.rs"]
mod held;
