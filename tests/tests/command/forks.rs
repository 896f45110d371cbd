//! Forks that are kept, passed on, checked by a third party, and taken in.

use serde_json::json;

use super::alarms::copied;
use super::host::Host;
use super::place::{Party, Place};
use super::questions::{confronted, stolen};
use super::run::{bytes, selfsame, selfsame_with, text};

both! {
    forks_are_listed_and_printed_also_of_a_forgotten_peer,
    where_there_are_none_that_is_said,
    a_third_party_checks_a_fork_from_the_lineages_id_alone,
    anothers_fork_is_checked_and_taken_in,
    a_fork_for_a_holder_is_taken_in_by_who_accepted_the_moment,
    what_is_no_fork_or_of_nobodys_lineage_is_not_taken,
}

/// A fork of the lineage of a host, which is known to another party, too, and that party.
fn found(place: Place) -> (Party, Host, String, Party) {
    let (party, host) = stolen(place);
    let fork = confronted(&party, &host).1["fork"].as_str().unwrap().to_owned();
    let (elsewhere, mut known) = (Party::new(place), host);
    elsewhere.run(&["meet", "the web", &known.introduce()]).yes();
    (party, known, fork, elsewhere)
}

fn forks_are_listed_and_printed_also_of_a_forgotten_peer(place: Place) {
    let (party, host, fork, _) = found(place);
    let bytes = bytes(&fork).len();
    let expected = |peer| {
        json!({ "forks": [{
            "peer": peer,
            "lineage": host.id(),
            "for_anyone": true,
            "tier": party.json(&["forks"])["forks"][0]["tier"],
            "indices": [74, 90],
            "bytes": bytes,
            "fork": fork,
        }]})
    };
    for line in [&["forks"][..], &["forks", "web"]] {
        assert_eq!(party.json(line), expected(Some("web")));
        let output = party.run(line);
        let shown = output.yes();
        assert!(shown.starts_with(&format!("web  {}  tier ", host.id())), "{shown}");
        assert!(shown.ends_with(&format!("  index 74 and 90  for anyone  {bytes} bytes")), "{shown}");
    }
    assert_eq!(party.run(&["forks", "web", "--text"]).yes(), fork);

    party.run(&["forget", "web"]).yes();
    assert_eq!(party.json(&["forks"]), expected(None));
    let output = party.run(&["forks"]);
    assert!(output.yes().starts_with(&format!("(no peer)  {}  tier ", host.id())), "{output:?}");
    assert_eq!(party.run(&["forks", "--text"]).yes(), fork);
    party.refused(&["forks", "web"], 1, "UnknownPeer");
}

fn where_there_are_none_that_is_said(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 64);
    for line in [&["forks"][..], &["forks", "web"]] {
        assert_eq!(party.run(line).yes(), "no forks");
        assert_eq!(party.json(line), json!({ "forks": [] }));
    }
    let output = party.run(&["forks", "--text"]);
    assert_eq!((output.code, &*output.stdout, &*output.stderr), (0, "", "note: no forks\n"));
    party.refused(&["forks", "db"], 1, "UnknownPeer");
}

fn a_third_party_checks_a_fork_from_the_lineages_id_alone(place: Place) {
    let (_, host, fork, _) = found(place);
    let output = selfsame_with(["inspect"], fork.as_bytes());
    let shows =
        format!("  shows          that lineage {} was copied: checked from the genesis, a proof", host.id());
    assert!(output.yes().contains(&shows), "{output:?}");
    assert_eq!(selfsame(["inspect", "--json", &fork]).json()["facts"]["shows"], true);
    // one of the second moment's pledges: it is well-formed, and no fork
    let mut wrong = bytes(&fork);
    let place = wrong.len() - 300;
    wrong[place] ^= 1;
    let object = selfsame(["inspect", "--json", &text(&wrong)]).json();
    assert_eq!(object["facts"]["shows"], false, "{object}");
    let output = selfsame(["inspect", &text(&wrong)]);
    assert!(
        output.yes().contains("  shows          nothing, it is no fork: hop 2 of the two: "),
        "{output:?}"
    );
}

fn anothers_fork_is_checked_and_taken_in(place: Place) {
    let (_, mut host, fork, elsewhere) = found(place);
    let file = format!("@{}", elsewhere.beside("fork", &format!("{fork}\n")));
    let output = elsewhere.run(&["forks", "--report", &file]);
    let expected = format!(
        "the web: lineage {} was copied: checked from the genesis: it convinces anyone; from now on the lineage is \
         never accepted again",
        host.id()
    );
    assert_eq!(output.yes(), expected);
    let output = elsewhere.run_with(&["forks", "--report", "-"], &fork);
    assert!(output.yes().ends_with("; as was known, the lineage is never accepted again"), "{output:?}");
    let object = elsewhere.json(&["forks", "--report", &fork]);
    let expected = json!({ "peer": "the web", "lineage": host.id(), "start": "genesis", "new": false });
    assert_eq!(object, expected);
    assert_eq!(elsewhere.run(&["forks", "the web", "--text"]).yes(), fork);
    let proof = host.prove(&elsewhere.challenge("the web"), 120);
    elsewhere.refused_by(&["verify", "the web", &proof], 6, "Forked", None::<u8>);
}

fn a_fork_for_a_holder_is_taken_in_by_who_accepted_the_moment(place: Place) {
    let ((party, mut host, mut copy), elsewhere) = (copied(place), Party::new(place));
    elsewhere.run(&["meet", "web", &host.introduce()]).yes();
    let challenges = [party.challenge("web"), party.challenge("web")];
    party.run(&["verify", "web", &copy.prove(&challenges[0], 74)]).yes();
    assert_eq!(party.run(&["verify", "web", &host.prove(&challenges[1], 74)]).code, 6);
    let fork = party.run(&["forks", "web", "--text"]).yes().to_owned();
    let object = party.json(&["forks", "--report", &fork]);
    assert_eq!((&object["start"], &object["new"]), (&"held".into(), &false.into()), "{object}");
    assert!(
        party.run(&["forks"]).yes().contains("  for who holds the moment that it starts from  "),
        "it has no genesis"
    );
    // what was only introduced was not accepted by a proof
    let (what, next) = elsewhere.refused(&["forks", "--report", &fork], 1, "Malformed");
    assert_eq!(what, "no fork: no moment to start from: it has no genesis, and none of that lineage is held");
    assert!(next.contains("ask who showed it to you for one that does"), "{next}");
}

fn what_is_no_fork_or_of_nobodys_lineage_is_not_taken(place: Place) {
    let (party, host, fork, elsewhere) = found(place);
    for (wrong, why) in [
        ("AAAA", "the fork is malformed: fork: `fork` is not a map"),
        ("a fork", "the fork is malformed: white space at byte 1: it is one line"),
    ] {
        let (what, _) = elsewhere.refused(&["forks", "--report", wrong], 2, "InvalidArgument");
        assert_eq!(what, why);
    }
    let mut wrong = bytes(&fork);
    let place = wrong.len() - 300;
    wrong[place] ^= 1;
    let (what, next) = elsewhere.refused(&["forks", "--report", &text(&wrong)], 1, "Malformed");
    assert!(what.starts_with("no fork: hop 2 of the two: "), "{what}");
    assert!(next.contains("`selfsame inspect`"), "{next}");
    party.run(&["forget", "web"]).yes();
    let (what, next) = party.refused(&["forks", "--report", &fork], 1, "UnknownPeer");
    assert_eq!(what, format!("no peer is or was of lineage {}", host.id()));
    assert!(next.contains(" peers` lists"), "{next}");
}
