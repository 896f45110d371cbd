//! `inspect` of each message that there is.

use selfsame::{Genesis, Introduction, Moment, Subject};
use serde_json::{Value, json};

use super::host::{AUDIENCE, Host};
use super::party::Party;
use super::run::{bytes, selfsame, selfsame_with, text};

fn explained(message: &str) -> (String, Value) {
    let output = selfsame(["inspect", message]);
    let object = selfsame(["inspect", "--json", message]).json();
    assert_eq!(object["bytes"], bytes(message).len(), "{object}");
    let kind = object["kind"].as_str().unwrap();
    assert!(output.yes().starts_with(&format!("{kind}, {} bytes\n", bytes(message).len())), "{output:?}");
    (output.yes().to_owned(), object)
}

/// A field's value, by its name and those of the fields it is in.
fn at<'v>(object: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(&object["fields"], |fields, name| match name.parse::<usize>() {
        Ok(place) => &fields[place]["value"],
        Err(_) => &fields[*name]["value"],
    })
}

#[test]
fn a_challenge() {
    let (party, mut host) = (Party::new(), Host::born(1));
    let (text, object) = explained(&party.challenge("web"));
    assert_eq!(object["kind"], "challenge");
    assert!(text.contains("whoever comes, from the genesis"), "{text}");
    party.enrol("web", &mut host, 100);
    let (text, object) = explained(&party.challenge("web"));
    assert!(text.contains("this lineage, from index 100 on"), "{text}");
    assert!(text.contains(&format!("2 audience: \"{AUDIENCE}\" (12 bytes)")), "{text}");
    assert_eq!(at(&object, &["version"]), 1);
    assert_eq!(at(&object, &["lineage"]), &json!(host.id()));
    assert_eq!(bytes(at(&object, &["nonce"]).as_str().unwrap()).len(), 32);
    assert_eq!(object["fields"]["nonce"]["bytes"], 32);
    let head = host.lineage.head();
    assert_eq!(at(&object, &["since", "0", "index"]), head.index);
    assert_eq!(at(&object, &["since", "0", "digest"]), &json!(head.digest.to_string()));
}

#[test]
fn a_proof() {
    let (party, mut host) = (Party::new(), Host::born(1));
    host.beat(1030);
    let subject = Subject { uid: Some(7), invocation: Some([0xab; 16]), ..Subject::default() };
    let challenge = party.challenge("web");
    let proof = host.prove_as(&challenge, 1100, subject, Some(b"hello"));
    let (shown, object) = explained(&text(&proof));
    assert_eq!(object["kind"], "proof");
    assert_eq!((&object["facts"]["head"], &object["facts"]["gap"]), (&json!(1100), &json!(268)));
    let hops = at(&object, &["hops"]).as_array().unwrap().len();
    assert_eq!(object["facts"]["hops"], hops);
    assert!(hops > 1, "{shown}");
    let last = (hops - 1).to_string();
    assert_eq!(at(&object, &["hops", &last, "opening"]).as_str().unwrap().len(), 2859, "2,144 bytes");
    assert_eq!(at(&object, &["hops", &last, "body", "index"]), 1100);
    assert_eq!(at(&object, &["hops", &last, "body", "pledges"]).as_array().unwrap().len(), 16);
    assert_eq!(at(&object, &["hops", &last, "body", "statements", "count"]), 1);
    assert_eq!(at(&object, &["hops", &last, "body", "evidence", "condition"]), "steady");
    assert_eq!(at(&object, &["statement", "subject", "uid"]), 7);
    assert_eq!(at(&object, &["statement", "subject", "invocation"]), &json!("ab".repeat(16)));
    assert_eq!(at(&object, &["statement", "payload"]), &json!(text(b"hello")));
    assert_eq!(object["fields"]["genesis"]["bytes"], host.lineage.genesis().body().len());
    assert!(shown.contains("4 payload: \"hello\" (5 bytes)"), "{shown}");
    assert!(shown.contains("opening: 2144 bytes"), "{shown}");
    // each hop but the last in one line
    assert_eq!(shown.matches("pledges: 16 of them").count(), 2, "of the head and the genesis: {shown}");
    assert_eq!(shown.matches("opening 2144 bytes").count(), hops - 1, "{shown}");
}

