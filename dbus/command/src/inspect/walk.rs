//! Walks through a message's bytes by its tables: each field, its size, its value.

use minicbor::Decoder;
use selfsame::LineageId;
use selfsame_store::{ms_of_ticks, span};

use super::schema::Shape;
use crate::quantity::{size, utc};
use crate::text::{encode, hex, payload_text};

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    /// Its key, where it stands in a map.
    pub(super) key: Option<u64>,
    /// Its name; empty for an item of a list, or where this version knows none.
    pub(super) name: &'static str,
    /// What it is, in words; empty where its name says it.
    pub(super) about: &'static str,
    /// Bytes of its content, where that is text or bytes; else of its encoding.
    pub(super) bytes: usize,
    /// What it is.
    pub(super) value: Value,
}

/// What a field is.
#[derive(Debug)]
pub(super) enum Value {
    /// A number, and how a person reads it.
    Number(u64, Option<String>),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(String),
    /// Bytes: as a person reads them, and as a program does.
    Bytes { shown: String, json: String },
    /// Fields.
    Fields(Vec<Field>),
    /// Items.
    Items(Vec<Field>),
    /// A value that this version does not know.
    Unknown,
}

/// The fields of a message, which is well-formed; `None` where it is not by these tables.
pub(super) fn walk(shape: &Shape, bytes: &[u8]) -> Option<Vec<Field>> {
    match value(shape, bytes)?.1 {
        Value::Fields(fields) => Some(fields),
        _ => None,
    }
}

/// The value of one encoded item, and its size.
fn value(shape: &Shape, item: &[u8]) -> Option<(usize, Value)> {
    let mut decoder = Decoder::new(item);
    let value = match shape {
        Shape::Number => Value::Number(decoder.u64().ok()?, None),
        Shape::Index => number(&mut decoder, |index| format!("age {}", span(ms_of_ticks(index))))?,
        Shape::Wall => number(&mut decoder, utc)?,
        Shape::Span => number(&mut decoder, span)?,
        Shape::Thousandths => {
            number(&mut decoder, |thousandths| format!("{:.3}", thousandths as f64 / 1000.0))?
        }
        Shape::Flag => Value::Flag(decoder.bool().ok()?),
        Shape::Text => {
            let text = decoder.str().ok()?;
            return Some((text.len(), Value::Text(text.to_owned())));
        }
        Shape::Bytes | Shape::Hex | Shape::Lineage | Shape::Payload | Shape::Opening => {
            let bytes = decoder.bytes().ok()?;
            return Some((bytes.len(), shown(shape, bytes)?));
        }
        Shape::Carried(shape) => {
            let carried = decoder.bytes().ok()?;
            return Some((carried.len(), Value::Fields(walk(shape, carried)?)));
        }
        Shape::Map(keys) => Value::Fields(map(keys, item)?),
        Shape::Tuple(places) => Value::Fields(tuple(places, item)?),
        Shape::List(shape) => {
            let items = items(item)?.into_iter();
            Value::Items(items.map(|item| field(None, "", shape, item)).collect::<Option<_>>()?)
        }
    };
    Some((item.len(), value))
}

fn field(key: Option<u64>, name: &'static str, shape: &Shape, item: &[u8]) -> Option<Field> {
    let (bytes, value) = value(shape, item)?;
    Some(Field { key, name, about: "", bytes, value })
}

fn number(decoder: &mut Decoder<'_>, note: impl FnOnce(u64) -> String) -> Option<Value> {
    let number = decoder.u64().ok()?;
    Some(Value::Number(number, Some(note(number))))
}

/// Bytes of this shape.
fn shown(shape: &Shape, bytes: &[u8]) -> Option<Value> {
    let size = size(bytes.len());
    let json = match shape {
        Shape::Hex => hex(bytes),
        Shape::Lineage => LineageId::new(bytes.try_into().ok()?).to_string(),
        _ => encode(bytes),
    };
    let shown = match shape {
        Shape::Payload => payload_text(bytes),
        Shape::Opening => size,
        _ => format!("{json} ({size})"),
    };
    Some(Value::Bytes { shown, json })
}

fn map(keys: &[(u64, &'static str, &'static str, Shape)], item: &[u8]) -> Option<Vec<Field>> {
    let mut decoder = Decoder::new(item);
    let count = decoder.map().ok()??;
    (0..count)
        .map(|_| {
            let key = decoder.u64().ok()?;
            let item = next(&mut decoder)?;
            match keys.iter().find(|(known, ..)| *known == key) {
                Some((_, name, about, shape)) => {
                    Some(Field { about, ..field(Some(key), name, shape, item)? })
                }
                None => {
                    let bytes = item.len();
                    Some(Field { key: Some(key), name: "", about: "", bytes, value: Value::Unknown })
                }
            }
        })
        .collect()
}

fn tuple(places: &[(&'static str, Shape)], item: &[u8]) -> Option<Vec<Field>> {
    let items = items(item)?;
    if items.len() != places.len() {
        return None;
    }
    places.iter().zip(items).map(|((name, shape), item)| field(None, name, shape, item)).collect()
}

/// An array's items, each as it is encoded.
fn items(item: &[u8]) -> Option<Vec<&[u8]>> {
    let mut decoder = Decoder::new(item);
    let count = decoder.array().ok()??;
    (0..count).map(|_| next(&mut decoder)).collect()
}

/// The next item as it is encoded.
fn next<'b>(decoder: &mut Decoder<'b>) -> Option<&'b [u8]> {
    let start = decoder.position();
    decoder.skip().ok()?;
    decoder.input().get(start..decoder.position())
}
