//! Sections 5 and 6, the types in the tables of fields.

use super::cbor::{Shape, Value};
use super::hash::Hash;

/// The entries of a map that are not looked at yet.
pub struct Fields(Vec<(u64, Value)>);

impl Fields {
    pub fn of(value: Value) -> Shape<Self> {
        match value {
            Value::Map(entries) => Ok(Self(entries)),
            _ => Err("no map"),
        }
    }

    pub fn optional(&mut self, key: u64) -> Option<Value> {
        let place = self.0.iter().position(|(found, _)| *found == key)?;
        Some(self.0.remove(place).1)
    }

    pub fn required(&mut self, key: u64) -> Shape<Value> {
        self.optional(key).ok_or("a field is missing")
    }

    /// No unknown keys.
    pub fn end(self) -> Shape<()> {
        if self.0.is_empty() { Ok(()) } else { Err("an unknown key") }
    }
}

pub fn uint(value: Value) -> Shape<u64> {
    match value {
        Value::Uint(number) => Ok(number),
        _ => Err("no unsigned number"),
    }
}

/// A uint below 2^63: an index, a wall time.
pub fn below_2_63(value: Value) -> Shape<u64> {
    let number = uint(value)?;
    if number < 1 << 63 { Ok(number) } else { Err("2^63 or more") }
}

pub fn version_1(value: Value) -> Shape<()> {
    if value == Value::Uint(1) { Ok(()) } else { Err("another version") }
}

pub fn bytes(value: Value) -> Shape<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err("no bytes"),
    }
}

pub fn hash(value: Value) -> Shape<Hash> {
    bytes(value)?.try_into().map_err(|_| "not 32 bytes")
}

/// A text of 1 to `most` bytes.
pub fn text(value: Value, most: usize) -> Shape<String> {
    match value {
        Value::Text(text) if (1..=most).contains(&text.len()) => Ok(text),
        Value::Text(_) => Err("a text too short or too long"),
        _ => Err("no text"),
    }
}

pub fn bool(value: Value) -> Shape<bool> {
    match value {
        Value::Bool(value) => Ok(value),
        _ => Err("no bool"),
    }
}

pub fn array(value: Value) -> Shape<Vec<Value>> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err("no array"),
    }
}

/// An array of just so many.
pub fn array_of<const N: usize>(value: Value) -> Shape<[Value; N]> {
    array(value)?.try_into().map_err(|_| "an array of another length")
}

/// An array of index and digest.
pub fn index_and_digest(value: Value) -> Shape<(u64, Hash)> {
    let [index, digest] = array_of(value)?;
    Ok((below_2_63(index)?, hash(digest)?))
}

pub fn at_most(bytes: &[u8], limit: usize) -> Shape<()> {
    if bytes.len() <= limit { Ok(()) } else { Err("beyond its size limit") }
}
