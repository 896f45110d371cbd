//! Who may call what: the real agent as its own user, on a bus with the shipped policy, with the real polkit and without
//! one, and callers of several users. Needs root, to be them.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod authentication;
mod callers;
mod changes;
mod counts;
mod development;
mod hangs;
mod heard;
mod journal;
mod polkit;
mod scene;
mod table;
