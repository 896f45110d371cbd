//! Who calls, how a method is called of which only the signature is known, and what comes of it.

use std::{collections::HashMap, fmt};

use roxmltree::{Document, ParsingOptions};
use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH, Error};
use selfsame_tests::User;
use zbus::{Connection, Variant, fdo, wire::StructureBuilder};

/// A caller.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    pub user: User,
    /// Whether in group `selfsame`.
    pub is_member: bool,
}

/// A method of the agent's, as its introspection has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    pub interface: String,
    pub name: String,
    /// The types of its arguments.
    arguments: Vec<String>,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was let in: answered, or refused for another reason than who calls.
    Yes,
    /// The agent refused who calls, and said so.
    NotAuthorized(String),
    /// The bus did.
    Denied,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "yes",
            Self::NotAuthorized(_) => "NotAuthorized",
            Self::Denied => "AccessDenied",
        })
    }
}

impl Method {
    /// All that the agent serves of its own interfaces.
    pub async fn all(connection: &Connection) -> Vec<Self> {
        let object =
            fdo::IntrospectableProxy::builder(connection).destination(AGENT_BUS_NAME).path(AGENT_PATH);
        let xml = object.build().await.unwrap().introspect().await.unwrap();
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(&xml, options).unwrap();
        let methods = document.descendants().filter(|node| node.has_tag_name("method"));
        let methods = methods.filter_map(|node| {
            let interface = node.parent().unwrap().attribute("name").unwrap();
            let arguments = node.children().filter(|child| child.attribute("direction") == Some("in"));
            let arguments = arguments.map(|child| child.attribute("type").unwrap().to_owned()).collect();
            let (interface, name) = (interface.to_owned(), node.attribute("name").unwrap().to_owned());
            interface.starts_with("org.selfsame.").then_some(Self { interface, name, arguments })
        });
        methods.collect()
    }

    /// Calls it with arguments that are right for nothing: each is empty, or zero.
    pub async fn call(&self, connection: &Connection) -> Outcome {
        let (interface, name) = (self.interface.as_str(), self.name.as_str());
        let mut body = StructureBuilder::new();
        for argument in &self.arguments {
            body.push_value(empty(argument));
        }
        let answer = if self.arguments.is_empty() {
            connection.call_method(Some(AGENT_BUS_NAME), AGENT_PATH, Some(interface), name, &()).await
        } else {
            let body = body.build().unwrap();
            connection.call_method(Some(AGENT_BUS_NAME), AGENT_PATH, Some(interface), name, &body).await
        };
        outcome(answer.err())
    }
}

/// What it is that a call ended with.
pub fn outcome(error: Option<zbus::Error>) -> Outcome {
    match error {
        None => Outcome::Yes,
        Some(zbus::Error::FDO(error)) if matches!(*error, fdo::Error::AccessDenied(_)) => Outcome::Denied,
        Some(zbus::Error::MethodError(name, text, _)) => {
            match Error::from_name(&name, &text.unwrap_or_default()) {
                Some(Error::NotAuthorized(text)) => Outcome::NotAuthorized(text),
                Some(error @ (Error::Busy(_) | Error::Failed(_) | Error::StoreUnavailable(_))) => {
                    panic!("{error:?}")
                }
                // what was asked is wrong, not who asks
                Some(_) => Outcome::Yes,
                None => panic!("{name}"),
            }
        }
        Some(error) => panic!("{error:?}"),
    }
}

/// A value of this type that says nothing.
fn empty(signature: &str) -> Variant<'static> {
    match signature {
        "s" => Variant::from(""),
        "y" => Variant::from(0_u8),
        "b" => Variant::from(false),
        "t" => Variant::from(0_u64),
        "ay" => Variant::from(Vec::<u8>::new()),
        "aay" => Variant::from(Vec::<Vec<u8>>::new()),
        "a{sv}" => Variant::from(HashMap::<String, Variant<'static>>::new()),
        other => panic!("no value of type {other} is known here"),
    }
}
