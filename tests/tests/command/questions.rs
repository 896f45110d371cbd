//! From an alarm to a proof: `questions`, the host's hops, `confront`.

use std::fs::File;

use selfsame::HopAnswer;
use serde_json::{Value, json};

use super::alarms::copied;
use super::host::Host;
use super::place::{Party, Place};
use super::run::{bytes, selfsame_with, text};

both! {
    a_host_that_was_copied_shows_it,
    an_answer_comes_from_a_file_or_standard_input,
    the_answers_of_an_unbroken_history_show_nothing,
    a_fork_without_the_way_is_for_who_holds_the_moment_and_becomes_one_for_anyone,
    what_a_proof_has_shown_becomes_a_fork_for_anyone,
    who_was_only_introduced_is_asked_nothing,
    what_is_no_answer_is_refused,
    the_lines_are_those_that_the_host_runs,
    an_alarm_whose_evidence_is_lost_is_an_alarm,
}

/// A party whose "web" is a copy by now, and the host that was copied, with a moment of its own since.
pub fn stolen(place: Place) -> (Party, Host) {
    let (party, mut host, mut copy) = copied(place);
    party.verify("web", &mut copy, 74);
    host.beat(90);
    (party, host)
}

/// What a party asks, as its host reads it.
pub fn asked(party: &Party) -> Vec<(u64, u8)> {
    let output = party.run(&["questions", "web"]);
    let question = |line: &str| {
        let (index, tier) = line.strip_prefix("hop ").unwrap().split_once(' ').unwrap();
        (index.parse().unwrap(), tier.parse().unwrap())
    };
    output.yes().lines().map(question).collect()
}

/// A host's answer to a question, as it travels; `None` where it is not kept.
fn answer_of(host: &Host, index: u64, tier: u8) -> Option<String> {
    host.lineage.hop(index, tier, true).ok().map(|answer| text(&answer.encode()))
}

/// Asks until an answer shows a fork; the answer, and the alarm in JSON.
pub fn confronted(party: &Party, host: &Host) -> (String, Value) {
    let answers = asked(party).into_iter().filter_map(|(index, tier)| answer_of(host, index, tier));
    answers
        .map(|answer| (party.json(&["confront", "web", &answer]), answer))
        .find(|(object, _)| !object["fork"].is_null())
        .map(|(object, answer)| (answer, object))
        .expect("one of the answers shows it")
}

fn a_host_that_was_copied_shows_it(place: Place) {
    let (party, mut host, mut copy) = copied(place);
    party.verify("web", &mut copy, 74);
    // asked to go on from there, the host's agent says `ForeignAnchor`: so it is asked
    host.beat(90);
    let questions = party.store().questions("web").unwrap();
    assert_eq!(asked(&party), questions, "in the protocol's order");
    assert_eq!(questions[0].0, 64, "the hop that the copy made comes first");
    let list: Vec<_> =
        questions.iter().map(|(index, tier)| json!({ "index": index, "tier": tier })).collect();
    assert_eq!(party.json(&["questions", "web"]), json!({ "peer": "web", "questions": list }));

    let (answer, object) = confronted(&party, &host);
    let output = party.run(&["confront", "web", &answer]);
    let fork = output.stdout.trim_end();
    assert_eq!(output.code, 6, "{output:?}");
    let alarm = format!(
        "alarm: one pledge was opened over two moments: lineage {} was copied. This fork, for anyone, is kept\nnext: ",
        host.id()
    );
    assert!(output.stderr.starts_with(&alarm), "{output:?}");
    assert!(output.stderr.contains("anyone can check it"), "{output:?}");
    let size = bytes(fork).len();
    let expected = json!({
        "error": "Forked",
        "check": null,
        "text": object["text"],
        "next": object["next"],
        "peer": "web",
        "lineage": host.id(),
        "for_anyone": true,
        "tier": questions[0].1,
        "indices": [74, 90],
        "bytes": size,
        "fork": fork,
    });
    assert_eq!(object, expected);
    let kept = party.store().forks(Some("web")).unwrap();
    assert_eq!(kept.iter().map(|fork| text(&fork.encode())).collect::<Vec<_>>(), [fork]);
    // it has come to stay
    let proof = copy.prove(&party.challenge("web"), 120);
    party.refused_by(&["verify", "web", &proof], 6, "Forked", None::<u8>);
}

fn an_answer_comes_from_a_file_or_standard_input(place: Place) {
    let (party, host) = stolen(place);
    let (answer, object) = confronted(&party, &host);
    let file = format!("@{}", party.beside("answer", &format!("{answer}\n")));
    let outputs =
        [party.run(&["confront", "web", &file]), party.run_with(&["confront", "web", "-"], &answer)];
    for output in outputs {
        assert_eq!((output.code, output.stdout.trim_end()), (6, object["fork"].as_str().unwrap()));
    }
}

fn the_answers_of_an_unbroken_history_show_nothing(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 64);
    party.verify("web", &mut host, 80);
    host.beat(100);
    let questions = asked(&party);
    assert!(questions.len() > 1);
    for (index, tier) in questions {
        let answer = answer_of(&host, index, tier).unwrap();
        let before = std::fs::read(&party.file).unwrap();
        let output = party.run(&["confront", "web", &answer]);
        assert!(output.yes().starts_with("web: this answer shows no fork. Go on"), "{output:?}");
        assert_eq!(party.json(&["confront", "web", &answer]), json!({ "peer": "web", "fork": null }));
        assert!(std::fs::read(&party.file).unwrap() == before);
    }
    assert_eq!(party.json(&["forks"]), json!({ "forks": [] }));
}

