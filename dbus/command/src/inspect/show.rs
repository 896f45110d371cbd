//! Facts and fields, as they are told.

use serde_json::{Map, Value as Json, json};

use super::facts::Fact;
use super::walk::{Field, Value};
use crate::printable::printable;
use crate::quantity::size;

/// Facts for people.
pub(super) fn facts_text(facts: &[Fact]) -> String {
    let width = facts.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let lines = facts.iter().map(|(name, text, _)| format!("  {name:width$}  {text}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Facts for programs.
pub(super) fn facts_json(facts: &[Fact]) -> Json {
    let facts = facts.iter().map(|(name, _, value)| (key(name), value.clone()));
    Json::Object(facts.collect::<Map<_, _>>())
}

/// Fields for people.
pub(super) fn fields_text(fields: &[Field]) -> String {
    let mut lines = Vec::new();
    for field in fields {
        field.lines(1, &field.label(), &mut lines);
    }
    lines.join("\n")
}

/// Fields for programs: by name, each with its size and value, and so on inwards.
pub(super) fn fields_json(fields: &[Field]) -> Json {
    let named = fields.iter().map(|field| {
        let name = match (field.name, field.key) {
            ("", Some(key)) => format!("key_{key}"),
            (name, _) => key(name),
        };
        (name, field.json())
    });
    Json::Object(named.collect::<Map<_, _>>())
}

/// A name as a program reads it.
fn key(name: &str) -> String {
    name.replace(' ', "_")
}

impl Field {
    fn label(&self) -> String {
        match (self.key, self.name) {
            (Some(key), "") => format!("{key} (unknown to this version)"),
            (Some(key), name) => format!("{key} {name}"),
            (None, name) => name.to_owned(),
        }
    }

    fn lines(&self, depth: usize, label: &str, lines: &mut Vec<String>) {
        let (indent, size) = ("  ".repeat(depth), size(self.bytes));
        let about = if self.about.is_empty() { String::new() } else { format!("  · {}", self.about) };
        let mut say = |what: &str| lines.push(format!("{indent}{label}: {what}{about}"));
        match &self.value {
            Value::Number(number, None) => say(&number.to_string()),
            Value::Number(number, Some(note)) => say(&format!("{number} ({note})")),
            Value::Flag(flag) => say(&flag.to_string()),
            Value::Text(text) => say(&format!("\"{}\" ({size})", printable(text))),
            Value::Bytes { shown, .. } => say(shown),
            Value::Unknown => say(&size),
            Value::Fields(fields) => {
                say(&size);
                for field in fields {
                    field.lines(depth + 1, &field.label(), lines);
                }
            }
            Value::Items(items) => {
                say(&format!("{} of them, {size}", items.len()));
                for (place, item) in items.iter().enumerate() {
                    let label = format!("[{place}]");
                    match item.hop() {
                        // a proof has up to hundreds: only the last, which leads to the head, is told whole
                        Some(hop) if place + 1 < items.len() => {
                            lines.push(format!("{indent}  {label}: {hop}"));
                        }
                        _ => item.lines(depth + 1, &label, lines),
                    }
                }
            }
        }
    }

    /// A hop in one line; `None` where it is none.
    fn hop(&self) -> Option<String> {
        let Value::Fields(fields) = &self.value else { return None };
        let [tier, opening, body] = &fields[..] else { return None };
        let (Value::Number(tier, _), Value::Fields(moment)) = (&tier.value, &body.value) else { return None };
        let index = moment.iter().find_map(|field| match &field.value {
            Value::Number(index, Some(note)) if field.name == "index" => Some(format!("{index} ({note})")),
            _ => None,
        })?;
        Some(format!(
            "tier {tier}, to index {index}, opening {}, body {}",
            size(opening.bytes),
            size(body.bytes)
        ))
    }

    fn json(&self) -> Json {
        let value = match &self.value {
            Value::Number(number, _) => json!(number),
            Value::Flag(flag) => json!(flag),
            Value::Text(text) => json!(text),
            Value::Bytes { json, .. } => json!(json),
            Value::Fields(fields) => fields_json(fields),
            Value::Items(items) => Json::Array(items.iter().map(Self::json).collect()),
            Value::Unknown => Json::Null,
        };
        let mut object = json!({ "bytes": self.bytes, "value": value });
        if let (Some(object), false) = (object.as_object_mut(), self.about.is_empty()) {
            object.insert("about".to_owned(), json!(self.about));
        }
        object
    }
}
