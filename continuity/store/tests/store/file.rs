//! The file: how it is made, what is refused, and what is done where it is damaged, held, or not there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use selfsame_store::{ChallengeOptions, Store, StoreError};

use super::child::Child;
use super::dump::{connect, dump};
use super::host::{AUDIENCE, File, Host, Party, now};

fn refused(path: &Path) -> StoreError {
    Store::open(path).err().unwrap_or_else(|| panic!("{} is not refused", path.display()))
}

#[test]
fn a_new_file_is_its_owners_only_and_says_what_it_is() {
    let file = File::new();
    drop(file.open());
    let mode = fs::metadata(&file.path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let number = |name| connect(&file.path).pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    assert_eq!(number("application_id").expect("a number"), i64::from(u32::from_be_bytes(*b"self")));
    assert_eq!(number("user_version").expect("a number"), 2);
    let header = fs::read(&file.path).expect("readable");
    assert_eq!(&header[68..72], b"self", "where file(1) looks for it");
}

#[test]
fn it_is_one_file() {
    let mut party = Party::new();
    party.enrol("web", &mut Host::born(1), 10);
    assert_eq!(party.file.names(), ["peers"], "also while it is open");
    party.store.check().expect("all is well");
}

#[test]
fn the_journal_is_its_owners_only_too() {
    let mut party = Party::new();
    party.enrol("web", &mut Host::born(1), 10);
    let other = connect(&party.file.path);
    other.execute_batch("BEGIN IMMEDIATE; UPDATE peer SET head = head + 1").expect("a change");
    let journal = party.file.path.with_file_name("peers-journal");
    let mode = fs::metadata(journal).expect("a rollback journal").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn a_store_is_what_it_was_when_it_is_opened_again() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let before = (dump(&party.file.path), fs::read(&party.file.path).expect("readable"));
    party.reopen();
    assert_eq!((dump(&party.file.path), fs::read(&party.file.path).expect("readable")), before);
    party.meet_again("web", &mut host, 20);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let file = File::new();
    fs::write(&file.path, b"").expect("written");
    file.open().check().expect("all is well");
}

#[test]
fn what_is_no_store_is_refused_untouched() {
    let other_program = |path: &Path, script: &str| {
        let connection = rusqlite::Connection::open(path).expect("created");
        connection.execute_batch(script).expect("valid");
    };
    let long = b"x".repeat(10_000);
    let texts: [&[u8]; 5] = [b"x", b"some notes\n", &long[..99], &long[..512], &long];
    let scripts = [
        "CREATE TABLE notes (text)",
        "PRAGMA application_id = 1",
        "PRAGMA user_version = 1",
        "PRAGMA journal_mode = wal; CREATE TABLE notes (text)",
        "CREATE TABLE peer (name); PRAGMA user_version = 1",
    ];
    let file = File::new();
    let mut paths = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        paths.push(file.path.with_file_name(format!("text {number}")));
        fs::write(&paths[number], text).expect("written");
    }
    for (number, script) in scripts.iter().enumerate() {
        let path = file.path.with_file_name(format!("database {number}"));
        other_program(&path, script);
        paths.push(path);
    }
    let names = file.names();
    for path in paths {
        let before = fs::read(&path).expect("readable");
        assert!(matches!(refused(&path), StoreError::NotAStore { path: found } if found == path));
        assert_eq!(fs::read(&path).expect("readable"), before, "{}", path.display());
    }
    assert_eq!(file.names().len(), names.len(), "nothing is left beside them");
}

#[test]
fn what_is_no_file_is_refused() {
    let file = File::new();
    fs::create_dir(&file.path).expect("created");
    assert!(matches!(refused(&file.path), StoreError::NotAStore { .. }));
    assert!(matches!(refused(Path::new("/dev/null")), StoreError::NotAStore { .. }));
    assert!(matches!(refused(&file.path.join("no/such/folder")), StoreError::Unavailable { .. }));
    assert!(matches!(refused(Path::new("")), StoreError::Unavailable { .. }));
    let dangling = file.path.with_file_name("link");
    symlink(file.path.with_file_name("nothing"), &dangling).expect("created");
    assert!(matches!(refused(&dangling), StoreError::Unavailable { .. }));
}

#[test]
fn a_name_that_means_something_to_sqlite_is_a_file_all_the_same() {
    let file = File::new();
    let folder = file.path.parent().expect("a folder");
    let mut child = Child::start_in(folder, &file.path);
    for name in [":memory:", "file:x?mode=memory", "a?b#c%20d"] {
        // relative: SQLite sees no folder before the name
        child.send(&format!("open {name}"));
        assert_eq!(child.answer().as_deref(), Some("done "));
        assert!(folder.join(name).metadata().expect("a file").len() > 0, "{name}");
    }
}

