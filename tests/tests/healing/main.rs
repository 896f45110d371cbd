//! Healing (`docs/protocol.md`, sections 4 and 9): what a copy of a host's memory is worth to a relying party that has
//! met the host since, and what it is still worth elsewhere.
//!
//! **The bound as it is tested.** `t` is the index of the last moment that brought a pledge which the thief can open,
//! `a` the anchor's, `h` the thief's head's, `g = h − a`.
//!
//! - Check 3 alone (`pure`): nothing is accepted for `g ≤ a − t`. A pledge that the thief can open stands in a's list
//!   only at a tier k with ⌊t/4^k⌋ = ⌊a/4^k⌋, so a − t < 4^k; that tier may be used where 4^k ≤ g. So `a − t` is tight:
//!   where t = n·4^k and a = t + 4^k − 1, the gap a − t + 1 is accepted.
//! - By the clocks (`clocked`): with E the ticks from the issue of the challenge that a answered to the thief's
//!   acceptance, "not ahead" of check 6 gives g ≤ E + ⌊E/1000⌋ + 4096. That is at most a − t as long as
//!   E ≤ (a − t − 1 s)/1.001. The challenge that a answered lives 60 s, so a was accepted at most 60 s after its issue:
//!   this is where the 60 s come from. So nothing is accepted up to (a − t − 1 s)/1.001 − 60 s after the *acceptance*
//!   of a, by the relying party's clock. "Not behind", which lets a head lag up to 60 s, only makes g smaller.
//!   By wall time (after a reboot of the relying party) it is 10 minutes in place of the second.
//!
//! `cargo test -p selfsame-tests --test healing -- --nocapture` prints who was refused by which check.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod admissions;
mod attack;
mod clocked;
mod forge;
mod limits;
mod loot;
mod pure;
mod rule;
mod scene;
mod sources;
mod tally;
