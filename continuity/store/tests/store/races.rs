//! Two processes on one file: of two that come at once, one is after the other.

use std::process::Stdio;

use selfsame::Anchor;

use super::child::Child;
use super::hex::hex;
use super::host::{File, Host, Party};

/// Rounds of each race.
const ROUNDS: u64 = 200;

/// Lets two processes carry out a command each at once; which of them is sent its own first alternates.
fn race(children: &mut [Child; 2], round: u64, commands: [&str; 2]) -> [String; 2] {
    let [first, second] = children;
    if round.is_multiple_of(2) {
        first.send(commands[0]);
        second.send(commands[1]);
    } else {
        second.send(commands[1]);
        first.send(commands[0]);
    }
    [first, second].map(|child| child.answer().expect("it lives"))
}

fn two_on(file: &File) -> [Child; 2] {
    [(); 2].map(|()| Child::start(&file.path, Stdio::piped()))
}

#[test]
fn a_challenge_is_used_by_one_of_two_processes() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let mut children = two_on(&party.file);
    let mut won = [0, 0];
    for round in 1..=ROUNDS {
        let at = round * 100;
        let challenge = party.challenge("web", at);
        let command = format!("verify web {} {}", at + 2, hex(&host.prove(&challenge, at + 1)));
        let answers = race(&mut children, round, [&command, &command]);
        let outcome = answers.each_ref().map(String::as_str);
        match outcome {
            ["done moved", "used"] => won[0] += 1,
            ["used", "done moved"] => won[1] += 1,
            other => panic!("round {round}: {other:?}"),
        }
        let peer = party.store.peer("web").expect("it is known");
        assert_eq!(peer.anchor().map(Anchor::head), Some(host.head()), "round {round}");
        assert_eq!(peer.unconfirmed(), [host.head()], "round {round}");
    }
    assert!(won.iter().all(|rounds| *rounds > 0), "there was no race: {won:?}");
    party.store.check().expect("all is well");
}

#[test]
fn an_anchor_is_moved_by_two_processes_one_after_the_other() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    party.enrol("web", &mut host, 10);
    let mut children = two_on(&party.file);
    let mut overtaken = 0;
    for round in 1..=ROUNDS {
        let at = round * 100;
        let challenges = [party.challenge("web", at), party.challenge("web", at)];
        let older = hex(&host.prove(&challenges[0], at + 1));
        let between = host.head();
        let newer = hex(&host.prove(&challenges[1], at + 9));
        let mut commands = [older, newer].map(|proof| format!("verify web {} {proof}", at + 10));
        let swapped = (round / 2).is_multiple_of(2);
        if swapped {
            commands.reverse();
        }
        let mut answers = race(&mut children, round, commands.each_ref().map(String::as_str));
        if swapped {
            answers.reverse();
        }
        // both from one state would move it, and one of the heads would be lost
        match answers.each_ref().map(String::as_str) {
            ["done moved", "done moved"] => {}
            ["done stayed", "done moved"] => overtaken += 1,
            other => panic!("round {round}: {other:?}"),
        }
        let peer = party.store.peer("web").expect("it is known");
        assert_eq!(peer.anchor().map(Anchor::head), Some(host.head()), "round {round}");
        assert_eq!(peer.unconfirmed(), [between, host.head()], "round {round}");
    }
    assert!((1..ROUNDS).contains(&overtaken), "there was no race: {overtaken} of {ROUNDS}");
    party.store.check().expect("all is well");
}

#[test]
fn a_peer_is_enrolled_by_one_of_two_processes() {
    let mut party = Party::new();
    let mut children = two_on(&party.file);
    let mut won = [0, 0];
    for round in 0..ROUNDS {
        let (name, at) = (format!("peer{round}"), 10 + round);
        let mut hosts = [Host::born(round as u8), Host::born(round as u8 ^ 0x80)];
        if round >= 128 {
            // the seeds of the first rounds again: these lineages are free again, too
            party.store.forget(&format!("peer{}", round - 128)).expect("it is known");
        }
        let commands = [0, 1].map(|which| {
            let challenge = party.challenge(&name, at);
            let proof = hosts[which].prove(&challenge, at + 1);
            format!("enrol {name} {} {}", at + 2, hex(&proof))
        });
        let answers = race(&mut children, round, commands.each_ref().map(String::as_str));
        let winner = match answers.each_ref().map(String::as_str) {
            ["done ", "used"] => 0,
            ["used", "done "] => 1,
            other => panic!("round {round}: {other:?}"),
        };
        won[winner] += 1;
        let peer = party.store.peer(&name).expect("it is known");
        assert_eq!(peer.lineage(), Some(&hosts[winner].id()), "round {round}");
    }
    assert!(won.iter().all(|rounds| *rounds > 0), "there was no race: {won:?}");
}

#[test]
fn a_lineage_becomes_one_peers_by_one_of_two_processes() {
    let (mut party, mut host) = (Party::new(), Host::born(1));
    let mut children = two_on(&party.file);
    let mut won = [0, 0];
    for round in 1..=ROUNDS {
        let at = round * 100;
        let commands = [("web", 1), ("db", 2)].map(|(name, later)| {
            let challenge = party.challenge(name, at);
            format!("enrol {name} {} {}", at + 3, hex(&host.prove(&challenge, at + later)))
        });
        let answers = race(&mut children, round, commands.each_ref().map(String::as_str));
        let winner = match answers.each_ref().map(String::as_str) {
            ["done ", "exists web"] => "web",
            ["exists db", "done "] => "db",
            other => panic!("round {round}: {other:?}"),
        };
        won[usize::from(winner == "db")] += 1;
        for name in ["web", "db"] {
            party.store.forget(name).expect("known, or a challenge of its is out");
        }
    }
    assert!(won.iter().all(|rounds| *rounds > 0), "there was no race: {won:?}");
}

#[test]
fn a_new_file_is_made_a_store_by_one_of_two_processes() {
    let elsewhere = File::new();
    let mut children = two_on(&elsewhere);
    for round in 0..50 {
        let file = File::new();
        let open = format!("open {}", file.path.display());
        assert_eq!(race(&mut children, round, [&open, &open]), ["done ", "done "], "round {round}");
        let challenges = [("web", "00"), ("db", "01")]
            .map(|(name, nonce)| format!("challenge {name} 10 {}", nonce.repeat(32)));
        let answers = race(&mut children, round, challenges.each_ref().map(String::as_str));
        assert!(answers.iter().all(|answer| answer.starts_with("done ")), "round {round}: {answers:?}");
        let mut store = file.open();
        store.check().expect("all is well");
        for name in ["web", "db"] {
            store.forget(name).expect("its challenge is out");
        }
    }
}
