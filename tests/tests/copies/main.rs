//! A copied host, its copy, and a thief, from one state, over the real store: what the relying party notices, and when
//! it can be shown.
//!
//! The daemon holds no test construction: copies are made here, of the protocol's own [`selfsame::Lineage`]; in `real` of a
//! real agent's memory, as root can.
//!
//! `cargo test -p selfsame-tests --test copies -- --nocapture` prints the table of `docs/protocol.md`; with
//! `SELFSAME_FULL=1` over all its schedules.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod alarms;
mod evidence;
mod memory;
mod rates;
mod real;
mod scene;
mod strategies;
mod tricks;
