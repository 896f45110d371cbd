//! The relying party's side, with a stand-in for the agent: what an agent may say that a real one does not, or not so
//! easily. What a real one says is tested by `tests/tests/command`.

use serde_json::json;

use super::run::{Output, selfsame};
use super::stand_in::StandIn;

/// Runs the command on a bus with an agent.
fn ask(bus: StandIn, arguments: &[&str]) -> Output {
    let output = selfsame(["--bus-address", &bus.address()].iter().chain(arguments));
    bus.end();
    output
}

#[test]
fn each_refusal_has_its_name_and_a_code() {
    for (name, code) in [
        ("NotAuthorized", 4),
        ("InvalidArgument", 2),
        ("Busy", 4),
        ("UnknownPeer", 1),
        ("PeerExists", 1),
        ("UnknownChallenge", 1),
        ("NotContinuous", 6),
        ("Succession", 1),
        ("OtherLineage", 1),
        ("WrongAudience", 1),
        ("WrongSubject", 1),
        ("Malformed", 1),
        ("Clock", 1),
        ("Stalled", 1),
        ("Contradiction", 6),
        ("Forked", 6),
        ("StoreUnavailable", 5),
        ("Unsupported", 4),
        ("Failed", 4),
    ] {
        // an agent that says no more than the name
        let peer = format!("org.selfsame.Error.{name}");
        let output = ask(StandIn::verifying(), &["forget", &peer]);
        assert_eq!(output.no(code).0, format!("the agent refuses: {name}"));
        let output = ask(StandIn::verifying(), &["--json", "forget", &peer]);
        assert_eq!((output.code, &output.json()["error"]), (code, &json!(name)));
    }
}

#[test]
fn what_it_says_for_programs_decides() {
    let verify = ["--json", "verify", "org.selfsame.Error.Clock", "AAAA"];
    let output = ask(StandIn::verifying(), &verify);
    let object = output.json();
    assert_eq!(
        (output.code, &object["error"], &object["check"]),
        (6, &json!("Clock"), &json!(6)),
        "{object}"
    );
    assert_eq!(object["text"], "because of the test");
    let next = object["next"].as_str().unwrap();
    assert!(next.contains("Before anything else, make it a proof"), "of an alarm: {next}");
}

#[test]
fn a_command_that_is_told_asks_the_same_agent() {
    let bus = StandIn::verifying();
    let address = bus.address();
    let output = ask(bus, &["verify", "org.selfsame.Error.Stalled", "AAAA"]);
    let told =
        format!("`selfsame --bus-address {address} verify org.selfsame.Error.Stalled PROOF --pass-time`");
    assert!(output.stderr.contains(&told), "{output:?}");
}

#[test]
fn an_answer_that_is_none_is_code_4() {
    for (line, what) in [
        (&["peers"][..], "the agent's answer is malformed: "),
        (&["forks"], "the agent's answer is malformed: fork: "),
        (&["challenge", "web", "--audience", "a"], "the agent's answer is malformed: challenge: "),
    ] {
        let output = ask(StandIn::verifying(), line);
        let (found, next) = output.no(4);
        assert!(found.starts_with(what), "{found}");
        assert!(next.contains("of another version"), "{next}");
        let output = ask(StandIn::verifying(), &[&["--json"], line].concat());
        assert_eq!(output.json()["error"], "Unexpected");
    }
}

#[test]
fn an_agent_without_a_verifier_is_one_of_another_version() {
    let output = ask(StandIn::start(), &["peers"]);
    let (what, next) = output.no(4);
    assert!(what.starts_with("unexpected answer: "), "{what}");
    assert!(next.contains("of another version"), "{next}");
}
