//! The `selfsame` command: this host's identity, and a relying party's peers.
//!
//! This host's side asks the agent over D-Bus. So does the relying party's, whose peers the agent keeps, unless it keeps
//! them in a file (`--store`): it says the same of both. `inspect` needs neither. One run is one question: what it comes to is an [`Answer`] or a
//! [`Failure`], told on standard output or error, and by the exit code.
//!
//! | code | meaning | names, with `--json` |
//! | --- | --- | --- |
//! | 0 | yes: done, or the proof stands; of `confront`: no fork is shown; of `forks --report`: one is, and is taken in | |
//! | 1 | the proof was refused, or reported evidence shows no fork, or there is no such peer or challenge, or nobody said that a new lineage may succeed the peer's; of `doctor`: a check fails, and of `audit`: the sample is not the moment's, which have no name; of `drill`: the alarm does not come | UnknownPeer, PeerExists, UnknownChallenge, Malformed, OtherLineage, Succession, WrongAudience, WrongSubject, Clock, Stalled, DrillFailed |
//! | 2 | usage, malformed arguments included | InvalidArgument |
//! | 3 | the agent is not reachable; of `doctor`: nor can its program be run | Unreachable |
//! | 4 | the agent refused, or can't do it; or too much is waiting or out | NotAuthorized, OtherLineage, WrongAudience, TooOld, NotKept, Unsupported, Unexpected, Failed; Busy |
//! | 5 | a store or file can't be used | StoreUnavailable, FileUnavailable, SystemUnavailable |
//! | 6 | alarm, for a person to look at; of `confront`: a fork is shown | ForeignAnchor, NotContinuous, Contradiction, Forked, Clock after a lag |
//!
//! `watch` goes on until a person ends it, and `drill` tells each link as it holds. What each tells in JSON is
//! `docs/json.md`, which a test holds against it.
//!
//! With `--json` standard output is one object, of a failure `{"error": name, "check": number or null, "text": …,
//! "next": text or null}`, where `check` is the number in protocol section 7. Without, standard output is for the
//! answer alone, and a failure is a line on standard error, `error:` or `alarm:`, and one that begins with `next:`.
//! An answer that is nothing has a line `note:` there. The fork that `confront` finds is both: the alarm, and on
//! standard output the fork; in JSON its members, which `party::forks` lists, are beside the alarm's.
#![forbid(unsafe_code)]

mod answer;
mod arguments;
mod bus;
mod clock;
mod colour;
mod exit;
mod failure;
mod host;
mod inspect;
mod manual;
mod origin;
mod party;
mod place;
mod printable;
mod progress;
mod quantity;
mod table;
mod text;
mod watch;

use std::env;
use std::process::ExitCode;

use answer::Answer;
use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    let line: Vec<_> = env::args_os().collect();
    match Arguments::read(&line) {
        Ok(arguments) => answer::tell(&run(&arguments), arguments.telling()).into(),
        Err(error) => arguments::tell(&error, &line).into(),
    }
}

fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    match arguments.asked() {
        Command::Host(command) => host::run(command, &arguments.bus()?),
        Command::Party(command) => party::run(command, &arguments.place()?, arguments.telling()),
        Command::Watch => watch::run(&arguments.bus()?, arguments.telling()),
        Command::Inspect(command) => inspect::run(command),
        Command::Completions(asked) => Ok(manual::completions(asked)),
        Command::Man(asked) => manual::manual(asked),
    }
}
