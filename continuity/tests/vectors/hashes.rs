//! Sections hash, pledges, odometer, merkle and state.

use selfsame::hazmat::{self, Purpose};
use selfsame::{Digest, Opening, Salt, Secret};
use serde_json::Value;

use super::file::{bytes, bytes32, digest, entries, number, section, text};

fn purpose(name: &str) -> Purpose {
    let all = [
        Purpose::Pledge,
        Purpose::Moment,
        Purpose::Challenge,
        Purpose::Statement,
        Purpose::StatementNode,
        Purpose::Sample,
        Purpose::Birth,
        Purpose::Stir,
        Purpose::Ratchet,
    ];
    let is_this = |purpose: &Purpose| purpose.context() == format!("selfsame 2026 v1 {name}");
    all.into_iter().find(is_this).unwrap_or_else(|| panic!("purpose `{name}`"))
}

#[test]
fn hash() {
    for entry in entries("hash") {
        let output = purpose(text(&entry["purpose"])).hash(&bytes(&entry["input"]));
        assert_eq!(output, bytes32(&entry["output"]), "{entry}");
    }
}

#[test]
fn pledges() {
    for entry in entries("pledges") {
        let (salt, secret) = (Salt::new(bytes32(&entry["salt"])), Secret::new(bytes32(&entry["secret"])));
        let (of, digits) = (digest(&entry["digest"]), &entry["digits"]);
        assert_eq!(hazmat::pledge(&secret, &salt).as_bytes(), &bytes32(&entry["pledge"]));
        assert_eq!(serde_json::to_value(hazmat::digits(&of).to_vec()).expect("numbers"), *digits);
        let opening = hazmat::open(&secret, &salt, &of);
        assert_eq!(opening.as_bytes(), bytes(&entry["opening"]));
        let parsed = Opening::from_bytes(&bytes(&entry["opening"])).expect("2,144 bytes");
        assert_eq!(hazmat::opened(&parsed, &salt, &of).as_bytes(), &bytes32(&entry["pledge"]));
    }
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().expect("an array").iter().map(number).collect()
}

#[test]
fn odometer() {
    for entry in section("odometer")["tier"].as_array().expect("an array") {
        let [p, y, tier] = numbers(entry).try_into().expect("three");
        assert_eq!(u64::from(hazmat::tier(p, y)), tier, "{p} to {y}");
    }
    for entry in section("odometer")["cap"].as_array().expect("an array") {
        let [gap, cap] = numbers(entry).try_into().expect("two");
        assert_eq!(u64::from(hazmat::cap(gap)), cap, "{gap}");
    }
}

#[test]
fn merkle() {
    for entry in entries("merkle") {
        let digests =
            |value: &Value| value.as_array().expect("an array").iter().map(digest).collect::<Vec<_>>();
        let position = number(&entry["position"]) as usize;
        let (root, inclusion) = hazmat::merkle(digests(&entry["leaves"]), position).expect("leaves");
        assert_eq!(root, digest(&entry["root"]));
        assert_eq!(inclusion.path(), digests(&entry["path"]));
    }
}

fn contributions(value: &Value) -> Vec<(String, Vec<u8>)> {
    let inputs = value["inputs"].as_array().expect("an array").iter();
    inputs.map(|input| (text(&input[0]).to_owned(), bytes(&input[1]))).collect()
}

fn borrowed(contributions: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    contributions.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
}

#[test]
fn state() {
    let entry = section("state");
    let state = hazmat::birth(&borrowed(&contributions(&entry["birth"])));
    assert_eq!(*state.expose(), bytes32(&entry["birth"]["state"]));
    let mut state = hazmat::stir(&state, &borrowed(&contributions(&entry["stir"])));
    assert_eq!(*state.expose(), bytes32(&entry["stir"]["state"]));
    let ratchet = &entry["ratchet"];
    let mut secrets: Vec<_> = (0..number(&ratchet["secrets"])).map(|_| Secret::new([0; 32])).collect();
    hazmat::ratchet(&mut state, number(&ratchet["index"]), &mut secrets);
    assert_eq!(*state.expose(), bytes32(&ratchet["next_state"]));
    let expected: Vec<_> =
        ratchet["pledge_secrets"].as_array().expect("an array").iter().map(bytes32).collect();
    assert_eq!(secrets.iter().map(|secret| *secret.expose()).collect::<Vec<_>>(), expected);
}

#[test]
fn times() {
    for entry in entries("times") {
        let (growth, elapsed) = (number(&entry[0]), number(&entry[1]));
        assert_eq!(Value::Bool(hazmat::not_ahead(growth, elapsed)), entry[2], "{growth} in {elapsed}");
    }
}

#[test]
fn judgements() {
    use selfsame::{Head, Judgement};
    for entry in entries("judgements") {
        let (handed, since) = (super::file::heads(&entry["handed"]), super::file::heads(&entry["since"]));
        let kept: Vec<(Head, Head)> = entry["kept"]
            .as_array()
            .expect("an array")
            .iter()
            .map(|kept| {
                let previous = Head { index: number(&kept[2]), digest: Digest::new(bytes32(&kept[3])) };
                (super::file::head(kept), previous)
            })
            .collect();
        let (from, last) = (number(&entry["remembers_from"]), number(&entry["head"]));
        let answer = match hazmat::judge(&since, &handed, from, last, &kept) {
            Judgement::Known => "known",
            Judgement::Unknown => "unknown",
            Judgement::Foreign(_) => "foreign",
        };
        assert_eq!(answer, text(&entry["answer"]), "{}", entry["why"]);
    }
}
