//! The simulator and its command, with a real swtpm.
#![forbid(unsafe_code)]
// clippy.toml allows it in test functions, but does not see that what they call is test code too.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod command;
mod device;
mod processes;
mod simulator;
mod tap;
mod wire;
