//! The D-Bus contract: what the XML says, what the running object is, and what apps that know nothing but D-Bus can do
//! with it. Real swtpm, real dbus-daemon, the real agent; `busctl` and `gdbus-codegen` of the distribution.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod app;
mod identity;
mod story;
mod xml;
