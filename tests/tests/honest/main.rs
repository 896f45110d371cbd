//! No false alarm: honest hosts and relying parties over one real store, however the network, the clocks and the
//! machines behave.
//!
//! [`world`] makes events from a seed; [`model`] says of each what must come of it. `cargo test -p selfsame-tests
//! --test honest -- --nocapture` prints how many steps were made, and how often what happened.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod acts;
mod answers;
mod late;
mod machine;
mod many;
mod meeting;
mod model;
mod random;
mod reboots;
mod script;
mod tally;
mod times;
mod world;
