//! Section sequences of the shared vectors, through the store, which is opened anew for every step.

use std::path::PathBuf;

use selfsame::{
    Anchor, Boot, Challenge, Digest, Fork, Head, Hop, HopAnswer, HopRefusal, Introduction, LineageId, Now,
    Pledge, Policy, Refusal, Salt, Verdict, VerifyRefusal,
};
use selfsame_store::{ChallengeOptions, EnrolOptions, Store, StoreError};
use serde_json::{Value, json};

use super::dump::table;
use super::hex::unhex;
use super::host::File;

const PEER: &str = "host";

fn now(at: u64) -> Now {
    Now { boot: Boot([1; 16]), ticks: at, wall_ms: 4_000_000_000_000 + at * 1000 / 4096 }
}

fn sequences() -> Vec<Value> {
    let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/v1.json"));
    let path = std::env::var_os("SELFSAME_VECTORS").map_or(default, PathBuf::from);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_slice(&text).expect("JSON");
    let sequences = file.get("sequences").and_then(Value::as_array).expect("an array").clone();
    assert!(!sequences.is_empty(), "there are sequences");
    sequences
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_else(|| panic!("hex expected, not {value}"));
    unhex(text)
}

fn bytes32(value: &Value) -> [u8; 32] {
    bytes(value).try_into().expect("32 bytes")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("number expected, not {value}"))
}

fn head(value: &Value) -> Head {
    Head { index: number(&value[0]), digest: Digest::new(bytes32(&value[1])) }
}

fn anchor(value: &Value) -> Anchor {
    let pledges = value["pledges"].as_array().expect("an array").iter();
    let pledges: Vec<Pledge> = pledges.map(|pledge| Pledge::new(bytes32(pledge))).collect();
    Anchor::new(
        LineageId::new(bytes32(&value["lineage"])),
        Salt::new(bytes32(&value["salt"])),
        Head { index: number(&value["index"]), digest: Digest::new(bytes32(&value["digest"])) },
        pledges.try_into().expect("16 pledges"),
    )
}

/// The reference's word for why a proof is refused; none for what no sequence has.
fn word(error: &StoreError) -> Option<&'static str> {
    let StoreError::Refused(refusal) = error else { return None };
    Some(match refusal {
        Refusal::UnknownChallenge => "another challenge",
        Refusal::Expired => "challenge expired",
        Refusal::KnownFork => "known fork",
        Refusal::Clock { .. } => "older than time allows",
        Refusal::Stalled { .. } => "stalled",
        Refusal::Forked { .. } => "forked",
        Refusal::Contradiction { .. } => "contradicts what is known",
        Refusal::Verify(VerifyRefusal::Hop { why: HopRefusal::Opening { .. }, .. }) => {
            "opening does not match the pledge"
        }
        Refusal::Verify(VerifyRefusal::OtherLineage { .. }) => "another lineage",
        Refusal::Verify(VerifyRefusal::NotYounger { .. }) => "does not go forward",
        _ => return None,
    })
}

struct Sequence {
    file: File,
    /// The lineage to expect, until the peer is known.
    expected: Option<LineageId>,
}

impl Sequence {
    fn start(value: &Value) -> Self {
        let file = File::new();
        if value["introduction"].is_null() {
            return Self { file, expected: Some(LineageId::new(bytes32(&value["lineage"]))) };
        }
        let introduction = Introduction::parse(&bytes(&value["introduction"])).expect("well-formed");
        // it was made, brought and taken at once
        let at = now(introduction.anchor().index());
        file.open().meet(PEER, &introduction, &at, false).expect("it is new");
        Self { file, expected: None }
    }

    fn challenge(&self, step: &Value) -> Result<Challenge, StoreError> {
        let mut store = self.file.open();
        let audience =
            Challenge::parse(&bytes(&step["challenge"])).expect("well-formed").audience().to_owned();
        let options = ChallengeOptions { lineage: self.expected, anew: false };
        store.challenge(PEER, &audience, &bytes(&step["nonce"]), &now(number(&step["at"])), &options)
    }

