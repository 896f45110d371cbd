//! The store's file: code 5, and what a refused command leaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::host::{AUDIENCE, Host};
use super::party::Party;

#[test]
fn a_store_is_made_by_who_makes_peers_and_not_by_a_mistyped_name() {
    let (party, mut host) = (Party::new(), Host::born(1));
    for arguments in
        [&["peers"][..], &["forget", "web"], &["verify", "web", "AAAA"], &["questions", "web"], &["forks"]]
    {
        let (what, next) = party.refused(arguments, 5, "StoreUnavailable");
        assert_eq!(what, format!("{}: there is no such store", party.file.display()));
        assert!(next.contains("`challenge` and `meet` make a new store"), "{next}");
    }
    // what is wrong with the arguments is found before
    for arguments in [
        &["meet", "web", "no introduction"][..],
        &["meet", "web", "AAAA"],
        &["challenge", "web", "--audience", AUDIENCE, "--lineage", "selfsame1x"],
        &["verify", "web", "A.A"],
        &["confront", "web", "AAAA"],
        &["forks", "--report", "AAAA"],
    ] {
        party.refused(arguments, 2, "InvalidArgument");
    }
    assert!(!party.file.exists());
    party.run(&["meet", "web", &host.introduce()]).yes();
    assert_eq!(fs::metadata(&party.file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_is_no_store_is_left_alone() {
    let party = Party::new();
    fs::write(&party.file, "something else that somebody still needs\n").unwrap();
    for arguments in [&["peers"][..], &["challenge", "web", "--audience", AUDIENCE]] {
        let (what, _) = party.refused(arguments, 5, "StoreUnavailable");
        assert_eq!(what, format!("{}: no store of peers", party.file.display()));
    }
    fs::remove_file(&party.file).unwrap();
    fs::create_dir(&party.file).unwrap();
    let output = party.run(&["peers"]);
    assert_eq!(output.no(5).0, format!("{}: no store of peers", party.file.display()));
}

#[test]
fn a_store_of_another_version_or_a_damaged_one_is_left_alone() {
    let party = Party::new();
    party.challenge("web");
    let good = fs::read(&party.file).unwrap();
    // `user_version`, in SQLite's header (its file format, section 1.3)
    let mut newer = good.clone();
    newer[60..64].copy_from_slice(&7_u32.to_be_bytes());
    fs::write(&party.file, newer).unwrap();
    let (what, _) = party.refused(&["peers"], 5, "StoreUnavailable");
    let file = party.file.display();
    assert!(what.starts_with(&format!("{file}: the store is of version 7, this program knows ")), "{what}");

    let place = good.windows(17).position(|bytes| bytes == b"CREATE TABLE peer").unwrap();
    let mut damaged = good.clone();
    damaged[place + 15] = b'a';
    fs::write(&party.file, damaged).unwrap();
    let (what, next) = party.refused(&["peers"], 5, "StoreUnavailable");
    assert!(what.starts_with(&format!("{file}: the store ")), "{what}");
    assert!(!next.is_empty());
    fs::write(&party.file, good).unwrap();
    party.run(&["peers"]).yes();
}

#[test]
fn a_store_that_can_not_be_made_says_why() {
    let party = Party::new();
    let output = super::run::selfsame([
        "--store",
        &format!("{}/none/peers", party.file.display()),
        "challenge",
        "web",
        "--audience",
        AUDIENCE,
    ]);
    let (what, _) = output.no(5);
    assert!(what.ends_with(": the store can't be used: No such file or directory (os error 2)"), "{what}");
}

#[test]
fn a_file_that_can_not_be_read_says_why() {
    let party = Party::new();
    party.challenge("web");
    let (what, next) = party.refused(&["verify", "web", "@/nonexistent/proof"], 5, "FileUnavailable");
    assert!(what.starts_with("the proof can't be read: /nonexistent/proof: No such file"), "{what}");
    assert_eq!(next, "check its path and who may read it");
}
