//! `drill`: the whole chain of the alarm, against a file's verifier and the real agent's.

use futures_util::StreamExt;
use selfsame_dbus::Verifier1Proxy;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use zbus::connection;

use super::host::Host;
use super::place::{Party, Place};
use super::run::{selfsame, text};

both! {
    each_link_holds_and_nothing_is_left,
    other_peers_and_forks_stay,
}

/// The links of a drill that works.
fn links(place: Place) -> Vec<&'static str> {
    let all = [
        "listen", "enrol", "verify", "copy", "alarm", "confront", "proof", "signal", "kept", "refused",
        "remove",
    ];
    let is_there = |link: &&str| place == Place::Agent || !["listen", "signal"].contains(link);
    all.into_iter().filter(is_there).collect()
}

fn each_link_holds_and_nothing_is_left(place: Place) {
    let party = Party::new(place);
    party.challenge("somebody");
    let object = party.json(&["drill"]);
    let found: Vec<_> = object["links"].as_array().unwrap().iter().map(|link| &link["link"]).collect();
    assert_eq!(found, links(place), "{object}");
    assert_eq!(object["works"], true, "{object}");
    assert_eq!(object["signalled"], if place == Place::Agent { json!(true) } else { Value::Null });
    assert!(object["peer"].as_str().unwrap().starts_with("drill-"), "{object}");
    assert!(object["fork_bytes"].as_u64().unwrap() > 4000, "{object}");
    let output = party.run(&["drill"]);
    let lines: Vec<_> = output.yes().lines().collect();
    assert_eq!(lines.len(), links(place).len() + 1, "{lines:?}");
    assert!(lines.iter().rev().skip(1).all(|line| line.starts_with("ok      ")), "{lines:?}");
    assert_eq!(party.json(&["forks"]), json!({ "forks": [] }));
    assert_eq!(party.json(&["peers"]), json!({ "peers": [] }));
}

fn other_peers_and_forks_stay(place: Place) {
    let party = Party::new(place);
    let (mut host, mut copy) = (Host::born_at(1, 1 << 40), Host::born_at(1, 1 << 40));
    let challenge = party.challenge("web");
    let proof = host.prove(&challenge, 64);
    copy.prove(&challenge, 64);
    party.run(&["enrol", "web", &proof]).yes();
    party.run(&["verify", "web", &copy.prove(&party.challenge("web"), 80), "--pass-time"]).yes();
    host.beat(90);
    let question = &party.json(&["questions", "web"])["questions"][0];
    let (index, tier) = (question["index"].as_u64().unwrap(), question["tier"].as_u64().unwrap());
    let answer = host.lineage.hop(index, u8::try_from(tier).unwrap(), true).unwrap();
    assert_eq!(party.json(&["confront", "web", &text(&answer.encode())])["error"], "Forked");
    let kept = |party: &Party| [party.json(&["peers"]), party.json(&["forks"])];
    let before = kept(&party);
    assert_eq!(before[1]["forks"].as_array().unwrap().len(), 1);
    party.run(&["drill"]).yes();
    assert_eq!(kept(&party), before);
}

#[test]
fn whoever_watches_for_forks_is_told_of_the_drill_by_its_name() {
    let party = Party::new(Place::Agent);
    let address = party.line().split_whitespace().last().unwrap().to_owned();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut signals = runtime.block_on(async {
        let connection = connection::Builder::address(address.as_str()).build().await.unwrap();
        let verifier = Verifier1Proxy::to(&connection).await.unwrap();
        verifier.receive_fork_found().await.unwrap()
    });
    let object = party.json(&["drill"]);
    let signal = runtime.block_on(signals.next()).unwrap();
    let args = signal.args().unwrap();
    assert_eq!(args.peer, object["peer"]);
    let fork = selfsame::Fork::parse(args.fork).unwrap();
    assert_eq!(fork.lineage().to_string(), object["lineage"]);
    assert!(fork.check([]).is_ok(), "it convinces anyone");
}

#[test]
fn a_link_that_breaks_is_told_with_its_own_code() {
    let party = Party::new(Place::Store);
    // no such store yet: nothing of it may be made by a drill
    let output = party.run(&["drill"]);
    assert_eq!((output.code, &*output.stdout), (5, "broken  enrol\n"), "{output:?}");
    assert!(output.stderr.starts_with("error: the chain breaks at `enrol`: "), "{output:?}");
    assert!(!party.file.exists());
    let object = party.json(&["drill"]);
    assert_eq!((&object["error"], &object["works"]), (&json!("StoreUnavailable"), &json!(false)));
    let nowhere = ["--bus-address", "unix:path=/nonexistent/bus", "drill"];
    let output = selfsame(nowhere);
    assert_eq!((output.code, &*output.stdout), (3, "broken  listen\n"), "{output:?}");
    let object = selfsame(["--json"].iter().chain(&nowhere)).json();
    assert_eq!(object["error"], "Unreachable");
    let links = json!([{ "link": "listen", "holds": false, "text": object["links"][0]["text"] }]);
    assert_eq!(object["links"], links);
}
