//! What is told with `--json`, of each subcommand, held against `docs/json.md`: the page is the schema. Each member that is
//! told stands there, with its type; and each that stands there is told, but for the optional ones.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::host::{AUDIENCE, Host};
use super::place::{Party, Place};
use super::run::{selfsame, text};
use super::succession::after;

/// A row of a table.
#[derive(Clone, Debug)]
struct Member {
    kind: String,
    may_be_null: bool,
    is_optional: bool,
}

type Section = BTreeMap<String, Member>;

/// The page's tables, by the heading above them.
fn page() -> BTreeMap<String, Section> {
    let page = include_str!("../../../docs/json.md");
    let (mut sections, mut current) = (BTreeMap::<String, Section>::new(), None);
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            current = Some(heading.to_owned());
        } else if line.starts_with("## ") {
            current = None;
        } else if let (Some(section), Some(row)) = (&current, line.strip_prefix("| `")) {
            let (member, rest) = row.split_once("` | ").unwrap();
            let kind = rest.split(" |").next().unwrap();
            let (kind, is_optional) = match kind.strip_suffix(", optional") {
                Some(kind) => (kind, true),
                None => (kind, false),
            };
            let (kind, may_be_null) = match kind.strip_suffix(" or null") {
                Some(kind) => (kind, true),
                None => (kind, false),
            };
            let member_row = Member { kind: kind.to_owned(), may_be_null, is_optional };
            let twice = sections.entry(section.clone()).or_default().insert(member.to_owned(), member_row);
            assert!(twice.is_none(), "{section}: {member} stands there twice");
        }
    }
    // what the page says in words
    let verify = sections["verify"].clone();
    sections.get_mut("enrol").unwrap().extend(verify);
    let status = sections["status"].clone();
    let watch = sections.get_mut("watch").unwrap();
    watch.remove("status.*").unwrap();
    watch.extend(status.into_iter().map(|(member, row)| (format!("status.{member}"), row)));
    sections
}

/// Holds an object against a section. What it tells is added to `told`.
fn check(name: &str, section: &Section, object: &Value, told: &mut BTreeSet<String>) {
    members(name, section, "", object, told);
}

fn members(name: &str, section: &Section, at: &str, object: &Value, told: &mut BTreeSet<String>) {
    let object = object.as_object().unwrap_or_else(|| panic!("{name}: {at:?} is no object: {object}"));
    for (key, value) in object {
        let path = format!("{at}{key}");
        let member = section.get(&path).unwrap_or_else(|| panic!("{name}: {path} is not in docs/json.md"));
        told.insert(path.clone());
        is_of(name, section, &path, member, value, told);
    }
    for (path, member) in section {
        let Some(rest) = path.strip_prefix(at) else { continue };
        let is_direct = !rest.is_empty() && !rest.contains('.');
        if is_direct && !member.is_optional {
            assert!(
                object.contains_key(rest.trim_end_matches("[]")),
                "{name}: {path} is not told: {object:?}"
            );
        }
    }
}

fn is_of(
    name: &str,
    section: &Section,
    path: &str,
    member: &Member,
    value: &Value,
    told: &mut BTreeSet<String>,
) {
    if value.is_null() {
        assert!(member.may_be_null, "{name}: {path} is null");
        return;
    }
    let text = value.as_str();
    let is_made_of = |allowed: fn(char) -> bool| text.is_some_and(|text| text.chars().all(allowed));
    let is_right = match &*member.kind {
        "uint" => value.is_u64(),
        "number" => value.is_number(),
        "bool" => value.is_boolean(),
        "text" => value.is_string(),
        "lineage" => text.is_some_and(|text| text.starts_with("selfsame1")),
        "base64url" => is_made_of(|char| char.is_ascii_alphanumeric() || char == '-' || char == '_'),
        "hex" => is_made_of(|char| matches!(char, '0'..='9' | 'a'..='f')),
        "tree" => value.is_object(),
        "object" => {
            members(name, section, &format!("{path}."), value, told);
            true
        }
        "list" => {
            let items = value.as_array().unwrap_or_else(|| panic!("{name}: {path} is no list: {value}"));
            let inner = format!("{path}[].");
            if section.keys().any(|key| key.starts_with(&inner)) {
                for item in items {
                    members(name, section, &inner, item, told);
                }
            }
            true
        }
        kind => panic!("{name}: {path} has no type of the page: {kind}"),
    };
    assert!(is_right, "{name}: {path} is no {}: {value}", member.kind);
}

/// What was told, by section.
struct Told {
    page: BTreeMap<String, Section>,
    members: BTreeMap<String, BTreeSet<String>>,
}

impl Told {
    fn take(&mut self, section: &str, object: Value) -> Value {
        let members = self.members.entry(section.to_owned()).or_default();
        check(section, &self.page[section], &object, members);
        object
    }

    /// A failure: its own members, and those of its evidence.
    fn fail(&mut self, object: Value) {
        self.take("failure", object);
    }
}

fn texts(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap().to_owned()
}

