//! A relying party over several exchanges: the reference against the vectors' sequences.

use serde_json::{Value, json};

use crate::spec::party::{Party, Refused};
use crate::spec::time::Clocks;
use crate::vectors::{anchor, bytes, entries};

fn clocks(at: u64) -> Clocks {
    Clocks { ticks: at, wall_ms: 4_000_000_000_000 + at * 1000 / 4096 }
}

fn start(value: &Value) -> Party {
    if value["introduction"].is_string() {
        let given = bytes(&value["introduction"]);
        let (_, moment) = crate::spec::moment::introduction(&given).unwrap();
        // it was made, brought and taken at once
        return Party::introduced(&given, clocks(moment.map_or(0, |moment| moment.index)));
    }
    Party::expecting(Some(bytes(&value["lineage"]).try_into().unwrap()))
}

/// The vectors' words for a refusal.
fn is_word(refused: &Refused, word: &str) -> bool {
    let expected = match refused {
        Refused::UnknownChallenge => "another challenge",
        Refused::Expired => "challenge expired",
        Refused::KnownFork => "known fork",
        Refused::Clock => "older than time allows",
        Refused::Stalled => "stalled",
        Refused::Forked => "forked",
        Refused::Contradiction => "contradicts what is known",
        Refused::Check(why) => return why.check() == 3 && word == "opening does not match the pledge",
        Refused::Busy => "busy",
    };
    word == expected
}

#[test]
fn vectors() {
    for entry in entries("/sequences") {
        let name = &entry["name"];
        let mut party = start(&entry["start"]);
        for (number, step) in entry["steps"].as_array().unwrap().iter().enumerate() {
            let at = clocks(step["at"].as_u64().unwrap());
            if step["challenge"].is_string() {
                party.issue(&bytes(&step["challenge"]), at);
                continue;
            }
            let taken = party.take(&bytes(&step["proof"]), at, step["let_stalled"] == true);
            assert_eq!(taken.is_ok(), step["accepted"] == true, "{name}, {number}: {taken:?}");
            match taken {
                Ok(verdict) => {
                    let theirs = ["moved", "lag", "known"].map(|field| step[field].clone());
                    let ours = [json!(verdict.moved), json!(verdict.lag), json!(verdict.known)];
                    assert_eq!(ours, theirs, "{name}, {number}");
                }
                Err(refused) => {
                    let word = step["refused_as"].as_str().unwrap();
                    assert!(is_word(&refused, word), "{name}, {number}: {refused:?}, not {word}");
                }
            }
        }
        assert_eq!(party.anchor, anchor(&entry["anchor"]), "{name}");
        assert_eq!(json!(party.past.questions()), entry["questions"], "{name}");
        let unconfirmed = entry["unconfirmed"].as_array().unwrap();
        let heads = party.unconfirmed.iter().zip(unconfirmed);
        assert_eq!(party.unconfirmed.len(), unconfirmed.len(), "{name}");
        assert!(
            heads
                .clone()
                .all(|(ours, theirs)| json!(ours.0) == theirs[0] && ours.1.to_vec() == bytes(&theirs[1])),
            "{name}"
        );
    }
}
