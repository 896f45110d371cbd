//! What the fuzz targets try: a function a target, which takes any bytes, and panics where the protocol's code does
//! what it must not.
//!
//! To fuzz, with `cargo install cargo-fuzz` and a nightly toolchain, for ten minutes each, in this package's folder:
//!
//! ```text
//! cargo +nightly fuzz run proof -- -max_total_time=600
//! ```
//!
//! (also: moment, statement, challenge, introduction, fork, hop_answer, and verify, which is all hashing and nine times
//! as fast with `--sanitizer none`). It begins with `corpus/<target>/`, adds to it what is new, and leaves in
//! `artifacts/<target>/` what panics. Such an input goes, minimised (`cargo fuzz tmin`), to `crashes/<target>/`, where
//! the replay below finds it. Before a commit, `cargo +nightly fuzz cmin proof` drops what adds nothing; an input of
//! the corpus has at most 64 KiB. `cargo run --example seeds` writes the first inputs anew.
//!
//! On stable, `cargo test -p selfsame-tests --test corpora` replays all of `corpus/` and `crashes/`.
#![forbid(unsafe_code)]

// what the tests of `selfsame` are made with
#[allow(dead_code, reason = "a test uses what it needs of it")]
#[path = "../../../continuity/tests/refusals/crafted.rs"]
mod crafted;
#[allow(dead_code, reason = "a test uses what it needs of it")]
#[path = "../../../continuity/tests/properties/host.rs"]
mod host;
#[allow(dead_code, reason = "a test uses what it needs of it")]
#[path = "../../../continuity/tests/item/mod.rs"]
pub(crate) mod item;

mod challenge;
mod copied;
mod fork;
mod hop_answer;
mod introduction;
mod moment;
mod proof;
mod statement;
mod tree;
mod verify;

pub use challenge::challenge;
pub use copied::{answers, forks};
pub use fork::fork;
pub use hop_answer::hop_answer;
pub use introduction::introduction;
pub use moment::moment;
pub use proof::proof;
pub use statement::statement;
pub use verify::{Outcome, outcomes, verify};
