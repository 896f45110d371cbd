//! A file that can't be used: code 5 in either place, nothing is lost, and no restart is needed.

use std::fs;

use selfsame_store::Store;

use super::host::{AUDIENCE, Host};
use super::place::{Party, Place};
use super::run::selfsame;

both! {
    what_is_no_store_is_left_alone_until_somebody_mends_it,
    a_damaged_store_is_kept_and_one_that_is_put_back_is_taken,
}

/// Puts something else in the place of the file, as a person does: the one that was there may be open.
fn put(party: &Party, content: &[u8]) {
    let path = party.beside("other", "");
    fs::write(&path, content).unwrap();
    fs::rename(path, &party.file).unwrap();
}

fn what_is_no_store_is_left_alone_until_somebody_mends_it(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let good = fs::read(&party.file).unwrap();
    put(&party, b"something else that somebody still needs\n");
    for line in [&["peers"][..], &["challenge", "web", "--audience", AUDIENCE], &["verify", "web", "AAAA"]] {
        let (what, next) = party.refused(line, 5, "StoreUnavailable");
        assert!(what.contains(&format!("{}: no store of peers", party.file.display())), "{what}");
        assert!(!next.is_empty());
    }
    put(&party, &good);
    party.verify("web", &mut host, 120);
}

fn a_damaged_store_is_kept_and_one_that_is_put_back_is_taken(place: Place) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let good = fs::read(&party.file).unwrap();
    // a table's text in the schema: found when the file is opened
    let at = good.windows(17).position(|bytes| bytes == b"CREATE TABLE peer").unwrap();
    let mut damaged = good.clone();
    damaged[at + 15] = b'a';
    put(&party, &damaged);
    let (what, next) = party.refused(&["peers"], 5, "StoreUnavailable");
    assert!(what.contains("the store is damaged: "), "{what}");
    assert!(what.contains(&party.file.display().to_string()), "{what}");
    assert!(!next.is_empty());
    assert!(fs::read(&party.file).unwrap() == damaged, "it is kept");
    put(&party, &good);
    party.verify("web", &mut host, 120);
}

/// Both are programs on one file, which each of them has for one transaction at a time.
#[test]
fn what_the_agent_keeps_is_a_store_to_the_command() {
    let (party, mut host) = (Party::new(Place::Agent), Host::born(1));
    party.enrol("web", &mut host, 100);
    let file = party.file.to_str().unwrap();
    let by_file = |line: &[&str]| selfsame(["--store", file].iter().chain(line));
    assert_eq!(by_file(&["peers"]).yes(), party.run(&["peers"]).yes());
    let challenge = by_file(&["challenge", "web", "--audience", AUDIENCE]).yes().to_owned();
    party.run(&["verify", "web", &host.prove(&challenge, 120)]).yes();
    let proof = host.prove(&party.challenge("web"), 140);
    by_file(&["verify", "web", &proof]).yes();
    assert_eq!(party.run(&["verify", "web", &proof]).code, 1, "a challenge is used once, wherever");
    let store = Store::open(&party.file).unwrap().peers().unwrap();
    assert_eq!(store[0].index, 140);
}
