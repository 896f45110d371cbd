//! What is secret is in the secret page, and nowhere else.
//!
//! The agent runs under load and is stopped at random. What the page holds is read from the page itself, and looked for
//! everywhere else: 8 bytes of a value are a find. A thread that is stopped in the midst of computing with a secret has it
//! on its stack and in its registers; what counts is what is left behind. So at a stop in which the keeper, the one thread
//! that computes with secrets, waits for something to do, nothing may be found anywhere; at any other stop nothing but on the
//! keeper's own stack and in its own registers.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod built;
mod hardening;
mod look;
mod scene;
mod stops;
mod swap;
mod tally;
mod unprivileged;
