//! Sections proofs, bad_proofs and crafted.

use selfsame::{Challenge, HopRefusal, ParseError, Proof, VerifyRefusal, Wanted, verify};
use serde_json::Value;

use super::file::{anchor, bytes, entries, number, text};

fn check(entry: &Value) -> Result<selfsame::Verified, VerifyRefusal> {
    let challenge = Challenge::parse(&bytes(&entry["challenge"])).expect("the challenges are well-formed");
    let known = anchor(&entry["anchor"]);
    verify(known.as_ref(), &challenge, &bytes(&entry["proof"]), &Wanted::default())
}

#[test]
fn proofs() {
    for entry in entries("proofs") {
        let verified = check(entry).expect("right");
        assert_eq!(verified.hops as u64, number(&entry["hops"]));
        assert_eq!(Some(verified.head), anchor(&entry["head"]));
        let given = bytes(&entry["proof"]);
        let proof = Proof::parse(&given).expect("well-formed");
        assert_eq!(proof.statement_bytes(), bytes(&entry["statement"]));
        assert_eq!(proof.statement().known(), entry["known"].as_bool());
        assert_eq!(proof.encode(), given);
    }
}

/// The reference's word for what this crate refuses.
pub fn reason(refusal: &VerifyRefusal) -> String {
    match refusal {
        VerifyRefusal::Malformed(error) => malformed(error),
        VerifyRefusal::TooManyHops { .. } => "hops".into(),
        VerifyRefusal::OtherLineage { .. } => "another lineage".into(),
        VerifyRefusal::OtherStart { .. } => "starts from another moment".into(),
        VerifyRefusal::NotYounger { .. } => "does not go forward".into(),
        VerifyRefusal::GenesisMisplaced => "genesis where it does not belong".into(),
        VerifyRefusal::OtherGenesis { .. } => "another genesis".into(),
        VerifyRefusal::OtherChallenge => "another challenge".into(),
        VerifyRefusal::OtherAudience { .. } => "another audience".into(),
        VerifyRefusal::KnownMisplaced => "known where it does not belong".into(),
        VerifyRefusal::NotInHead => "statement is not in the moment".into(),
        VerifyRefusal::Hop { why, .. } => hop(why).into(),
        other => other.to_string(),
    }
}

pub fn hop(refusal: &HopRefusal) -> &'static str {
    match refusal {
        HopRefusal::OtherLineage => "another lineage",
        HopRefusal::NotForward { .. } => "does not go forward",
        HopRefusal::BeyondHead { .. } => "beyond the head",
        HopRefusal::TierTooOld { .. } => "tier older than the absence",
        HopRefusal::NotTheWay { .. } => "not the tier of the one way",
        HopRefusal::Between { .. } => "a moment between has this tier",
        HopRefusal::OtherPrevious { .. } => "another previous moment",
        HopRefusal::NotTurned { .. } => "tier did not roll over",
        HopRefusal::Opening { .. } => "opening does not match the pledge",
        HopRefusal::PledgeChanged { .. } => "a pledge that was not due has changed",
        HopRefusal::PledgeStands { .. } => "a pledge that was due has not changed",
        _ => "a reason of a newer version",
    }
}

/// Messages that are not well-formed: the message and the field say which check refused.
pub fn malformed(error: &ParseError) -> String {
    match error {
        ParseError::TooLong { what, .. } => format!("{what} too long"),
        ParseError::NotCbor { what, .. } => format!("{what} is not CBOR"),
        ParseError::NotDeterministic { what, .. } | ParseError::Trailing { what, .. } => {
            format!("{what} is not deterministic CBOR")
        }
        ParseError::UnknownKey { what, .. }
        | ParseError::Misplaced { what, .. }
        | ParseError::Missing { what, .. } => format!("fields of {what}"),
        ParseError::Field { field, .. } => (*field).to_owned(),
        other => other.to_string(),
    }
}

/// Whether our reason is the reference's, in its words. A word that is not in this table is some newer vectors':
/// then it counts that the entry is refused, and the word is printed.
pub fn same_reason(ours: &str, reference: &str) -> bool {
    let any_of: &[&str] = match reference {
        "keys of a proof" => &["fields of proof"],
        "fields of a moment" => &["fields of moment"],
        "statement" => &["fields of statement"],
        "subject" => &["fields of statement", "uid", "gid", "pid", "unit", "exe", "invocation", "subject"],
        "audience or challenge" => &["audience", "challenge"],
        "evidence" => &EVIDENCE,
        "no hops" => &["hops"],
        "hop" => &["tier"],
        "opening length" => &["opening"],
        "position outside the batch" | "path too long" | "inclusion" => &["inclusion"],
        "another lineage's genesis" => &["another lineage"],
        "moment nests too deep, or has another key than a uint" => &["key"],
        not_cbor if not_cbor.starts_with("proof is not CBOR") => &["proof is not CBOR"],
        word if SAME_WORDS.contains(&word) => return ours == word,
        word => {
            println!("refused as {ours:?}, in the reference's words {word:?}, which are not in this table");
            return true;
        }
    };
    any_of.contains(&ours)
}

/// What we and the reference call the same.
const SAME_WORDS: [&str; 39] = [
    "a moment between has this tier",
    "a pledge that was due has not changed",
    "a pledge that was not due has changed",
    "another audience",
    "another challenge",
    "another genesis",
    "another lineage",
    "another previous moment",
    "beyond the head",
    "challenge expired",
    "contradicts what is known",
    "does not go forward",
    "forked",
    "genesis where it does not belong",
    "index",
    "known",
    "known fork",
    "known where it does not belong",
    "moment is not deterministic CBOR",
    "moment too long",
    "not the tier of the one way",
    "older than time allows",
    "one and the same moment",
    "no moment to start from",
    "opening does not match the pledge",
    "payload",
    "pledges",
    "previous",
    "proof is not deterministic CBOR",
    "stalled",
    "starts from another moment",
    "statement is not deterministic CBOR",
    "statement is not in the moment",
    "statements",
    "tier did not roll over",
    "tier older than the absence",
    "two tiers are two pledges",
    "version",
    "wall",
];

/// Fields of evidence.
const EVIDENCE: [&str; 9] =
    ["evidence", "sources", "behaviour", "drift", "samples", "commitment", "TPM clock", "safe", "condition"];

fn refused(entry: &Value) {
    let refusal = check(entry).expect_err(&entry["why"].to_string());
    let (ours, theirs) = (reason(&refusal), text(&entry["refused_as"]));
    assert!(same_reason(&ours, theirs), "{}: refused as {ours:?}, not {theirs:?}", entry["why"]);
}

#[test]
fn bad_proofs() {
    entries("bad_proofs").iter().for_each(refused);
}

#[test]
fn crafted() {
    for entry in entries("crafted") {
        if entry["ok"] == true {
            check(entry).expect("breaks no rule");
        } else {
            refused(entry);
        }
    }
}
