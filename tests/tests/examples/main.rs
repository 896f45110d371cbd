//! The examples in `dbus/examples/`, each as it is there, as a process of its own: real dbus-daemon, the real agent, real
//! sockets, a real sshd. An interpreter or a compiler that is missing is a failure.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod http;
mod notifications;
mod proofs;
mod scene;
mod ssh;
