//! Section sequences: a relying party's state over several exchanges, taken apart and restored after each.

use selfsame::{
    Boot, Fork, Hop, HopAnswer, Introduction, LineageId, Now, Peer, Policy, Refusal, VerifyRefusal,
};
use serde_json::{Value, json};

use super::file::{anchor, bytes, bytes32, entries, heads, number, text};
use super::proofs;

fn now(at: u64) -> Now {
    // the sequences are of one boot: the wall time, at any date, takes no part
    Now { boot: Boot([1; 16]), ticks: at, wall_ms: 4_000_000_000_000 + at * 1000 / 4096 }
}

fn start(value: &Value) -> Peer {
    if value["introduction"].is_string() {
        let introduction = Introduction::parse(&bytes(&value["introduction"])).expect("well-formed");
        // it was made, brought and taken at once
        Peer::introduced(&introduction, &now(introduction.anchor().index()))
    } else {
        Peer::expecting(LineageId::new(bytes32(&value["lineage"])))
    }
}

fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::UnknownChallenge => "another challenge".into(),
        Refusal::Expired => "challenge expired".into(),
        Refusal::KnownFork => "known fork".into(),
        Refusal::Clock { .. } => "older than time allows".into(),
        Refusal::Stalled { .. } => "stalled".into(),
        Refusal::Forked { .. } => "forked".into(),
        Refusal::Contradiction { .. } => "contradicts what is known".into(),
        Refusal::Verify(refusal) => proofs::reason(refusal),
        other => other.to_string(),
    }
}

fn restored(peer: &Peer) -> Peer {
    let record = peer.record();
    let restored = Peer::restore(&record).expect("what was kept comes back");
    assert_eq!(restored.record(), record);
    restored
}

#[test]
fn sequences() {
    for entry in entries("sequences") {
        let name = text(&entry["name"]);
        let mut peer = start(&entry["start"]);
        for (number_of, step) in entry["steps"].as_array().expect("an array").iter().enumerate() {
            let before = peer.record();
            let at = now(number(&step["at"]));
            peer = restored(&peer);
            if !step["challenge"].is_null() {
                let expected = selfsame::Challenge::parse(&bytes(&step["challenge"])).expect("well-formed");
                let challenge = peer.challenge(expected.audience(), &bytes(&step["nonce"]), &at);
                let challenge = challenge.unwrap_or_else(|refusal| panic!("{name}, {number_of}: {refusal}"));
                assert_eq!(challenge, expected, "{name}, step {number_of}");
                continue;
            }
            let policy = Policy { pass_time: step["let_stalled"] == true, ..Policy::default() };
            let outcome = match peer.take(&bytes(&step["proof"]), &at, &policy) {
                Ok(verdict) => {
                    json!([true, verdict.moved, verdict.lag, verdict.known, Value::Null])
                }
                Err(refusal) => {
                    let (ours, theirs) = (reason(&refusal), text(&step["refused_as"]));
                    assert!(proofs::same_reason(&ours, theirs), "{name}, {number_of}: {ours}, not {theirs}");
                    let after = peer.record();
                    assert_eq!(after.hops, before.hops, "{name}, step {number_of}: a refusal keeps no hop");
                    if !matches!(refusal, Refusal::Forked { .. }) {
                        assert_eq!(
                            after.state, before.state,
                            "{name}, {number_of}: a refusal changes nothing"
                        );
                    }
                    json!([false, null, null, null, step["refused_as"]])
                }
            };
            let fields = ["accepted", "moved", "lag", "known", "refused_as"];
            let expected: Vec<_> = fields.iter().map(|field| step[field].clone()).collect();
            assert_eq!(outcome, Value::Array(expected), "{name}, step {number_of}");
        }
        assert_eq!(peer.anchor().cloned(), anchor(&entry["anchor"]), "{name}");
        assert_eq!(peer.unconfirmed(), heads(&entry["unconfirmed"]), "{name}");
        assert_eq!(json!(peer.questions()), entry["questions"], "{name}");
        if !entry["answers"].is_null() {
            confront(&mut peer, entry);
        }
        if !entry["fork"].is_null() {
            let expected = Fork::parse(&bytes(&entry["fork"])).expect("well-formed");
            assert_same_fork(peer.fork().expect("a fork is known"), &expected);
        }
    }
}

/// Asks the questions until an answer shows a fork.
fn confront(peer: &mut Peer, entry: &Value) {
    let answers = entry["answers"].as_array().expect("an array");
    assert_eq!(answers.len(), peer.questions().len());
    for answer in answers.iter().filter(|answer| answer.is_string()) {
        let hop = Hop::parse(&bytes(answer)).expect("well-formed");
        if peer.confront(&HopAnswer { hop, way: vec![] }).is_some() {
            return;
        }
    }
    panic!("no answer shows a fork");
}

/// The same fork, its two hops in either order.
fn assert_same_fork(ours: &Fork, theirs: &Fork) {
    assert_eq!(
        (ours.lineage(), ours.way(), ours.is_for_anyone()),
        (theirs.lineage(), theirs.way(), theirs.is_for_anyone())
    );
    let [first, second] = ours.hops();
    let swapped = [second.clone(), first.clone()];
    assert!(ours.hops() == theirs.hops() || swapped == *theirs.hops(), "other hops");
}

#[test]
fn a_refusal_names_its_check() {
    // what a person reads, and what tests beyond this crate match
    let refusal = Refusal::Verify(VerifyRefusal::OtherChallenge);
    assert!(refusal.to_string().starts_with("check 5: "), "{refusal}");
}
