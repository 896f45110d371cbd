//! This host's side, with a stand-in for the agent.

use serde_json::json;

use super::party::Party;
use super::run::{Output, bytes, selfsame_with, text};
use super::stand_in::{self, LINEAGE, StandIn};

/// Runs the command on a bus with an agent.
fn ask(arguments: &[&str], input: &[u8]) -> Output {
    let bus = StandIn::start();
    let output = selfsame_with(["--bus-address", &bus.address()].iter().chain(arguments), input);
    bus.end();
    output
}

#[test]
fn id_is_the_lineage() {
    assert_eq!(ask(&["id"], b"").yes(), LINEAGE);
    assert_eq!(ask(&["id", "--json"], b"").json(), json!({ "lineage": LINEAGE }));
}

#[test]
fn status_is_all_properties() {
    let text = "\
lineage          selfsame1example
born             2027-01-01 00:00:00 UTC
index            368640 (age 1 min 30 s)
moments          12
origin           follows selfsame1before: the host was started anew (boot)
condition        degraded
memory           secret
sources          tpm (tpm): failed
                 rdseed (cpu): healthy
foreign anchors  1: somebody else may have answered in this host's name
drift            0.125
version          0.0.0\\n";
    assert_eq!(ask(&["status"], b"").yes(), text);
    let object = json!({
        "lineage": LINEAGE,
        "born_ms": 1_798_761_600_000_u64,
        "index": 368_640,
        "moments": 12,
        "origin": {
            "reason": "boot",
            "predecessor": "selfsame1before",
            "text": "follows selfsame1before: the host was started anew (boot)",
        },
        "condition": "degraded",
        "memory": "secret",
        "sources": [
            {"name": "tpm", "class": "tpm", "healthy": false},
            {"name": "rdseed", "class": "cpu", "healthy": true},
        ],
        "foreign_anchors": 1,
        "drift": 0.125,
        "version": "0.0.0\n",
    });
    assert_eq!(ask(&["status", "--json"], b"").json(), object);
}

#[test]
fn an_introduction_and_a_proof_are_one_line_each() {
    let introduction = text(b"introduction");
    assert_eq!(ask(&["introduce"], b"").yes(), introduction);
    assert_eq!(ask(&["introduce", "--json"], b"").json(), json!({ "introduction": introduction }));

    let party = Party::new();
    let challenge = party.challenge("web");
    let echo = |payload: &[u8]| [b"a door\n", &bytes(&challenge)[..], b"\n", payload].concat();
    let prove = ["prove", "--audience", "a door"];
    let proof = |rest: &[&str], input: &[u8]| bytes(ask(&[&prove[..], rest].concat(), input).yes());
    assert_eq!(proof(&[&challenge], b""), echo(b""));
    assert_eq!(proof(&["-"], format!(" {challenge}\n").as_bytes()), echo(b""));
    assert_eq!(proof(&[&challenge, "--payload", "hello"], b""), echo(b"hello"));
    assert_eq!(proof(&[&challenge, "--payload", "-"], b" bytes \xff\n"), echo(b" bytes \xff\n"));
    let file = format!("@{}", party.beside("payload", " as it is\n"));
    assert_eq!(proof(&[&challenge, "--payload", &file], b""), echo(b" as it is\n"));
    let object = ask(&[&prove[..], &["--json", &challenge]].concat(), b"").json();
    assert_eq!(object, json!({ "proof": text(&echo(b"")) }));
}

#[test]
fn a_refusal_comes_through_with_its_name_and_code() {
    let challenge = Party::new().challenge("web");
    for (name, code) in [
        ("NotAuthorized", 4),
        ("InvalidArgument", 2),
        ("Busy", 4),
        ("OtherLineage", 4),
        ("ForeignAnchor", 6),
        ("WrongAudience", 4),
        ("TooOld", 4),
        ("Failed", 4),
    ] {
        let audience = format!("org.selfsame.Error.{name}");
        let arguments = ["prove", "--audience", &audience, &challenge];
        let output = ask(&arguments, b"");
        assert_eq!(output.no(code).0, "because of the test");
        let output = ask(&[&["--json"], &arguments[..]].concat(), b"");
        let object = output.json();
        assert_eq!((output.code, &object["error"]), (code, &json!(name)));
        assert_eq!((&object["check"], &object["text"]), (&json!(null), &json!("because of the test")));
    }
}

#[test]
fn after_a_reboot_it_says_what_the_relying_party_runs() {
    let challenge = Party::new().challenge("web");
    let output = ask(&["prove", "--audience", "org.selfsame.Error.OtherLineage", &challenge], b"");
    let (_, next) = output.no(4);
    for command in ["challenge PEER --audience NAME --anew`", "enrol PEER PROOF --succeeds`"] {
        assert!(next.contains(command), "{next}");
    }
}

#[test]
fn a_hop_is_one_text_with_its_way() {
    let expected = stand_in::host().lineage.hop(5000, 2, true).unwrap();
    assert!(!expected.way.is_empty());
    let answer = text(&expected.encode());
    assert_eq!(ask(&["hop", "5000", "2"], b"").yes(), answer);
    assert_eq!(ask(&["--json", "hop", "5000", "2"], b"").json(), json!({ "answer": answer }));
}

#[test]
fn a_hop_that_is_not_kept_is_code_4_and_what_is_no_hop_too() {
    let output = ask(&["hop", "5100", "2"], b"");
    let (_, next) = output.no(4);
    assert!(next.starts_with("go on with the relying party's next question"), "{next}");
    assert_eq!(ask(&["--json", "hop", "5100", "2"], b"").json()["error"], "NotKept");
    let output = ask(&["hop", "1", "0"], b"");
    assert!(output.no(4).0.starts_with("the agent's answer is malformed: hop: "), "{output:?}");
    assert_eq!(ask(&["--json", "hop", "1", "0"], b"").json()["error"], "Unexpected");
}

#[test]
fn a_foreign_anchor_says_what_to_run_next() {
    let challenge = Party::new().challenge("web");
    let output = ask(&["prove", "--audience", "org.selfsame.Error.ForeignAnchor", &challenge], b"");
    let (_, next) = output.no(6);
    for command in ["[--store FILE] questions PEER`", "`selfsame hop INDEX TIER`", "confront PEER TEXT`"] {
        assert!(next.contains(command), "{next}");
    }
}

#[test]
fn an_end_is_asked_for_in_so_many_words() {
    let ended = ask(&["end", "--yes", "--reason", "hibernate"], b"");
    assert_eq!(ended.yes(), format!("ended: {LINEAGE}"));
    let object = json!({ "ended": LINEAGE, "begun": null });
    assert_eq!(ask(&["end", "--yes", "--reason", "hibernate", "--json"], b"").json(), object);
    let refused = ask(&["end", "--yes"], b"");
    assert_eq!(refused.code, 4);
    assert!(refused.stderr.contains("next: be root: `sudo selfsame end`"), "{refused:?}");
    // nobody at a terminal
    let unasked = selfsame_with(["--bus-address", "unix:path=/nonexistent/bus", "end"], b"yes\n");
    assert_eq!(unasked.code, 2);
    assert!(unasked.stderr.contains("say --yes"), "{unasked:?}");
}