#[test]
fn another_version_is_refused_untouched() {
    for version in [0, 3, 77] {
        let mut party = Party::new();
        party.enrol("web", &mut Host::born(1), 10);
        connect(&party.file.path).pragma_update(None, "user_version", version).expect("written");
        let before = fs::read(&party.file.path).expect("readable");
        let error = refused(&party.file.path);
        assert!(matches!(error, StoreError::Version { found, known: 2 } if found == version), "{error}");
        assert_eq!(fs::read(&party.file.path).expect("readable"), before);
    }
}

#[test]
fn other_tables_are_damage() {
    for change in [
        "DROP TABLE past",
        "DROP TABLE tpm_clock",
        "PRAGMA user_version = 1",
        "ALTER TABLE peer ADD extra INTEGER",
        "CREATE VIEW all_peers AS SELECT * FROM peer",
    ] {
        let file = File::new();
        drop(file.open());
        connect(&file.path).execute_batch(change).expect("valid");
        let error = refused(&file.path);
        assert!(matches!(error, StoreError::Damaged { .. }), "{change}: {error}");
    }
}

#[test]
fn a_damaged_page_is_an_error_and_the_file_is_kept() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let good = fs::read(&party.file.path).expect("readable");
    let pages = good.len() / 4096;
    let mut found = 0;
    for page in 1..pages {
        let mut damaged = good.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xa5);
        let file = File::new();
        fs::write(&file.path, &damaged).expect("written");
        let outcome = Store::open(&file.path).and_then(|mut store| {
            store.check()?;
            store.challenge("web", AUDIENCE, &[9; 32], &now(20), &ChallengeOptions::default())
        });
        match outcome {
            Err(StoreError::Damaged { .. }) => found += 1,
            other => panic!("page {page} of {pages}: {other:?}"),
        }
        assert_eq!(fs::read(&file.path).expect("readable"), damaged);
    }
    assert!(found >= 8, "{found} pages: one at least for each table and index");
}

#[test]
fn a_file_that_was_cut_short_is_an_error_and_is_kept() {
    let mut party = Party::new();
    party.enrol("web", &mut Host::born(1), 10);
    let good = fs::read(&party.file.path).expect("readable");
    let file = File::new();
    let cut = &good[..good.len() / 2];
    fs::write(&file.path, cut).expect("written");
    let outcome = Store::open(&file.path).and_then(|mut store| store.check());
    assert!(matches!(outcome, Err(StoreError::Damaged { .. })), "{outcome:?}");
    assert_eq!(fs::read(&file.path).expect("readable"), cut);
}

#[test]
fn a_state_that_is_not_what_it_says_is_damage() {
    let damages = [
        "UPDATE peer SET state = x'a0'",
        "UPDATE peer SET state = substr(state, 2)",
        "UPDATE peer SET head = head + 1",
        "UPDATE peer SET lineage = randomblob(32)",
        "UPDATE peer SET lineage = randomblob(31)",
        "UPDATE peer SET met_wall_ms = -1",
        "UPDATE peer SET tpm_resets = -1",
        "UPDATE tpm_clock SET clock_ms = -1",
        "UPDATE hop SET hop = substr(hop, 2) WHERE id = 1",
        "UPDATE challenge SET issued = x''",
        "PRAGMA foreign_keys = off; INSERT INTO hop (peer, hop) VALUES (77, x'')",
        "INSERT INTO fork (lineage, fork) VALUES (randomblob(32), x'')",
    ];
    for damage in damages {
        let (mut party, mut host) = (Party::new(), Host::with_tpm(1, 40));
        host.tpm.clock_ms = Some(7);
        party.enrol("web", &mut host, 10);
        party.challenge("web", 20);
        party.store.check().expect("all is well");
        connect(&party.file.path).execute_batch(damage).expect("valid");
        let outcome = party.store.check();
        assert!(matches!(outcome, Err(StoreError::Damaged { .. })), "{damage}: {outcome:?}");
    }
}

#[test]
fn a_store_that_another_holds_too_long_is_unavailable_and_unchanged() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 20);
    let proof = host.prove(&challenge, 21);
    let before = dump(&party.file.path);
    let other = connect(&party.file.path);
    other.execute_batch("BEGIN IMMEDIATE").expect("free");
    let outcome = party.store.verify("web", &proof, &now(22), &selfsame::Policy::default());
    assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{outcome:?}");
    // who only reads need not wait
    assert_eq!(party.store.peers().expect("readable").len(), 1);
    other.execute_batch("ROLLBACK").expect("held");
    assert_eq!(dump(&party.file.path), before);
    party.store.verify("web", &proof, &now(22), &selfsame::Policy::default()).expect("it is free");
}

#[test]
fn a_store_in_another_journal_mode_is_brought_back_to_one_file() {
    let file = File::new();
    drop(file.open());
    let mode = connect(&file.path)
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
    assert_eq!(mode.expect("a mode"), "wal");
    let _store = file.open();
    assert_eq!(file.names(), ["peers"]);
}