#[test]
fn all_that_is_told_stands_in_the_page_and_the_other_way_round() {
    let mut told = Told { page: page(), members: BTreeMap::new() };
    let (party, agent) = (Party::new(Place::Store), Party::new(Place::Agent));
    let of_party = |arguments: &[&str]| party.json(arguments);
    let of_agent = |arguments: &[&str]| agent.json(arguments);

    // this host
    for command in ["id", "status", "introduce", "doctor", "audit"] {
        told.take(command, of_agent(&[command]));
    }
    let mut watch = agent.command(&["--json", "watch"]);
    let mut watch = watch.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    // the second: by then there is a caller, and what the first has told
    let challenge =
        |peer: &str| texts(&party.json(&["challenge", peer, "--audience", AUDIENCE]), "challenge");
    let proof = told.take("prove", of_agent(&["prove", "--audience", AUDIENCE, &challenge("web")]));
    loop {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let line = told.take("watch", line);
        if line["callers"].as_array().is_some_and(|callers| !callers.is_empty()) {
            break;
        }
    }
    // it ends by itself: nobody reads it any more
    drop(lines);
    assert_eq!(watch.wait().unwrap().code(), Some(0));

    // a relying party that knows it
    told.take("enrol", of_party(&["enrol", "web", &texts(&proof, "proof")]));
    let asked = told.take("challenge", of_party(&["challenge", "web", "--audience", AUDIENCE]));
    let proof = of_agent(&["prove", "--audience", AUDIENCE, &texts(&asked, "challenge"), "--payload", "hi"]);
    told.take("verify", of_party(&["verify", "web", &texts(&proof, "proof")]));
    told.take("peers", of_party(&["peers"]));
    let questions = told.take("questions", of_party(&["questions", "web"]));
    let question = &questions["questions"][0];
    let hop = ["hop", &question["index"].to_string(), &question["tier"].to_string()];
    let answer = told.take("hop", of_agent(&hop));
    told.take("confront", of_party(&["confront", "web", &texts(&answer, "answer")]));
    let proof = texts(&proof, "proof");
    for message in [texts(&asked, "challenge"), proof.clone(), texts(&answer, "answer")] {
        let object = told.take("inspect", selfsame(["inspect", "--json", &message]).json());
        assert!(object["facts"].is_object());
    }
    told.fail(of_party(&["verify", "web", &proof]));
    told.fail(of_party(&["verify", "nobody", &proof]));
    told.fail(selfsame(["--json", "verify"]).json());

    // one of which the host was copied, and its successor
    let (mut host, mut copy) = (Host::born_at(1, 1 << 40), Host::born_at(1, 1 << 40));
    let challenge = texts(&of_party(&["challenge", "db", "--audience", AUDIENCE]), "challenge");
    let proof = host.prove(&challenge, 64);
    copy.prove(&challenge, 64);
    party.run(&["enrol", "db", &proof]).yes();
    party.run(&["verify", "db", &copy.prove(&party.challenge("db"), 80), "--pass-time"]).yes();
    host.beat(90);
    let questions = of_party(&["questions", "db"]);
    let question = &questions["questions"][0];
    let index = question["index"].as_u64().unwrap();
    let tier = u8::try_from(question["tier"].as_u64().unwrap()).unwrap();
    let answer = text(&host.lineage.hop(index, tier, true).unwrap().encode());
    let alarm = of_party(&["confront", "db", &answer]);
    let forks = told.take("forks", of_party(&["forks"]));
    for (member, value) in forks["forks"][0].as_object().unwrap() {
        assert_eq!(&alarm[member], value, "an alarm has the members of its fork");
    }
    told.take("forks --report", of_party(&["forks", "--report", &texts(&forks["forks"][0], "fork")]));
    let mut successor = after(2, &host);
    let proof = successor.prove(&party.challenge_anew("db"), 100);
    let asked = of_party(&["enrol", "db", &proof, "--succeeds"]);
    let done = told.take("enrol", of_party(&["enrol", "db", &proof, "--succeeds", "--yes"]));
    for (member, value) in done.as_object().unwrap().iter().filter(|(member, _)| *member != "silent_ms") {
        assert_eq!(&asked[member], value, "what there is to decide by");
    }
    told.take("forget", of_party(&["forget", "db"]));
    told.take("meet", of_party(&["meet", "other", &Host::born(7).introduce()]));
    told.take("drill", of_party(&["drill"]));
    told.take("drill", of_agent(&["drill"]));
    told.take("completions", selfsame(["completions", "bash", "--json"]).json());
    told.take("end", of_agent(&["end", "--yes"]));

    for (name, section) in &told.page {
        let members = told.members.get(name).unwrap_or_else(|| panic!("nothing was told of {name}"));
        let missing: Vec<_> =
            section.iter().filter(|(path, row)| !row.is_optional && !members.contains(*path)).collect();
        // there are no alarms, and on a machine without a TPM no clock of one; what the kernel does not tell
        let may_miss = |path: &str| path.starts_with("alarms[]") || path.starts_with("reading.pressure");
        let missing: Vec<_> = missing.into_iter().filter(|(path, _)| !may_miss(path)).collect();
        assert!(missing.is_empty(), "{name}: never told: {missing:?}");
    }
}

#[test]
fn the_page_has_each_subcommand_that_tells_something() {
    let page = page();
    let help = selfsame(["--help"]);
    let commands = help.stdout.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: Vec<_> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        assert!(page.contains_key(command), "docs/json.md has no {command}");
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let section = page()["id"].clone();
    let wrong = |object: Value| {
        let section = section.clone();
        std::panic::catch_unwind(move || check("id", &section, &object, &mut BTreeSet::new())).is_err()
    };
    assert!(!wrong(json!({ "lineage": "selfsame1x" })));
    for object in [
        json!({}),
        json!({ "lineage": null }),
        json!({ "lineage": 1 }),
        json!({ "lineage": "other1x" }),
        json!({ "lineage": "selfsame1x", "more": 1 }),
        json!([]),
    ] {
        assert!(wrong(object.clone()), "{object}");
    }
}
