//! The relying party's side of the `selfsame` command, the same suite twice: with the peers in a file (`--store`), and with
//! those of the real agent's `org.selfsame.Verifier1` on a private bus. The host is a lineage in this process, so that a
//! test decides when its moments are, and may copy it.
#![forbid(unsafe_code)]
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

/// Makes two tests of each function: in either place the same is asked, and the same answered.
macro_rules! both {
    ($($test:ident),+ $(,)?) => {
        $(
            mod $test {
                use crate::place::Place;

                #[test]
                fn store() {
                    super::$test(Place::Store);
                }

                #[test]
                fn agent() {
                    super::$test(Place::Agent);
                }
            }
        )+
    };
}

mod alarms;
mod drill;
mod forks;
// what the command's own tests play with
#[path = "../../../dbus/command/tests/command/host.rs"]
mod host;
mod json;
mod party;
mod place;
mod questions;
mod refusals;
#[path = "../../../dbus/command/tests/command/run.rs"]
mod run;
mod succession;
mod terminal;
mod times;
mod unusable;
mod watch;

/// The command under test.
fn program() -> std::path::PathBuf {
    selfsame_tests::binary("selfsame")
}
