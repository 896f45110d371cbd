//! A relying party's day: challenge, meet, enrol, verify, peers, forget.

use selfsame::{Challenge, Introduction, Subject};
use serde_json::json;

use super::host::{AUDIENCE, Host, wall_ms};
use super::place::{Party, Place};
use super::run::{bytes, selfsame, text};

both! {
    a_challenge_is_one_line_that_a_host_can_parse,
    a_host_is_enrolled_and_verified,
    a_verdict_has_the_contracts_names,
    only_the_subject_that_is_asked_for_is_taken,
    a_host_is_met_by_an_introduction_and_verified_from_there,
    a_dry_run_changes_nothing,
    an_answer_that_was_overtaken_stands_and_moves_nothing,
    peers_are_listed_and_forgotten,
    messages_come_from_files_and_from_standard_input,
    what_others_say_can_not_move_the_cursor,
}

fn a_challenge_is_one_line_that_a_host_can_parse(place: Place) {
    let party = Party::new(place);
    let issued = wall_ms();
    let challenge = party.challenge("web");
    let parsed = Challenge::parse(&bytes(&challenge)).unwrap();
    assert_eq!((parsed.audience(), parsed.nonce().len()), (AUDIENCE, 32));
    assert_eq!((parsed.lineage(), parsed.start()), (None, 0));

    let host = Host::born(1);
    let object = party.json(&["challenge", "web", "--audience", AUDIENCE, "--lineage", &host.id()]);
    let parsed = Challenge::parse(&bytes(object["challenge"].as_str().unwrap())).unwrap();
    assert_eq!(parsed.lineage(), Some(host.lineage.id()));
    assert_eq!((&object["peer"], &object["audience"]), (&json!("web"), &json!(AUDIENCE)));
    assert_eq!((&object["lineage"], &object["since"]), (&json!(host.id()), &json!(0)));
    let expires = object["expires_ms"].as_u64().unwrap();
    assert!((issued + 60_000..=wall_ms() + 60_000).contains(&expires), "{object}");
    assert_ne!(party.challenge("web"), challenge, "each nonce is another");
}

fn a_host_is_enrolled_and_verified(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    let verdict = party.enrol("web", &mut host, 100);
    assert_eq!(verdict["index"], 100);
    assert_eq!((&verdict["gap_ms"], &verdict["hops"]), (&json!(24), &json!(1)));
    assert_eq!((&verdict["confirmed"], &verdict["moved"]), (&json!(true), &json!(true)));
    assert_eq!((&verdict["time"], &verdict["by_wall"]), (&json!("checked"), &json!(true)));
    assert_eq!((&verdict["reason"], &verdict["dry_run"]), (&json!("install"), &json!(false)));
    for absent in ["predecessor", "tpm_resets", "silent_ms"] {
        assert!(verdict.get(absent).is_none(), "{verdict}");
    }

    let proof = host.prove(&party.challenge("web"), 120);
    let output = party.run(&["verify", "web", &proof]);
    let rows: Vec<Vec<&str>> =
        output.yes().lines().map(|line| line.split("  ").filter(|part| !part.is_empty()).collect()).collect();
    let id = host.id();
    let expected = [
        ["verdict", "web: yes, the same host"],
        ["lineage", &id],
        ["subject", "uid 1000, unit web.service"],
        ["payload", "none"],
        ["index", "120 (age 29 ms)"],
        ["gap", "4 ms since the anchor"],
        ["hops", "1"],
        ["stalled", "no"],
        ["confirmed", "yes"],
        ["moved", "yes"],
        ["time", "checked: by this boot's clock, to a second"],
        ["condition", "steady"],
        ["drift", "0.125"],
    ];
    for (row, expected) in rows.iter().zip(expected) {
        // a machine that is busy for a second makes it lag
        let is_as_expected = row[1].trim() == expected[1] || expected[0] == "stalled";
        assert!(row[0] == expected[0] && is_as_expected, "{output:?}");
    }
    assert_eq!(rows.len(), expected.len(), "{output:?}");
}

fn a_verdict_has_the_contracts_names(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let subject = Subject {
        uid: Some(33),
        gid: Some(34),
        pid: Some(35),
        unit: Some("web.service".into()),
        exe: Some("/usr/bin/web".into()),
        label: Some("unconfined".into()),
        app: Some("org.example.Web".into()),
        invocation: Some([0xab; 16]),
    };
    let proof = host.prove_as(&party.challenge("web"), 120, subject, Some(b"channel\x00"));
    let mut verdict = party.json(&["verify", "web", &text(&proof)]);
    assert!(verdict["stalled_ms"].as_u64().unwrap() < 60_000, "{verdict}");
    verdict["stalled_ms"] = json!(0);
    let evidence = bytes(verdict["evidence"].as_str().unwrap());
    assert_eq!(evidence, host.lineage.genesis().evidence().as_bytes());
    let expected = json!({
        "lineage": host.id(),
        "index": 120,
        "gap_ms": 4,
        "hops": 1,
        "stalled_ms": 0,
        "confirmed": true,
        "moved": true,
        "time": "checked",
        "by_wall": false,
        "subject": {
            "uid": 33,
            "gid": 34,
            "pid": 35,
            "unit": "web.service",
            "exe": "/usr/bin/web",
            "label": "unconfined",
            "app": "org.example.Web",
            "invocation": "ab".repeat(16),
        },
        "payload": text(b"channel\x00"),
        "evidence": text(&evidence),
        "condition": "steady",
        "drift": 0.125,
    });
    assert_eq!(verdict, expected);
}

