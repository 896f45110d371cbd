//! Section 5, evidence and origin: what may be in them, and that unknown keys may be, at every level.

use super::cbor::{Shape, Value, depth, encoded_bytes};
use super::fields::{Fields, array, array_of, below_2_63, bool, hash, uint};

pub fn evidence(value: Value) -> Shape<()> {
    if depth(&value) > 4 || encoded_bytes(&value) > 1024 {
        return Err("evidence too deep or too long");
    }
    let mut evidence = Fields::of(value)?;
    if let Some(sources) = evidence.optional(1) {
        for source in array(sources)? {
            any_text(source)?;
        }
    }
    if let Some(behaviour) = evidence.optional(2) {
        let mut behaviour = Fields::of(behaviour)?;
        behaviour.optional(1).map(uint).transpose()?;
        behaviour.optional(2).map(uint).transpose()?;
        behaviour.optional(3).map(hash).transpose()?;
    }
    if let Some(clock) = evidence.optional(3) {
        let mut clock = Fields::of(clock)?;
        clock.optional(1).map(uint).transpose()?;
        clock.optional(2).map(uint).transpose()?;
        clock.optional(3).map(uint).transpose()?;
        clock.optional(4).map(bool).transpose()?;
    }
    match evidence.optional(4) {
        Some(condition) => one_of(&["steady", "warming", "degraded"], condition),
        None => Ok(()),
    }
}

pub fn origin(value: Value) -> Shape<()> {
    if depth(&value) > 4 || encoded_bytes(&value) > 256 {
        return Err("origin too deep or too long");
    }
    let mut origin = Fields::of(value)?;
    let reasons = ["install", "boot", "lost", "clone", "rollback", "reset", "hibernate", "ended"];
    one_of(&reasons, origin.required(1)?)?;
    if let Some(predecessor) = origin.optional(2) {
        let [lineage, index, digest] = array_of(predecessor)?;
        hash(lineage)?;
        below_2_63(index)?;
        hash(digest)?;
    }
    Ok(())
}

fn any_text(value: Value) -> Shape<String> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err("no text"),
    }
}

fn one_of(listed: &[&str], value: Value) -> Shape<()> {
    if listed.contains(&any_text(value)?.as_str()) { Ok(()) } else { Err("an unlisted word") }
}
