//! A store of an older version: it is brought up to this one, whole or not at all.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use rusqlite::Connection;
use selfsame_store::{Store, StoreError};

use super::child::Child;
use super::dump::{connect, dump};
use super::host::{File, Host, Party, SECOND, now, succeeds};

/// Rows of every table of version 1, but of forks.
fn party(host: &mut Host) -> Party {
    let (mut party, mut first) = (Party::new(), Host::born(9));
    party.enrol("web", &mut first, 10);
    let challenge = party.challenge_anew("web", 20);
    let proof = host.prove(&challenge, 21);
    party.store.enrol("web", &proof, &now(22), &succeeds()).expect("it succeeds");
    party.challenge("web", 30);
    party
}

/// What is in a store, as a file of version 1 has it.
fn as_version_1(from: &Path) -> File {
    let file = File::new();
    let connection = Connection::open(&file.path).expect("created");
    connection.execute_batch(include_str!("version_1.sql")).expect("valid");
    connection.execute("ATTACH ?1 AS other", [from.to_str().expect("text")]).expect("readable");
    for table in ["peer", "past", "hop", "challenge", "fork"] {
        let copy = format!("INSERT INTO main.{table} SELECT * FROM other.{table}");
        connection.execute(&copy, []).expect("the same columns");
    }
    file
}

fn version(path: &Path) -> i64 {
    connect(path).pragma_query_value(None, "user_version", |row| row.get(0)).expect("a number")
}

#[test]
fn a_store_of_version_1_becomes_one_of_this_and_goes_on() {
    let mut host = Host::with_tpm(1, 40);
    let file = as_version_1(&party(&mut host).file.path);
    let before = dump(&file.path);
    for table in ["peer", "past", "hop", "challenge"] {
        assert!(before.iter().any(|row| row.starts_with(&format!("{table}:"))), "{before:#?}");
    }
    let mut party = Party::on(file);
    assert_eq!(version(&party.file.path), 2);
    assert_eq!(dump(&party.file.path), before, "what is in it stays as it is");
    assert_eq!(party.file.names(), ["peers"]);
    party.store.check().expect("all is well");
    drop(party.file.open());

    // of the TPM it knows what version 1 kept, and the rest from the next proof that says so
    let mut successor = Host::after(2, &host, Some(41));
    successor.tpm.clock_ms = Some(900);
    let at = 100 * SECOND;
    let challenge = party.challenge_anew("web", at);
    let proof = successor.prove(&challenge, at + 1);
    let enrolment = party.store.enrol("web", &proof, &now(at + 2), &succeeds()).expect("it succeeds");
    assert_eq!((enrolment.tpm_resets, enrolment.tpm_step), (Some(1), None));
    assert_eq!(dump(&party.file.path).iter().filter(|row| row.starts_with("tpm_clock:")).count(), 1);
    party.meet_again("web", &mut successor, at + 10);
}

#[test]
fn an_older_version_whose_tables_are_not_its_own_is_damage_and_is_kept() {
    for change in ["DROP TABLE past", "CREATE TABLE tpm_clock (peer)", "ALTER TABLE peer ADD extra INTEGER"] {
        let file = as_version_1(&Party::new().file.path);
        connect(&file.path).execute_batch(change).expect("valid");
        let before = fs::read(&file.path).expect("readable");
        let error = Store::open(&file.path).expect_err("it is refused");
        assert!(matches!(error, StoreError::Damaged { .. }), "{change}: {error}");
        assert_eq!(fs::read(&file.path).expect("readable"), before);
    }
}

#[test]
fn without_space_it_stays_what_it_was() {
    let mut host = Host::with_tpm(1, 40);
    let file = as_version_1(&party(&mut host).file.path);
    let before = fs::read(&file.path).expect("readable");
    let elsewhere = File::new();
    drop(elsewhere.open());
    // two tables more are two pages more
    let mut child = Child::start_without_space(&elsewhere.path, before.len() as u64 / 512);
    child.send(&format!("open {}", file.path.display()));
    assert_eq!(child.answer().as_deref(), Some("unavailable"));
    assert_eq!(fs::read(&file.path).expect("readable"), before);
    file.open().check().expect("all is well");
}

#[test]
fn who_is_killed_while_it_brings_one_up_leaves_it_before_or_after() {
    let mut host = Host::with_tpm(1, 40);
    let origin = as_version_1(&party(&mut host).file.path);
    let (bytes, rows) = (fs::read(&origin.path).expect("readable"), dump(&origin.path));
    let elsewhere = File::new();
    let mut ends = [0, 0];
    for round in 0..40 {
        let file = File::new();
        fs::write(&file.path, &bytes).expect("written");
        let journal = file.path.with_file_name("peers-journal");
        let mut child = Child::start(&elsewhere.path, Stdio::piped());
        child.send(&format!("open {}", file.path.display()));
        child.close();
        while !journal.exists() && !child.has_ended() {}
        for _ in 0..round * 97 {
            let _ = journal.exists();
        }
        child.kill();
        // a journal that is left is rolled back by who reads next
        ends[usize::from(version(&file.path) == 2)] += 1;
        assert_eq!(dump(&file.path), rows);
        file.open().check().expect("all is well");
        assert_eq!((version(&file.path), dump(&file.path)), (2, rows.clone()));
    }
    println!("before or after: {ends:?}");
}

#[test]
fn of_two_that_open_one_at_once_neither_fails() {
    let mut host = Host::with_tpm(1, 40);
    let origin = as_version_1(&party(&mut host).file.path);
    let bytes = fs::read(&origin.path).expect("readable");
    let elsewhere = [File::new(), File::new()];
    let mut children = elsewhere.each_ref().map(|file| Child::start(&file.path, Stdio::piped()));
    for round in 0..20 {
        let file = File::new();
        fs::write(&file.path, &bytes).expect("written");
        for child in &mut children {
            child.send(&format!("open {}", file.path.display()));
        }
        for child in &mut children {
            assert_eq!(child.answer().as_deref(), Some("done "), "round {round}");
        }
        file.open().check().expect("all is well");
    }
}