fn only_the_subject_that_is_asked_for_is_taken(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let proof = host.prove(&party.challenge("web"), 120);
    for (option, value, what) in [
        ("--uid", "0", "uid is 1000, asked for 0"),
        ("--unit", "db.service", "unit is web.service, asked for db.service"),
        ("--app", "org.example.Web", "app is not established, asked for org.example.Web"),
    ] {
        let arguments = ["verify", "web", &proof, option, value];
        let (text, _) = party.refused_by(&arguments, 1, "WrongSubject", 5);
        assert_eq!(text, format!("proof refused: check 5: {what}"));
    }
    party.run(&["verify", "web", &proof, "--uid", "1000", "--unit", "web.service"]).yes();
}

fn a_host_is_met_by_an_introduction_and_verified_from_there(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    host.beat(50);
    let introduction = host.introduce();
    let object = party.json(&["meet", "web", &introduction]);
    let expected = json!({"peer": "web", "lineage": host.id(), "index": 50, "replaced": false});
    assert_eq!(object, expected);
    let verdict = party.verify("web", &mut host, 60);
    assert_eq!((&verdict["confirmed"], &verdict["gap_ms"]), (&json!(true), &json!(2)));

    host.beat(70);
    let newer = host.introduce();
    let line = format!(
        "web: met as lineage {}, at index 70; on the introduction's word, until a proof confirms it",
        host.id()
    );
    assert_eq!(party.run(&["meet", "web", &newer, "--replace"]).yes(), line);
    assert_eq!(Introduction::parse(&bytes(&newer)).unwrap().anchor().index(), 70);
    party.verify("web", &mut host, 80);
}

fn a_dry_run_changes_nothing(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    let proof = host.prove(&party.challenge("web"), 100);
    let before = std::fs::read(&party.file).unwrap();
    let found = party.json(&["enrol", "web", &proof, "--dry-run"]);
    assert_eq!(found["dry_run"], true);
    let text = party.run(&["enrol", "web", &proof, "--dry-run"]);
    assert!(text.yes().contains("web: would be enrolled (nothing has changed)"), "{text:?}");
    assert_eq!(std::fs::read(&party.file).unwrap(), before);
    let mut enrolled = party.json(&["enrol", "web", &proof]);
    enrolled["dry_run"] = json!(true);
    assert_eq!(enrolled, found);
}

fn an_answer_that_was_overtaken_stands_and_moves_nothing(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let challenges = [party.challenge("web"), party.challenge("web")];
    let [older, newer] = [host.prove(&challenges[0], 120), host.prove(&challenges[1], 140)];
    assert_eq!(party.json(&["verify", "web", &newer])["moved"], true);
    let output = party.run(&["verify", "web", &older]);
    assert!(output.yes().contains("no: a newer answer had overtaken this one"), "{output:?}");
}

fn peers_are_listed_and_forgotten(place: Place) {
    let (party, mut web, mut db) = (Party::new(place), Host::born(1), Host::born(2));
    party.challenge("nobody yet");
    assert_eq!(party.run(&["peers"]).yes(), "no peers");
    assert_eq!(party.json(&["peers"]), json!({"peers": []}));
    party.enrol("web", &mut web, 100);
    party.enrol("the database", &mut db, 200);
    let object = party.json(&["peers"]);
    let [first, second] = &object["peers"].as_array().unwrap()[..] else { panic!("{object}") };
    let met = first["met_ms"].as_u64().unwrap();
    assert_eq!(*first, json!({"peer": "the database", "lineage": db.id(), "index": 200, "met_ms": met}));
    assert_eq!((&second["peer"], &second["index"]), (&json!("web"), &json!(100)));
    let output = party.run(&["peers"]);
    let lines: Vec<&str> = output.yes().lines().collect();
    assert!(lines[0].starts_with(&format!("the database  {}  index 200  met 2", db.id())), "{output:?}");
    assert!(lines[1].starts_with(&format!("web           {}  index 100  met 2", web.id())), "{output:?}");

    assert_eq!(party.run(&["forget", "web"]).yes(), "web: forgotten");
    assert_eq!(party.json(&["forget", "the database"]), json!({"peer": "the database", "forgotten": true}));
    assert_eq!(party.run(&["peers"]).yes(), "no peers");
    party.run(&["forget", "nobody yet"]).yes();
}

fn messages_come_from_files_and_from_standard_input(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    let proof = host.prove(&party.challenge("web"), 100);
    let file = format!("@{}", party.beside("proof", &format!("\n  {proof}\t\n\n")));
    party.run(&["enrol", "web", &file]).yes();
    let proof = host.prove(&party.challenge("web"), 120);
    party.run_with(&["verify", "web", "-"], &format!("{proof}\n")).yes();
    host.beat(140);
    let introduction = host.introduce();
    party.run_with(&["meet", "web", "--replace", "-"], &introduction).yes();
}

fn what_others_say_can_not_move_the_cursor(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let subject = selfsame::Subject { unit: Some("a\u{1b}[2J\n\u{202e}b".into()), ..Default::default() };
    let proof = text(&host.prove_as(&party.challenge("web"), 120, subject, Some(b"\x1b[2J")));
    let refused = party.run(&["verify", "web", &proof, "--unit", "b"]);
    let inspected = selfsame(["inspect", &proof]);
    let verified = party.run(&["verify", "web", &proof]);
    for shown in [refused.no(1).0, inspected.yes(), verified.yes()] {
        assert!(shown.contains("a\\u{1b}[2J\\n\\u{202e}b"), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    }
}
