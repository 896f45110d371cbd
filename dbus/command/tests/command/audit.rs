//! `audit`, with a stand-in for the agent that may lie.

use serde_json::json;

use super::run::{Output, selfsame};
use super::stand_in::StandIn;

fn ask(arguments: &[&str]) -> Output {
    let bus = StandIn::start();
    let output = selfsame(["--bus-address", &bus.address(), "audit"].iter().chain(arguments));
    bus.end();
    output
}

#[test]
fn a_sample_is_shown_and_held_against_its_moment() {
    let output = ask(&["100"]);
    let shown = output.yes();
    for part in [
        "moment      index 100 (age 24 ms), 2027-01-01 00:00:00 UTC\n",
        "            holds: blind and sample hash to it\n",
        "drift       0.031 of 1, after 5 samples\n",
        "sample      14 bytes\n",
        "forks               258",
    ] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    let object = ask(&["100", "--json"]).json();
    assert_eq!((&object["index"], &object["holds"]), (&json!(100), &json!(true)));
    assert_eq!((&object["drift"], &object["samples"]), (&json!(0.031), &json!(5)));
    assert_eq!((&object["reading"]["forks"], &object["reading"]["cpu"]), (&json!(258), &json!(null)));
    assert_eq!(object["blind"], "09".repeat(32));
}

#[test]
fn another_sample_than_the_moment_commits_to_is_a_no() {
    let output = ask(&["200"]);
    assert_eq!((output.code, &*output.stderr), (1, ""), "{output:?}");
    assert!(output.stdout.contains("DOES NOT HOLD: "), "{output:?}");
    let object = ask(&["200", "--json"]).json();
    assert_eq!((&object["holds"], &object["reading"]), (&json!(false), &json!(null)));
}

#[test]
fn an_answer_that_is_none_is_told_so() {
    for (index, why) in [
        ("201", "the agent's answer is malformed: the blind is not of 32 bytes"),
        ("202", "the agent's answer is of index 100, not of 202"),
        ("203", "the agent's answer is malformed: the moment commits to no sample"),
    ] {
        assert_eq!(ask(&[index]).no(4).0, why);
    }
    let output = ask(&["204"]);
    assert!(output.no(4).0.starts_with("the agent's answer is malformed: "), "{output:?}");
}

#[test]
fn a_moment_without_a_sample_says_what_to_do() {
    let output = ask(&["7"]);
    let (_, next) = output.no(4);
    assert!(next.contains("Without INDEX the newest is shown"), "{next}");
}
