//! Who is asking: what a relying party is told of callers that are other users, that end, that hand their connection on, whose
//! pid becomes another's, that become another program, and that are in a container. The real agent on a real dbus-daemon, and real
//! processes.
//!
//! dbus-daemon 1.14 gives a pid, 1.16 pins the process (`ProcessFD`); each test says where they differ. `SELFSAME_DBUS_DAEMON`
//! names the other one: `tests/run.sh` runs this target on both.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod connecting;
mod containers;
mod gone;
mod known;
mod programs;
mod reused;
mod scene;