#[test]
fn a_genesis_a_moment_and_an_introduction() {
    let mut host = Host::born(1);
    host.beat(100);
    let introduction = host.introduce();
    let parsed = Introduction::parse(&bytes(&introduction)).unwrap();

    let genesis = parsed.genesis();
    let (shown, object) = explained(&text(genesis.body()));
    assert_eq!((&object["kind"], &object["facts"]["lineage"]), (&json!("genesis"), &json!(host.id())));
    assert_eq!(at(&object, &["origin", "reason"]), "install");
    assert_eq!(at(&object, &["evidence", "sources", "0"]), "tpm");
    assert_eq!(at(&object, &["evidence", "behaviour", "drift"]), 125);
    assert_eq!(at(&object, &["wall"]), genesis.wall_ms());
    assert!(shown.contains("2 drift: 125 (0.125)"), "{shown}");
    assert!(shown.contains(" UTC)"), "{shown}");

    let moment = parsed.moment().unwrap();
    let (shown, object) = explained(&text(moment.body()));
    assert_eq!((&object["kind"], &object["facts"]["tier"]), (&json!("moment"), &json!(3)));
    assert_eq!(object["facts"]["digest"], moment.digest().to_string());
    assert_eq!(at(&object, &["previous", "index"]), 0);
    assert!(shown.contains("it opens and replaces the pledges of tiers 0 to 3"), "{shown}");

    let (shown, object) = explained(&introduction);
    assert_eq!((&object["kind"], &object["facts"]["index"]), (&json!("introduction"), &json!(100)));
    assert_eq!(object["facts"]["lineage"], host.id());
    assert_eq!(object["fields"]["moment"]["bytes"], moment.body().len());
    assert!(shown.contains("nothing by itself"), "{shown}");
    assert!(Genesis::parse(genesis.body()).is_ok() && Moment::parse(moment.body()).is_ok());
}

#[test]
fn a_hop_and_an_answer() {
    let mut host = Host::born(1);
    for index in [100, 5000, 5100] {
        host.beat(index);
    }
    let answer = host.lineage.hop(5000, 2, true).unwrap();
    let (shown, object) = explained(&text(&answer.hop.encode()));
    assert_eq!((&object["kind"], &object["facts"]["opens"]), (&json!("hop"), &json!(2)));
    assert_eq!(object["facts"]["to"], 5100);
    assert_eq!(at(&object, &["tier"]), 2);
    assert!(shown.contains("the pledge of tier 2"), "{shown}");
    let (shown, object) = explained(&text(&answer.encode()));
    assert_eq!(object["facts"]["lineage"], host.id());
    assert!(shown.contains("nothing by itself: who asked for it"), "{shown}");
    assert_eq!((&object["kind"], &object["facts"]["way"]), (&json!("hop answer"), &json!(answer.way.len())));
    assert_eq!(at(&object, &["hop", "tier"]), 2);
    assert_eq!(at(&object, &["way"]).as_array().unwrap().len(), answer.way.len());
}

#[test]
fn a_fork() {
    let (party, mut host, mut copy) = (Party::new(), Host::born_at(1, 1 << 40), Host::born_at(1, 1 << 40));
    let challenge = party.challenge("web");
    let proof = host.prove(&challenge, 64);
    copy.prove(&challenge, 64);
    party.run(&["enrol", "web", &proof]).yes();
    party.run(&["verify", "web", &copy.prove(&party.challenge("web"), 80), "--pass-time"]).yes();
    host.beat(90);
    let mut store = party.store();
    for (way, shows, start) in [
        (false, false, "nothing by itself: it has no genesis, and only who holds the moment".to_owned()),
        (true, true, format!("that lineage {} was copied: checked from the genesis", host.id())),
    ] {
        let fork = store
            .questions("web")
            .unwrap()
            .into_iter()
            .filter_map(|(index, tier)| host.lineage.hop(index, tier, way).ok())
            .find_map(|answer| store.confront("web", &answer).unwrap())
            .unwrap();
        let (shown, object) = explained(&text(&fork.encode()));
        assert_eq!((&object["kind"], &object["facts"]["shows"]), (&json!("fork"), &json!(shows)), "{shown}");
        assert!(shown.contains(&format!("  shows          {start}")), "{shown}");
        assert_eq!(object["facts"]["lineage"], host.id());
        let indices = fork.hops().each_ref().map(|hop| hop.moment().index());
        assert_eq!(object["facts"]["first_index"], indices[0]);
        assert_eq!(object["facts"]["second_index"], indices[1]);
        assert_eq!(at(&object, &["lineage"]), &json!(host.id()));
        assert_eq!(at(&object, &["first_hop", "tier"]), at(&object, &["second_hop", "tier"]));
        assert_eq!(object["fields"].get("genesis").is_some(), way);
    }
}

#[test]
fn the_message_may_come_from_a_file_or_standard_input() {
    let party = Party::new();
    let challenge = party.challenge("web");
    let shown = selfsame(["inspect", &challenge]);
    let file = format!("@{}", party.beside("challenge", &format!("{challenge}\n")));
    assert_eq!(selfsame(["inspect", &file]).yes(), shown.yes());
    for line in [&["inspect"][..], &["inspect", "-"]] {
        assert_eq!(selfsame_with(line, challenge.as_bytes()).yes(), shown.yes());
    }
}

#[test]
fn what_is_no_message_says_why() {
    let mut host = Host::born(1);
    host.beat(100);
    let mut introduction = bytes(&host.introduce());
    introduction.push(0);
    for (message, why) in [
        (String::new(), "it is empty"),
        ("A".into(), "no base64url: it is cut short, or mistyped at its end"),
        ("AAAA".into(), "it begins like no message of this protocol"),
        (text(&introduction), "introduction: 1 bytes too many at its end"),
        (text(&introduction[..700]), "introduction: no CBOR, or cut short, at byte 645"),
    ] {
        let output = selfsame(["inspect", &message]);
        assert_eq!(output.no(2).0, format!("the message is malformed: {why}"));
    }
}
