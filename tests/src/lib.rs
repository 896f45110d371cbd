//! What runs the real binaries: end to end tests, benches, rigs.
//!
//! The binaries are built first, since cargo builds only what a package itself has: `tests/run.sh` does
//! `cargo build -p selfsame-agent -p selfsame-command` and then runs the tests of this crate, with the same
//! profile. [`binary()`] finds them beside the test's own executable.
//!
//! What is started here lives in temporary directories, on a private bus, and is gone with its owner, however
//! that one ends.
#![forbid(unsafe_code)]
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod agent;
mod binary;
mod bus;
mod command;
mod host;
mod introspection;
mod leash;
pub mod manager;
mod names;
pub mod play;
mod process;
pub mod processes;
mod programs;
mod relying;
mod stand_in;
mod stolen;
pub mod tapped;
pub mod tsm;
mod users;

pub use agent::{Agent, AgentOptions, StartError};
pub use binary::binary;
pub use bus::PrivateBus;
pub use command::{Output, Run};
pub use host::Host;
pub use introspection::differences;
pub use manager::Manager;
pub use names::{NameError, wait_for_name};
// what `play` has from the tests of `continuity` finds it here, as it does there
pub(crate) use play::item;
pub use process::{Exit, Process};
pub use programs::{copy_program, write_program};
pub use relying::{PEER, Relying};
pub use stand_in::StandIn;
pub use stolen::Stolen;
pub use tapped::Tapped;
pub use users::{MEMBERS, SERVICE, User, Users, connect_as};
