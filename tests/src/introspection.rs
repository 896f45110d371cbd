//! Comparing what an object says of itself with the contract.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

/// In what the interface `name` in `served` differs from the one in `contract`, a line for each difference;
/// nothing if they are the same. Both are introspection XML.
///
/// Compared are methods, signals and properties, the names, types and order of arguments and results, access, and
/// annotations. Comments and the order of members are not. `EmitsChangedSignal` is `true` where it is not said, as
/// the D-Bus specification has it.
///
/// # Panics
///
/// If one is no introspection XML, or does not have the interface.
pub fn differences(contract: &str, served: &str, name: &str) -> Vec<String> {
    let (contract, served) = (members(contract, name), members(served, name));
    let differ = contract.iter().filter_map(|(member, expected)| match served.get(member) {
        None => Some(format!("{member}: not served")),
        Some(found) if found != expected => {
            Some(format!("{member}: contract {expected:?}, served {found:?}"))
        }
        Some(_) => None,
    });
    let added = served.keys().filter(|member| !contract.contains_key(*member));
    differ.chain(added.map(|member| format!("{member}: not in the contract"))).collect()
}

/// The members of an interface, each by its kind and name, with what makes it up, in order.
type Members = BTreeMap<String, Vec<String>>;

fn members(xml: &str, interface: &str) -> Members {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(xml, options).unwrap_or_else(|error| panic!("{error} in:\n{xml}"));
    let mut interfaces = elements(document.root_element(), "interface");
    let interface = interfaces
        .find(|node| node.attribute("name") == Some(interface))
        .unwrap_or_else(|| panic!("no interface {interface} in:\n{xml}"));
    let mut members = Members::from([("interface".to_owned(), annotations(interface))]);
    for kind in ["method", "signal", "property"] {
        for member in elements(interface, kind) {
            let before = members.insert(format!("{kind} {}", attribute(member, "name")), parts(member));
            assert!(before.is_none(), "two of one name: {} in:\n{xml}", attribute(member, "name"));
        }
    }
    members
}

/// What makes up a method, signal or property.
fn parts(member: Node<'_, '_>) -> Vec<String> {
    let kind = member.tag_name().name();
    let mut parts = Vec::new();
    if kind == "property" {
        parts.push(format!("{} {}", attribute(member, "type"), attribute(member, "access")));
    }
    // Arguments and results each have an order of their own; how they are interleaved means nothing.
    for direction in ["in", "out"] {
        let default = if kind == "signal" { "out" } else { "in" };
        let arguments = elements(member, "arg")
            .filter(|argument| argument.attribute("direction").unwrap_or(default) == direction);
        parts.extend(arguments.map(|argument| {
            let text = format!("{direction} {} {}", attribute(argument, "type"), attribute(argument, "name"));
            [vec![text], annotations(argument)].concat().join(" ")
        }));
    }
    let mut annotations = annotations(member);
    if kind == "property" && !annotations.iter().any(|annotation| annotation.starts_with(EMITS_CHANGED)) {
        annotations.push(format!("{EMITS_CHANGED}=true"));
    }
    annotations.sort();
    [parts, annotations].concat()
}

fn annotations(node: Node<'_, '_>) -> Vec<String> {
    let annotation = |node| format!("{}={}", attribute(node, "name"), attribute(node, "value"));
    let mut annotations: Vec<_> = elements(node, "annotation").map(annotation).collect();
    annotations.sort();
    annotations
}

fn elements<'a, 'input: 'a>(node: Node<'a, 'input>, name: &'a str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

/// An attribute; where it is missing, nothing, which no attribute is otherwise.
fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_default()
}

const EMITS_CHANGED: &str = "org.freedesktop.DBus.Property.EmitsChangedSignal";

#[cfg(test)]
mod tests {
    use selfsame_dbus::{IDENTITY_INTERFACE, IDENTITY_XML, VERIFIER_INTERFACE, VERIFIER_XML};
    use zbus::object_server::Interface;