fn a_fork_without_the_way_is_for_who_holds_the_moment_and_becomes_one_for_anyone(place: Place) {
    let (party, host) = stolen(place);
    let (index, tier) = asked(&party)[0];
    let HopAnswer { hop, .. } = host.lineage.hop(index, tier, false).unwrap();
    // the way to index 64 is not empty
    let answer = text(&HopAnswer { hop, way: Vec::new() }.encode());
    let object = party.json(&["confront", "web", &answer]);
    assert_eq!((&object["error"], &object["for_anyone"]), (&"Forked".into(), &false.into()), "{object}");
    let next = object["next"].as_str().unwrap();
    assert!(next.starts_with("go on with the next questions"), "{next}");
    let object = party.json(&["confront", "web", &answer_of(&host, index, tier).unwrap()]);
    assert_eq!(object["for_anyone"], true, "{object}");
}

fn what_a_proof_has_shown_becomes_a_fork_for_anyone(place: Place) {
    let (party, mut host, mut copy) = copied(place);
    let challenges = [party.challenge("web"), party.challenge("web")];
    party.run(&["verify", "web", &copy.prove(&challenges[0], 74)]).yes();
    assert_eq!(party.run(&["verify", "web", &host.prove(&challenges[1], 74)]).code, 6);
    assert_eq!(party.json(&["forks", "web"])["forks"][0]["for_anyone"], false);
    let (_, object) = confronted(&party, &host);
    assert_eq!(object["for_anyone"], true, "{object}");
    assert_eq!(party.json(&["forks", "web"])["forks"][0]["fork"], object["fork"]);
}

fn who_was_only_introduced_is_asked_nothing(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.run(&["meet", "web", &host.introduce()]).yes();
    let output = party.run(&["questions", "web"]);
    let note = "note: web: nothing to ask: no proof was accepted of it since it was met\n";
    assert_eq!((output.code, &*output.stdout, &*output.stderr), (0, "", note));
    assert_eq!(party.json(&["questions", "web"]), json!({ "peer": "web", "questions": [] }));
}

fn what_is_no_answer_is_refused(place: Place) {
    let (party, host) = stolen(place);
    let (index, tier) = asked(&party)[0];
    let answer = answer_of(&host, index, tier).unwrap();
    for verb in [&["questions", "db"][..], &["confront", "db", &answer]] {
        let (what, _) = party.refused(verb, 1, "UnknownPeer");
        assert_eq!(what, "no peer \"db\" is known");
    }
    let hop = text(&host.lineage.hop(index, tier, false).unwrap().hop.encode());
    for (wrong, why) in [
        ("AAAA", "the answer is malformed: hop answer: "),
        (&*hop, "the answer is malformed: hop answer: "),
        (&answer[..400], "the answer is malformed: hop answer: "),
        ("no answer", "the answer is malformed: white space at byte 2"),
    ] {
        let (what, next) = party.refused(&["confront", "web", wrong], 2, "InvalidArgument");
        assert!(what.starts_with(why), "{what}");
        assert!(!next.is_empty());
    }
    let mut other = Host::born(2);
    other.beat(90);
    let (what, next) =
        party.refused(&["confront", "web", &answer_of(&other, 0, 0).unwrap()], 1, "OtherLineage");
    let expected =
        format!("the answer is of lineage {}, the peer is {}: it can show nothing", other.id(), host.id());
    assert_eq!(what, expected);
    assert!(next.contains("a person decides"), "{next}");
    // an opening that is wrong opens no pledge that is known
    let mut wrong = bytes(&answer);
    wrong[500] ^= 1;
    assert_eq!(party.json(&["confront", "web", &text(&wrong)])["fork"], Value::Null);
}

fn the_lines_are_those_that_the_host_runs(place: Place) {
    let (party, _) = stolen(place);
    for line in party.run(&["questions", "web"]).yes().lines() {
        let words = ["--bus-address", "unix:path=/nonexistent/bus"].into_iter().chain(line.split(' '));
        assert_eq!(selfsame_with(words, b"").code, 3, "a right command line, but no agent: {line}");
    }
}

/// The code was that of a lost answer, 5, also where what was lost is the evidence of an alarm.
fn an_alarm_whose_evidence_is_lost_is_an_alarm(place: Place) {
    let (party, host) = stolen(place);
    let (answer, object) = confronted(&party, &host);
    let alarm =
        format!("alarm: {}\nnext: {}\n", object["text"].as_str().unwrap(), object["next"].as_str().unwrap());
    // in JSON the alarm itself is on standard output
    for (json, raised) in [(None, &*alarm), (Some("--json"), "")] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = party.command(&["confront", "web", &answer]).args(json).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(6), "{stderr}");
        let lost = stderr.strip_prefix(raised).unwrap_or_else(|| panic!("{stderr}"));
        assert!(lost.starts_with("error: the output is lost: "), "{stderr}");
        assert_eq!(lost.matches('\n').count(), 1, "{stderr}");
    }
}
