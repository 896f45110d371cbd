//! A process that is killed while it writes, or finds no space: the file is as before or as after.

use std::fs;
use std::process::Stdio;

use selfsame::Challenge;

use super::child::{Child, carry_out};
use super::dump::dump;
use super::hex::{hex, unhex};
use super::host::{File, Host, Party, SECOND, wrong};

/// Kills at least, and at least so many of them in the middle of a transaction.
const KILLS: usize = 60;
const TORN: usize = 30;

/// Commands, and what is in the file before the first and after each.
struct Script {
    commands: Vec<String>,
    states: Vec<Vec<String>>,
}

impl Script {
    /// Carries out a command and writes it down.
    fn take(&mut self, party: &mut Party, command: String) -> String {
        let answer = carry_out(&mut party.store, &command);
        self.commands.push(command);
        self.states.push(dump(&party.file.path));
        answer
    }

    fn challenge(&mut self, party: &mut Party, verb: &str, name: &str, at: u64) -> Challenge {
        let nonce = hex(&party.nonce());
        let answer = self.take(party, format!("{verb} {name} {at} {nonce}"));
        let challenge = unhex(answer.strip_prefix("done ").expect("a challenge"));
        Challenge::parse(&challenge).expect("well-formed")
    }

    /// A life of two peers: first meetings, many more, refusals, a successor, one forgotten.
    fn new() -> Self {
        let (mut party, mut web, mut db) = (Party::new(), Host::born(1), Host::born(2));
        let mut script = Self { commands: Vec::new(), states: vec![dump(&party.file.path)] };
        for (name, host, at) in [("web", &mut web, 10), ("db", &mut db, 20)] {
            let challenge = script.challenge(&mut party, "challenge", name, at);
            let proof = hex(&host.prove(&challenge, at + 1));
            assert_eq!(script.take(&mut party, format!("enrol {name} {} {proof}", at + 2)), "done ");
        }
        for meeting in 1..10 {
            let at = meeting * 7 * SECOND;
            let challenge = script.challenge(&mut party, "challenge", "web", at);
            let proof = web.prove(&challenge, at + 1);
            for (proof, outcome) in [(wrong(&proof), "refused"), (proof, "done moved")] {
                let command = format!("verify web {} {}", at + 2, hex(&proof));
                assert_eq!(script.take(&mut party, command), outcome);
            }
        }
        let mut successor = Host::after(3, &web, None);
        let at = 100 * SECOND;
        let challenge = script.challenge(&mut party, "anew", "web", at);
        let proof = hex(&successor.prove(&challenge, at + 1));
        assert_eq!(script.take(&mut party, format!("enrol web {} {proof}", at + 2)), "done ");
        assert_eq!(script.take(&mut party, "forget db".to_owned()), "done ");
        script
    }
}

#[test]
fn who_is_killed_in_the_middle_leaves_what_was_before_or_after() {
    let script = Script::new();
    let (mut kills, mut torn, mut rounds) = (0, 0, 0);
    let mut ends = [0, 0];
    while kills < KILLS || torn < TORN {
        rounds += 1;
        assert!(rounds <= 2_000, "{kills} kills in {rounds} rounds, {torn} of them in a transaction");
        let file = File::new();
        drop(file.open());
        let commands = file.path.with_file_name("commands");
        fs::write(&commands, script.commands.join("\n") + "\n").expect("written");
        let journal = file.path.with_file_name("peers-journal");
        let input = fs::File::open(&commands).expect("written");
        let mut child = Child::start(&file.path, Stdio::from(input));
        let mut answered = 0;
        while answered < rounds % script.commands.len() {
            child.answer().expect("there are more commands");
            answered += 1;
        }
        // a transaction writes while its journal is there: let it come, and go on a little
        while !journal.exists() && !child.has_ended() {}
        for _ in 0..rounds * 997 % 10_007 {
            let _ = journal.exists();
        }
        answered += child.kill().len();
        kills += usize::from(answered < script.commands.len());
        let is_torn = fs::metadata(&journal).is_ok_and(|journal| journal.len() > 0);
        torn += usize::from(is_torn);

        let mut store = file.open();
        store.check().expect("all is well");
        let found = dump(&file.path);
        let possible = &script.states[answered..script.states.len().min(answered + 2)];
        let place = possible.iter().position(|state| *state == found);
        let place = place.unwrap_or_else(|| panic!("after {answered} answers (torn: {is_torn}): {found:#?}"));
        ends[place] += 1;
        // and life goes on from there
        for (command, state) in script.commands.iter().zip(&script.states[1..]).skip(answered + place) {
            carry_out(&mut store, command);
            assert_eq!(dump(&file.path), *state);
        }
    }
    println!("{kills} kills in {rounds} rounds, {torn} in a transaction; before it or after: {ends:?}");
}

#[test]
fn who_is_killed_while_it_makes_a_store_leaves_one_or_what_can_become_one() {
    let elsewhere = File::new();
    for round in 0..40 {
        let file = File::new();
        let journal = file.path.with_file_name("peers-journal");
        let mut child = Child::start(&elsewhere.path, Stdio::piped());
        child.send(&format!("open {}", file.path.display()));
        let awaited = if round % 2 == 0 { &journal } else { &file.path };
        child.close();
        while !awaited.exists() && !child.has_ended() {}
        for _ in 0..round * 97 {
            let _ = journal.exists();
        }
        child.kill();
        file.open().check().expect("all is well");
        assert_eq!(dump(&file.path), Vec::<String>::new());
    }
}

#[test]
fn who_finds_no_space_says_so_and_changes_nothing() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let challenge = party.challenge("web", 100 * SECOND);
    let proof = hex(&host.prove(&challenge, 100 * SECOND + 1));
    let before = (dump(&party.file.path), fs::read(&party.file.path).expect("readable"));
    let blocks = before.1.len() as u64 / 512;
    let command = format!("verify web {} {proof}", 100 * SECOND + 2);
    let mut child = Child::start_without_space(&party.file.path, blocks);
    child.send(&command);
    assert_eq!(child.answer().as_deref(), Some("unavailable"));
    assert_eq!((dump(&party.file.path), fs::read(&party.file.path).expect("readable")), before);
    // with space, the same is taken
    assert_eq!(carry_out(&mut party.store, &command), "done moved");
    child.send(&command);
    assert_eq!(child.answer().as_deref(), Some("used"));
}
