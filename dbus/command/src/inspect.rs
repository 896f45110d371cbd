//! `inspect`: explains a message of the protocol, field by field.
//!
//! Which message it is, is told by its first tokens ([`kind`]); the crate `selfsame` parses it, so that only what is
//! well-formed is explained, and says what it comes to ([`facts`]) and what could be checked ([`checks`]); then its bytes are walked ([`walk`]) by the
//! specification's own tables ([`schema`]), so that no field is left out and each has its size.

use clap::Args;
use serde_json::json;

use crate::answer::Answer;
use crate::colour::Hue;
use crate::failure::Failure;
use crate::text::{Given, malformed};

mod checks;
mod facts;
mod kind;
mod schema;
mod show;
mod walk;

use kind::Kind;

/// Explain a message of the protocol.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The message
    #[arg(value_name = "TEXT", default_value = "-")]
    text: Given,
}

/// Explains a message.
///
/// # Errors
///
/// Where it can't be read, or is none of the protocol's.
pub(crate) fn run(command: &Inspect) -> Result<Answer, Failure> {
    const WHAT: &str = "the message";
    explain(&command.text.message(WHAT)?).map_err(|why| malformed(WHAT, &why))
}

/// The explanation of a message; an error says why it is none.
fn explain(bytes: &[u8]) -> Result<Answer, String> {
    let kind = Kind::of(bytes).ok_or("it begins like no message of this protocol")?;
    let facts = facts::of(kind, bytes).map_err(|error| error.to_string())?;
    let fields =
        walk::walk(kind.schema(), bytes).ok_or("it can't be walked through: a bug of this command")?;
    let (name, size) = (kind.name(), bytes.len());
    let checks = checks::of(kind, bytes).map_err(|error| error.to_string())?;
    let (told, checked, shown) =
        (show::facts_text(&facts), checks::text(&checks), show::fields_text(&fields));
    let text = format!("{name}, {size} bytes\n{told}\n\n{checked}\n\n{shown}");
    let json = json!({
        "kind": name,
        "bytes": size,
        "facts": show::facts_json(&facts),
        "checks": checks::json(&checks),
        "fields": show::fields_json(&fields),
    });
    Ok(Answer::new(text, json).with_marks(MARKS))
}

/// What came of a check, by its colour.
const MARKS: &[(&str, Hue)] = &[("holds", Hue::Good), ("fails", Hue::Bad), ("open", Hue::Warn)];

#[cfg(test)]
mod tests;
