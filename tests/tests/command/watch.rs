//! `watch --json` and its agent: what is heard of it, on the real bus, until it is gone and back.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use super::place::{Party, Place};

/// A view under way.
struct View {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl View {
    fn of(party: &Party) -> Self {
        let mut command = party.command(&["--json", "watch"]);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// Reads on until this is so.
    fn until(&mut self, is_so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.next().expect("it goes on").unwrap();
            let object: Value = serde_json::from_str(&line).unwrap();
            if is_so(&object) {
                return object;
            }
        }
    }

    /// Nobody reads it any more: it ends by itself, and that is no failure.
    fn end(mut self) {
        drop(self.lines);
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

/// The newest alarm or note of a kind.
fn of_kind<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    object["alarms"].as_array().unwrap().iter().find(|entry| entry["kind"] == kind)
}

#[test]
fn signals_are_heard_and_what_the_agent_says_of_itself() {
    let party = Party::new(Place::Agent);
    let mut view = View::of(&party);
    let first = view.until(|object| object["reachable"] == true);
    assert_eq!(first["status"]["lineage"], party.json(&["id"])["lineage"]);
    assert_eq!(first["alarms"], Value::Array(Vec::new()));

    let drill = party.json(&["drill"]);
    let object = view.until(|object| of_kind(object, "ForkFound").is_some());
    let found = of_kind(&object, "ForkFound").unwrap();
    assert_eq!(found["alarm"], true);
    assert!(found["text"].as_str().unwrap().contains(drill["peer"].as_str().unwrap()), "{found}");

    let ended = party.json(&["end", "--yes"]);
    let object = view.until(|object| of_kind(object, "LineageEnded").is_some());
    let heard = of_kind(&object, "LineageEnded").unwrap()["text"].as_str().unwrap().to_owned();
    assert!(heard.contains("a person ended"), "{heard}");
    let object = view.until(|object| object["status"]["lineage"] == ended["begun"]);
    let kinds = object["alarms"].as_array().unwrap();
    assert_eq!(kinds.iter().filter(|entry| entry["kind"] == "LineageEnded").count(), 1, "{object}");
    view.end();
}

#[test]
fn an_agent_that_goes_is_waited_for_and_seen_when_it_is_back() {
    let mut party = Party::new(Place::Agent);
    let mut view = View::of(&party);
    view.until(|object| object["reachable"] == true);
    party.kill_agent();
    let object = view.until(|object| object["reachable"] == false);
    assert!(of_kind(&object, "AgentGone").is_some(), "{object}");
    assert_eq!(object["callers"], Value::Null);
    party.start_agent();
    let object = view.until(|object| object["reachable"] == true);
    assert!(of_kind(&object, "AgentBack").is_some(), "{object}");
    // without a service manager the memory went with the process
    assert!(of_kind(&object, "LineageEnded").is_some(), "{object}");
    view.end();
}