    fn proof(&self, step: &Value) -> Result<Verdict, StoreError> {
        let mut store = self.file.open();
        let (proof, at) = (bytes(&step["proof"]), now(number(&step["at"])));
        let policy = Policy { pass_time: step["let_stalled"] == true, ..Policy::default() };
        if is_known(&mut store) {
            return store.verify(PEER, &proof, &at, &policy);
        }
        let options = EnrolOptions { policy, ..EnrolOptions::default() };
        store.enrol(PEER, &proof, &at, &options).map(|enrolment| enrolment.verdict)
    }

    /// What a refused proof may not change.
    fn kept(&self) -> Vec<String> {
        let of_peer = ["peer", "hop", "past"].map(|name| table(&self.file.path, name));
        of_peer.concat()
    }
}

fn is_known(store: &mut Store) -> bool {
    !store.peers().expect("readable").is_empty()
}

#[test]
fn sequences_come_out_as_in_the_vectors() {
    for entry in sequences() {
        let sequence = Sequence::start(&entry["start"]);
        for (place, step) in entry["steps"].as_array().expect("an array").iter().enumerate() {
            let name = format!("{}, step {place}", entry["name"]);
            if !step["challenge"].is_null() {
                let challenge = sequence.challenge(step).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(challenge.as_bytes(), bytes(&step["challenge"]), "{name}");
                continue;
            }
            let before = sequence.kept();
            let outcome = match sequence.proof(step) {
                Ok(verdict) => json!([true, verdict.moved, verdict.lag, verdict.known, null]),
                Err(error) => {
                    if !matches!(error, StoreError::Refused(Refusal::Forked { .. })) {
                        assert_eq!(sequence.kept(), before, "{name}: {error}");
                    }
                    let word = word(&error).unwrap_or_else(|| panic!("{name}: not in the vectors: {error}"));
                    json!([false, null, null, null, word])
                }
            };
            let fields = ["accepted", "moved", "lag", "known", "refused_as"].map(|field| &step[field]);
            assert_eq!(outcome, json!(fields), "{name}");
        }
        ends_so(&sequence, &entry);
    }
}

fn ends_so(sequence: &Sequence, entry: &Value) {
    let name = &entry["name"];
    let mut store = sequence.file.open();
    store.check().expect("all is well");
    if entry["anchor"].is_null() {
        assert!(!is_known(&mut store), "{name}");
        return;
    }
    let peer = store.peer(PEER).expect("it is known");
    assert_eq!(peer.anchor(), Some(&anchor(&entry["anchor"])), "{name}");
    let heads: Vec<Head> = entry["unconfirmed"].as_array().expect("an array").iter().map(head).collect();
    assert_eq!(peer.unconfirmed(), heads, "{name}");
    let questions = store.questions(PEER).expect("it is known");
    assert_eq!(json!(questions), entry["questions"], "{name}");
    if let Some(answers) = entry["answers"].as_array() {
        assert_eq!(answers.len(), questions.len(), "{name}");
        let mut hops = answers.iter().filter(|answer| answer.is_string()).map(bytes);
        let shown = hops.find_map(|hop| {
            let hop = Hop::parse(&hop).expect("well-formed");
            sequence.file.open().confront(PEER, &HopAnswer { hop, way: vec![] }).expect("it is known")
        });
        assert!(shown.is_some(), "{name}: no answer shows a fork");
    }
    let forks = sequence.file.open().forks(Some(PEER)).expect("it is known");
    if entry["fork"].is_null() {
        assert_eq!(forks.len(), usize::from(entry["steps"].to_string().contains("\"forked\"")), "{name}");
        return;
    }
    let expected = Fork::parse(&bytes(&entry["fork"])).expect("well-formed");
    let [fork] = &forks[..] else { panic!("{name}: {} forks", forks.len()) };
    let [first, second] = fork.hops().clone();
    let same = |hops: [Hop; 2]| hops == *expected.hops();
    assert!(same([first.clone(), second.clone()]) || same([second, first]), "{name}");
    let rest = (fork.lineage(), fork.way(), fork.is_for_anyone());
    assert_eq!(rest, (expected.lineage(), expected.way(), expected.is_for_anyone()), "{name}");
}