    use super::*;
    use crate::StandIn;

    #[test]
    fn the_contract_parses_and_documents_every_member() {
        for (xml, name, count) in
            [(IDENTITY_XML, IDENTITY_INTERFACE, 9 + 2 + 11), (VERIFIER_XML, VERIFIER_INTERFACE, 11 + 1)]
        {
            is_documented(xml);
            // with the interface itself
            let names: Vec<_> = members(xml, name).into_keys().collect();
            assert_eq!(names.len(), 1 + count, "{names:?}");
            assert_eq!(differences(xml, xml, name), Vec::<String>::new());
        }
    }

    fn is_documented(xml: &str) {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(xml, options).unwrap();
        assert_eq!(document.root_element().attribute("name"), Some(selfsame_dbus::AGENT_PATH));
        let interface = elements(document.root_element(), "interface").next().unwrap();
        for member in interface.children().filter(Node::is_element) {
            let mut before = member.prev_siblings().skip(1).skip_while(Node::is_text);
            assert!(before.next().unwrap().is_comment(), "{member:?} has no comment");
            for argument in elements(member, "arg") {
                // a signal's go one way
                let is_told = argument.has_attribute("direction") || member.has_tag_name("signal");
                assert!(argument.has_attribute("name") && is_told, "{argument:?}");
            }
            if member.has_tag_name("property") {
                assert_eq!(attribute(elements(member, "annotation").next().unwrap(), "name"), EMITS_CHANGED);
            }
        }
    }

    #[test]
    fn what_zbus_serves_is_the_contract() {
        let mut served = String::from("<node>");
        StandIn::new(0).introspect_to_writer(&mut served, 0);
        served.push_str("</node>");
        assert_eq!(differences(IDENTITY_XML, &served, IDENTITY_INTERFACE), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_difference_is_told() {
        for (from, to, expected) in [
            ("name=\"Genesis\"", "name=\"First\"", "method Genesis: not served"),
            ("name=\"Genesis\"", "name=\"First\"", "method First: not in the contract"),
            ("name=\"challenge\" type=\"ay\"", "name=\"challenge\" type=\"s\"", "method Prove: contract"),
            ("name=\"challenge\" type=\"ay\"", "name=\"payload\" type=\"ay\"", "method Prove: contract"),
            (
                "name=\"proof\" type=\"ay\" direction=\"out\"",
                "name=\"proof\" type=\"ay\"",
                "method Prove: contract",
            ),
            ("name=\"Born\" type=\"t\"", "name=\"Born\" type=\"x\"", "property Born: contract"),
            (
                "type=\"a(ssb)\" access=\"read\"",
                "type=\"a(ssb)\" access=\"readwrite\"",
                "property Sources: contract",
            ),
            (
                "EmitsChangedSignal\" value=\"const\"",
                "EmitsChangedSignal\" value=\"false\"",
                "property Version: contract",
            ),
            ("</interface>", "<signal name=\"New\"/></interface>", "signal New: not in the contract"),
            ("</interface>", "<annotation name=\"a.b\" value=\"c\"/></interface>", "interface: contract"),
        ] {
            let served = IDENTITY_XML.replacen(from, to, 1);
            assert_ne!(served, IDENTITY_XML, "{from}");
            let told = differences(IDENTITY_XML, &served, IDENTITY_INTERFACE);
            assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}: {told:?}");
        }
    }

    #[test]
    fn comments_order_and_defaults_are_no_difference() {
        let one = r#"<node><interface name="a.B"><!-- x --><method name="M"><arg name="i" type="s"/><arg name="o"
            type="s" direction="out"/></method><property name="P" type="s" access="read"/></interface></node>"#;
        let other = r#"<node><interface name="a.B"><property name="P" type="s" access="read"><annotation
            name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="true"/></property><method name="M"><arg
            name="o" type="s" direction="out"/><arg name="i" type="s" direction="in"/></method></interface></node>"#;
        assert_eq!(differences(one, other, "a.B"), Vec::<String>::new());
    }
}
