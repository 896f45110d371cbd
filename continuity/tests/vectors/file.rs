//! The file, and how its values become the crate's.

use std::path::PathBuf;
use std::sync::OnceLock;

use selfsame::{Anchor, Digest, Head, LineageId, Pledge, Salt};
use serde_json::Value;

/// A section of the vectors; there is at least one entry in it.
pub fn section(name: &str) -> &'static Value {
    static FILE: OnceLock<Value> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/v1.json"));
        let path = std::env::var_os("SELFSAME_VECTORS").map_or(default, PathBuf::from);
        let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    });
    file.get(name).unwrap_or_else(|| panic!("the vectors have no section `{name}`"))
}

/// The entries of a section.
pub fn entries(name: &str) -> &'static [Value] {
    let entries = section(name).as_array().expect("an array");
    assert!(!entries.is_empty(), "section `{name}` is empty");
    entries
}

pub fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_else(|| panic!("hex expected, not {value}"));
    assert!(text.is_ascii() && text.len().is_multiple_of(2), "hex expected, not {text}");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

pub fn bytes32(value: &Value) -> [u8; 32] {
    bytes(value).try_into().expect("32 bytes")
}

pub fn digest(value: &Value) -> Digest {
    Digest::new(bytes32(value))
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("number expected, not {value}"))
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("text expected, not {value}"))
}

/// An array of index and digest.
pub fn head(value: &Value) -> Head {
    Head { index: number(&value[0]), digest: digest(&value[1]) }
}

pub fn heads(value: &Value) -> Vec<Head> {
    value.as_array().expect("an array").iter().map(head).collect()
}

pub fn anchor(value: &Value) -> Option<Anchor> {
    let pledges: Vec<Pledge> =
        value.get("pledges")?.as_array()?.iter().map(|pledge| Pledge::new(bytes32(pledge))).collect();
    Some(Anchor::new(
        LineageId::new(bytes32(&value["lineage"])),
        Salt::new(bytes32(&value["salt"])),
        Head { index: number(&value["index"]), digest: digest(&value["digest"]) },
        pledges.try_into().expect("16 pledges"),
    ))
}
