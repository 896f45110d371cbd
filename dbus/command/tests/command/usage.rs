//! The command line: code 2, and what a pipe does.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use super::host::Host;
use super::party::Party;
use super::run::{command, selfsame, selfsame_with};

#[test]
fn what_is_wrong_with_the_command_line_is_usage() {
    for line in [
        &[][..],
        &["hop"],
        &["hop", "1"],
        &["hop", "0", "16"],
        &["hop", "9223372036854775808", "0"],
        &["hop", "-1", "0"],
        &["look"],
        &["confront", "web"],
        &["questions"],
        &["forks", "web", "--report", "AAAA"],
        &["forks", "--text", "--report", "AAAA"],
        &["hop", "1", "0", "--store", "peers"],
        &["id", "--verbose"],
        &["challenge", "web"],
        &["prove", "AAAA"],
        &["verify", "web", "AAAA", "--uid", "root"],
        &["id", "--bus-address", "no address"],
        &["id", "--store", "peers"],
        &["id", "--session", "--bus-address", "unix:path=/x"],
        &["peers", "--session", "--store", "peers"],
    ] {
        let output = selfsame(line);
        let (what, _) = output.no(2);
        let object = selfsame(["--json"].iter().chain(line)).json();
        assert_eq!((&object["error"], &object["check"]), (&"InvalidArgument".into(), &().into()), "{object}");
        assert_eq!(object["text"], what);
    }
    let output = selfsame(["challenge", "web"]);
    let (what, next) = output.no(2);
    assert_eq!(what, "the following required arguments were not provided: --audience <NAME>");
    assert_eq!(next, "usage: selfsame challenge --audience <NAME> <PEER>; `selfsame --help`");
    assert_eq!(selfsame(["look"]).no(2).0, "unrecognized subcommand 'look'");
}

#[test]
fn help_and_version_are_no_errors() {
    for line in [&["--help"][..], &["verify", "--help"], &["--version"], &["help", "prove"]] {
        assert!(!selfsame(line).yes().is_empty());
    }
    let help = selfsame(["--help"]);
    for code in 0..=6 {
        assert!(help.yes().contains(&format!("\n  {code}  ")), "{help:?}");
    }
    assert!(selfsame(["--version"]).yes().starts_with("selfsame "));
}

#[test]
fn what_a_host_is_asked_is_checked_before_there_is_an_agent() {
    let party = Party::new();
    let challenge = party.challenge("web");
    let prove = |rest: &[&str]| {
        let line = ["--bus-address", "unix:path=/nonexistent/bus", "prove", "--audience"];
        let output = selfsame_with(line.iter().chain(rest), &[b'x'; 4097]);
        (output.code, output.stderr.lines().next().unwrap_or_default().to_owned())
    };
    let usage = |what: &str| (2, format!("error: {what}"));
    assert_eq!(prove(&["", &challenge]), usage("audience of 0 bytes: 1 to 255"));
    assert_eq!(
        prove(&["a", "A"]),
        usage("the challenge is malformed: no base64url: it is cut short, or mistyped at its end")
    );
    assert_eq!(
        prove(&["a", "AAAA"]),
        usage("the challenge is malformed: challenge: `challenge` is not a map")
    );
    assert_eq!(
        prove(&["a", "-", "--payload", "-"]),
        usage("challenge and payload can't both be standard input")
    );
    assert_eq!(
        prove(&["a", &challenge, "--payload", "-"]),
        usage("the payload is too long: at most 4096 bytes")
    );
    assert_eq!(prove(&["a", &challenge, "--payload", "x"]).0, 3);
}

#[test]
fn no_agent_is_code_3() {
    let challenge = Party::new().challenge("web");
    let introduction = Host::born(1).introduce();
    let nowhere = ["--bus-address", "unix:path=/nonexistent/bus"];
    let prove = ["prove", "--audience", "a", &challenge];
    let hop = ["hop", "9223372036854775807", "15"];
    let as_a_host = [&["id"][..], &["status"], &["introduce"], &prove, &hop];
    let as_a_party = [
        &["challenge", "web", "--audience", "a"][..],
        &["meet", "web", &introduction],
        &["enrol", "web", "AAAA"],
        &["enrol", "web", "AAAA", "--succeeds"],
        &["verify", "web", "AAAA"],
        &["questions", "web"],
        &["peers"],
        &["forget", "web"],
        &["forks"],
    ];
    for (is_party, line) in
        as_a_host.map(|line| (false, line)).into_iter().chain(as_a_party.map(|line| (true, line)))
    {
        let output = selfsame(nowhere.iter().chain(line));
        let (what, next) = output.no(3);
        assert!(what.starts_with("agent not reachable: "), "{what}");
        assert!(what.ends_with("(the bus at unix:path=/nonexistent/bus)"), "{what}");
        assert_eq!(next.contains("--store FILE"), is_party, "{next}");
        let object = selfsame(nowhere.iter().chain(&["--json"]).chain(line)).json();
        assert_eq!(object["error"], "Unreachable");
    }
    for line in ["id", "peers"] {
        assert_eq!(selfsame(["--session", line]).code, 3);
    }
    // what is wrong with the arguments is found before
    for line in [&["meet", "web", "AAAA"][..], &["confront", "web", "AAAA"], &["forks", "--report", "AAAA"]] {
        assert_eq!(selfsame(nowhere.iter().chain(line)).code, 2, "{line:?}");
    }
}

#[test]
fn who_closes_the_pipe_has_read_enough() {
    let (party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 100);
    let store = party.file.to_str().unwrap();
    for (line, code) in [
        (&["--store", store, "peers"][..], 0),
        (&["--store", store, "--json", "forget", "db"], 1),
        (&["--help"], 0),
        (&["inspect", &host.introduce()], 0),
    ] {
        // the reading end is closed before anything is written
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command().args(line).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), &*stderr), (Some(code), ""), "{line:?}");
    }
}

#[test]
fn an_answer_that_is_lost_is_no_yes() {
    let party = Party::new();
    party.challenge("web");
    let store = party.file.to_str().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command().args(["--store", store, "peers"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: the output is lost: "), "{stderr}");
}
