//! What a caller gave, where it could take many times the memory that it has in the message.
//!
//! A method's options: what is not known, or of another type, is refused by its name. And a way.

use std::{collections::HashMap, fmt};

use selfsame::Wanted;
use selfsame_dbus::{Bytes, Error, limits};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use zbus::{OwnedVariant, Type, Variant};

/// Options. More than a few are refused before they take memory: each takes some ten times what it does in the message.
#[derive(Debug, Type)]
#[zbus(signature = "a{sv}")]
pub(super) struct Given<'m>(HashMap<&'m str, OwnedVariant>);

impl<'de: 'm, 'm> Deserialize<'de> for Given<'m> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = HashMap<&'de str, OwnedVariant>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MOST} options")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut options = HashMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if options.len() == MOST {
                        return Err(A::Error::invalid_length(MOST + 1, &self));
                    }
                    options.insert(name, value);
                }
                Ok(options)
            }
        }
        deserializer.deserialize_map(Few).map(Self)
    }
}

/// The way to a hop. More hops than a message of the largest size has room for are refused before they take memory: of empty
/// ones a message has room for a million.
#[derive(Debug, Type)]
#[zbus(signature = "aay")]
pub(super) struct Way<'m>(pub(super) Vec<&'m Bytes>);

impl<'de: 'm, 'm> Deserialize<'de> for Way<'m> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Vec<&'de Bytes>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {WAY_MOST} hops")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
                let mut hops = Vec::new();
                while let Some(hop) = sequence.next_element()? {
                    if hops.len() == WAY_MOST {
                        return Err(A::Error::invalid_length(WAY_MOST + 1, &self));
                    }
                    hops.push(hop);
                }
                Ok(hops)
            }
        }
        deserializer.deserialize_seq(Few).map(Self)
    }
}

impl Given<'_> {
    /// The name of one, where there is any: the first in the alphabet.
    pub(super) fn any(&self) -> Option<&str> {
        self.0.keys().copied().min()
    }

    /// Refuses those that are none of `known`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: which it is, and which there are.
    pub(super) fn only(&self, known: &[&str]) -> Result<&Self, Error> {
        let unknown = self.0.keys().filter(|name| !known.contains(*name)).min();
        match unknown {
            Some(name) => {
                let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                Err(Error::InvalidArgument(format!("option {name:?}: there are {}", names.join(", "))))
            }
            None => Ok(self),
        }
    }

    /// A boolean; not there: false.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where it is something else.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Error> {
        match self.value(name) {
            None => Ok(false),
            Some(Variant::Bool(value)) => Ok(*value),
            Some(other) => Err(wrong(&format!("option `{name}`"), "a boolean, b", other)),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where it is something else.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.value(name) {
            None => Ok(None),
            Some(Variant::Str(text)) => Ok(Some(text.as_str())),
            Some(other) => Err(wrong(&format!("option `{name}`"), "a text, s", other)),
        }
    }

    /// Whom a statement must be of: `subject`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where it is something else, or has what it can't have.
    pub(super) fn wanted(&self) -> Result<Wanted, Error> {
        let mut wanted = Wanted::default();
        let subject = match self.value("subject") {
            None => return Ok(wanted),
            Some(Variant::Dict(subject)) if subject.signature() == "a{sv}" => subject,
            Some(other) => return Err(wrong("option `subject`", "a{sv}", other)),
        };
        for (name, value) in subject.iter() {
            let Variant::Str(name) = name else { continue };
            let value = inner(value);
            match (name.as_str(), value) {
                ("uid", Variant::U32(uid)) => wanted.uid = Some(*uid),
                ("uid", other) => return Err(wrong("`uid` of option `subject`", "a number, u", other)),
                ("unit", Variant::Str(unit)) => wanted.unit = Some(unit.as_str().to_owned()),
                ("app", Variant::Str(app)) => wanted.app = Some(app.as_str().to_owned()),
                (name @ ("unit" | "app"), other) => {
                    return Err(wrong(&format!("`{name}` of option `subject`"), "a text, s", other));
                }
                (name, _) => {
                    let text = format!("{name:?} of option `subject`: there are `uid`, `unit`, `app`");
                    return Err(Error::InvalidArgument(text));
                }
            }
        }
        Ok(wanted)
    }

    fn value(&self, name: &str) -> Option<&Variant<'static>> {
        self.0.get(name).map(|value| inner(value))
    }
}

/// What is in a variant, where that is all that a value is.
fn inner<'v, 'a>(value: &'v Variant<'a>) -> &'v Variant<'a> {
    match value {
        Variant::Variant(inner) => inner,
        value => value,
    }
}

fn wrong(what: &str, expected: &str, found: &Variant<'_>) -> Error {
    Error::InvalidArgument(format!("{what}: expected {expected}, found {}", found.value_signature()))
}

/// Options of any method, and some to spare.
const MOST: usize = 8;

/// Each hop of a way has an opening.
const WAY_MOST: usize = limits::PROOF_MAX_BYTES / limits::OPENING_BYTES;
