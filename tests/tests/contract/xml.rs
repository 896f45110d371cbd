//! The XML, as others' tools read it.

use std::{collections::BTreeSet, fs};

use selfsame_dbus::{
    AGENT_BUS_NAME, AGENT_PATH, Error, IDENTITY_INTERFACE, IDENTITY_XML, VERIFIER_INTERFACE, VERIFIER_XML,
};
use selfsame_tests::{Host, Run, differences};
use zbus::fdo::IntrospectableProxy;

const BOTH: [(&str, &str); 2] = [(IDENTITY_INTERFACE, IDENTITY_XML), (VERIFIER_INTERFACE, VERIFIER_XML)];

#[tokio::test]
async fn the_running_object_is_the_one_in_the_xml() {
    let host = Host::start().await;
    let proxy = IntrospectableProxy::builder(&host.connection)
        .destination(AGENT_BUS_NAME)
        .path(AGENT_PATH)
        .build()
        .await
        .unwrap();
    let served = proxy.introspect().await.unwrap();
    for (interface, xml) in BOTH {
        let differences = differences(xml, &served, interface);
        assert!(differences.is_empty(), "{interface}: {differences:#?}");
    }
}

#[tokio::test]
async fn busctl_shows_every_member() {
    let host = Host::start().await;
    for (interface, xml) in BOTH {
        let shown = Run::program("busctl")
            .args([&format!("--address={}", host.bus.address()), "introspect"])
            .args([AGENT_BUS_NAME, AGENT_PATH, interface])
            .run()
            .await;
        assert_eq!(shown.code(), Some(0), "{shown:?}");
        let rows: BTreeSet<_> = shown.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
        for member in xml.split('<').filter_map(named_member) {
            assert!(
                rows.contains(&*format!(".{member}")),
                "{interface}.{member} is not in:\n{}",
                shown.stdout
            );
        }
    }
}

/// The member that an XML element begins, if it begins one.
fn named_member(element: &str) -> Option<&str> {
    let is_member = ["method ", "signal ", "property "].iter().any(|kind| element.starts_with(kind));
    is_member.then(|| element.split('"').nth(1)).flatten()
}

#[tokio::test]
async fn gdbus_codegen_makes_c_of_it() {
    let folder = tempfile::tempdir().unwrap();
    for (interface, xml) in BOTH {
        let file = folder.path().join(format!("{interface}.xml"));
        fs::write(&file, xml).unwrap();
        let code = folder.path().join(interface);
        let made = Run::program("gdbus-codegen")
            .args(["--interface-prefix", "org.selfsame.", "--c-namespace", "Selfsame"])
            .arg("--generate-c-code")
            .arg(&code)
            .arg(&file)
            .run()
            .await;
        assert_eq!((made.code(), &*made.stderr), (Some(0), ""), "{interface}: {made:?}");
        let header =
            fs::read_to_string(code.with_extension(format!("{}.h", interface.rsplit('.').next().unwrap())));
        let header = header.or_else(|_| fs::read_to_string(format!("{}.h", code.display()))).unwrap();
        for method in xml.split('<').filter(|element| element.starts_with("method ")).filter_map(named_member)
        {
            let call = format!("_call_{}_sync", snake(method));
            assert!(header.contains(&call), "{interface}: no {call}");
        }
    }
}

/// `ReportFork` as C has it.
fn snake(name: &str) -> String {
    name.chars().fold(String::new(), |mut text, letter| {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
        text
    })
}

#[test]
fn every_error_that_the_xml_names_is_one_and_each_is_named() {
    let known: BTreeSet<_> = Error::NAMES.iter().filter_map(|name| name.rsplit('.').next()).collect();
    let texts = [IDENTITY_XML, VERIFIER_XML].concat();
    let unnamed: Vec<_> = known.iter().filter(|name| !texts.contains(**name)).collect();
    assert!(unnamed.is_empty(), "no method is said to answer {unnamed:?}");
    // what follows "Errors:" in a comment, up to its end: names are the words in CamelCase that stand before "(", "," …
    for section in texts.split("Errors:").skip(1).filter_map(|rest| rest.split("-->").next()) {
        let mut depth = 0;
        let bare: String = section
            .chars()
            .filter(|letter| {
                depth += i32::from(*letter == '(') - i32::from(*letter == ')');
                depth == 0
            })
            .collect();
        for item in bare.split([',', ';', ':', '.', ')']).map(str::trim) {
            let is_name = !item.contains(' ') && item.starts_with(char::is_uppercase);
            assert!(!is_name || known.contains(item) || KNOWN_WORDS.contains(&item), "{item:?} in {section}");
        }
    }
}

/// Words that begin with a capital in what follows "Errors:", and are methods.
const KNOWN_WORDS: [&str; 3] = ["Verify", "Enrol", "Questions"];
