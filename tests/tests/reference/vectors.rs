//! The reference against the vectors of an independent implementation: so it has a footing of its own.

use serde_json::Value;

use crate::spec::merkle;
use crate::spec::messages::Challenge;
use crate::spec::moment::{Anchor, Genesis, Moment, introduction};
use crate::spec::verify::{Asked, Passed, Why, verify};
use crate::spec::{hash, odometer, pledge};

/// A section of the file; there is at least one entry in it.
pub fn entries(name: &str) -> Vec<Value> {
    let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/v1.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let entries = file.pointer(name).and_then(Value::as_array).unwrap_or_else(|| panic!("section {name}"));
    assert!(!entries.is_empty(), "section {name} is empty");
    entries.clone()
}

pub fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn bytes32(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

fn all32(value: &Value) -> Vec<[u8; 32]> {
    value.as_array().unwrap().iter().map(bytes32).collect()
}

pub fn anchor(value: &Value) -> Option<Anchor> {
    if value.is_null() {
        return None;
    }
    Some(Anchor {
        lineage: bytes32(&value["lineage"]),
        salt: bytes32(&value["salt"]),
        index: value["index"].as_u64().unwrap(),
        digest: bytes32(&value["digest"]),
        pledges: all32(&value["pledges"]).try_into().unwrap(),
    })
}

#[test]
fn hashes_and_pledges() {
    for entry in entries("/hash") {
        let output = hash::h(entry["purpose"].as_str().unwrap(), &bytes(&entry["input"]));
        assert_eq!(output, bytes32(&entry["output"]));
    }
    for entry in entries("/pledges") {
        let [salt, secret, made, of] =
            ["salt", "secret", "pledge", "digest"].map(|field| bytes32(&entry[field]));
        assert_eq!(pledge::pledge(&secret, &salt), made);
        assert_eq!(serde_json::json!(pledge::digits(&of)), entry["digits"]);
        let opening = pledge::opening(&secret, &salt, &of);
        assert_eq!(opening, bytes(&entry["opening"]));
        assert_eq!(pledge::opened(&opening, &salt, &of), made);
    }
}

#[test]
fn tiers_and_trees() {
    for entry in entries("/odometer/tier") {
        let [p, y, tier] = [0, 1, 2].map(|at| entry[at].as_u64().unwrap());
        // of p = y there is none: the vectors say 0
        assert_eq!(if p < y { odometer::tier(p, y) } else { 0 }, tier, "{entry}");
    }
    for entry in entries("/odometer/cap") {
        assert_eq!(odometer::cap(entry[0].as_u64().unwrap()), entry[1].as_u64().unwrap(), "{entry}");
    }
    for entry in entries("/merkle") {
        let (leaves, position) = (all32(&entry["leaves"]), entry["position"].as_u64().unwrap());
        let path = merkle::path(&leaves, position as usize);
        assert_eq!((merkle::root(&leaves), &path), (bytes32(&entry["root"]), &all32(&entry["path"])));
        let led_to = merkle::led_to(&leaves[position as usize], position, leaves.len() as u64, &path);
        assert_eq!(led_to, Some(merkle::root(&leaves)));
    }
}

#[test]
fn messages() {
    for entry in entries("/moments") {
        let moment = Moment::parse(&bytes(&entry["body"])).unwrap();
        assert_eq!(serde_json::json!(moment.index), entry["index"]);
        assert_eq!(moment.digest, bytes32(&entry["digest"]));
    }
    for entry in entries("/geneses") {
        let genesis = Genesis::parse(&bytes(&entry["body"]));
        assert_eq!(genesis.is_ok(), entry["ok"] == true, "{}: {genesis:?}", entry["why"]);
    }
    for entry in entries("/introductions") {
        let parsed = introduction(&bytes(&entry["introduction"]));
        assert_eq!(parsed.is_ok(), entry["ok"] == true, "{}: {parsed:?}", entry["why"]);
    }
    for entry in entries("/challenges") {
        let challenge = Challenge::parse(&bytes(&entry["challenge"]));
        assert_eq!(challenge.is_ok(), entry["ok"] == true, "{}: {challenge:?}", entry["why"]);
        if let Ok(challenge) = challenge {
            assert_eq!(challenge.digest, bytes32(&entry["digest"]));
            assert_eq!(challenge.nonce, bytes(&entry["nonce"]));
        }
    }
}

fn check(entry: &Value) -> Result<Passed, Why> {
    let (challenge, proof) = (bytes(&entry["challenge"]), bytes(&entry["proof"]));
    verify(anchor(&entry["anchor"]).as_ref(), &challenge, &proof, &Asked::default())
}

#[test]
fn proofs() {
    for entry in entries("/proofs") {
        let passed = check(&entry).unwrap();
        assert_eq!(serde_json::json!(passed.moments.len()), entry["hops"]);
        assert_eq!(passed.moments.last().cloned(), anchor(&entry["head"]));
        assert_eq!(serde_json::json!(passed.proof.statement.known), entry["known"]);
    }
    for entry in entries("/bad_proofs") {
        refused(&entry);
    }
    for entry in entries("/crafted") {
        if entry["ok"] == true {
            check(&entry).unwrap();
        } else {
            refused(&entry);
        }
    }
}

fn refused(entry: &Value) {
    let why = check(entry).expect_err(&entry["why"].to_string());
    let theirs = entry["refused_as"].as_str().unwrap();
    assert_eq!(why.check(), check_of(theirs, &why), "{}: {why:?}, not {theirs:?}", entry["why"]);
}

/// The check of the vectors' words for why a proof is refused; of two words there are two.
fn check_of(word: &str, ours: &Why) -> u64 {
    match word {
        "starts from another moment" | "another lineage's genesis" => 2,
        "another lineage" | "does not go forward" if matches!(ours, Why::Hop(..)) => 3,
        "another lineage" | "does not go forward" => 2,
        "genesis where it does not belong" | "another genesis" => 4,
        "another challenge"
        | "another audience"
        | "known where it does not belong"
        | "statement is not in the moment" => 5,
        "a moment between has this tier"
        | "another previous moment"
        | "beyond the head"
        | "not the tier of the one way"
        | "opening does not match the pledge"
        | "a pledge that was not due has changed"
        | "a pledge that was due has not changed"
        | "tier did not roll over"
        | "tier older than the absence" => 3,
        _ => 1,
    }
}
