//! Sections genesis, lineage, moments, geneses, challenges and introductions.

use selfsame::{Challenge, Genesis, Introduction, LineageId, Moment};
use serde_json::Value;

use super::file::{anchor, bytes, bytes32, digest, entries, heads, number, section, text};

#[test]
fn genesis_and_lineage() {
    let body = bytes(section("genesis"));
    let genesis = Genesis::parse(&body).expect("well-formed");
    assert_eq!(genesis.lineage(), LineageId::new(bytes32(section("lineage"))));
    assert_eq!(genesis.body(), body);
    assert!(Moment::parse(&body).is_err(), "a genesis is no later moment");
}

#[test]
fn moments() {
    for entry in entries("moments") {
        let body = bytes(&entry["body"]);
        let moment = Moment::parse(&body).expect("well-formed");
        assert_eq!(moment.index(), number(&entry["index"]));
        assert_eq!(*moment.digest(), digest(&entry["digest"]));
        assert_eq!(moment.body(), body);
        assert!(Genesis::parse(&body).is_err(), "a later moment is no genesis");
    }
}

/// Whether an entry is to be taken, and what to say where it is not so.
fn ok(entry: &Value) -> (bool, String) {
    (entry["ok"].as_bool().expect("true or false"), entry["why"].to_string())
}

#[test]
fn geneses() {
    for entry in entries("geneses") {
        let parsed = Genesis::parse(&bytes(&entry["body"]));
        let (ok, why) = ok(entry);
        assert_eq!(parsed.is_ok(), ok, "{why}: {parsed:?}");
    }
}

#[test]
fn challenges() {
    for entry in entries("challenges") {
        let parsed = Challenge::parse(&bytes(&entry["challenge"]));
        let (ok, why) = ok(entry);
        assert_eq!(parsed.is_ok(), ok, "{why}: {parsed:?}");
        let Ok(challenge) = parsed else { continue };
        assert_eq!(challenge.audience(), text(&entry["audience"]));
        assert_eq!(challenge.nonce(), bytes(&entry["nonce"]));
        let lineage = entry["lineage"].as_str().map(|_| LineageId::new(bytes32(&entry["lineage"])));
        assert_eq!(challenge.lineage(), lineage.as_ref());
        assert_eq!(challenge.since(), if entry["since"].is_null() { vec![] } else { heads(&entry["since"]) });
        assert_eq!(challenge.digest(), digest(&entry["digest"]));
    }
}

#[test]
fn introductions() {
    for entry in entries("introductions") {
        let given = bytes(&entry["introduction"]);
        let parsed = Introduction::parse(&given);
        let (ok, why) = ok(entry);
        assert_eq!(parsed.is_ok(), ok, "{why}: {parsed:?}");
        let Ok(introduction) = parsed else { continue };
        assert_eq!(Some(introduction.anchor()), anchor(&entry["anchor"]));
        assert_eq!(introduction.encode(), given);
    }
}
