//! What asks a person: only on a terminal, and all but a yes is no.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use nix::pty::{OpenptyResult, openpty};
use serde_json::{Value, json};

use super::host::Host;
use super::place::{Party, Place};
use super::run::Output;
use super::succession::after;
use super::times::ahead;

both! {
    a_person_is_shown_what_is_found_and_says_yes,
    all_else_is_no,
    in_json_what_is_asked_is_beside_the_answer,
    without_a_terminal_nobody_is_asked_and_nothing_is_taken,
    a_yes_after_the_challenge_is_gone_says_how_to_go_on,
}

/// Runs the command with a terminal as its standard input, on which somebody types this.
fn typed(party: &Party, arguments: &[&str], typed: &[u8]) -> Output {
    typed_after(party, arguments, || {}, typed)
}

/// The same, after this has happened while the person thinks.
fn typed_after(party: &Party, arguments: &[&str], happens: impl FnOnce(), typed: &[u8]) -> Output {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    let mut command = party.command(arguments);
    command.stdin(slave).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // its terminal is closed when it ends
    drop(command);
    // it is asked first: what is typed before is taken as well, but that is not how it goes
    let mut asked = String::new();
    let mut stderr = child.stderr.take().unwrap();
    while !asked.ends_with("[y/N] ") {
        let mut byte = [0];
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it does not ask: {asked}");
        asked.push(char::from(byte[0]));
    }
    happens();
    let mut person = File::from(master);
    person.write_all(typed).unwrap();
    stderr.read_to_string(&mut asked).unwrap();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    Output { code: output.status.code().unwrap(), stdout, stderr: asked }
}

fn rebooted(place: Place) -> (Party, Host, Host) {
    let (party, mut host) = (Party::new(place), Host::born(1));
    party.enrol("web", &mut host, 100);
    let successor = after(2, &host);
    (party, host, successor)
}

fn lineage(party: &Party) -> Value {
    party.json(&["peers"])["peers"][0]["lineage"].clone()
}

fn a_person_is_shown_what_is_found_and_says_yes(place: Place) {
    for yes in [&b"y\n"[..], b"yes\n", b" YES \n"] {
        let (party, host, mut successor) = rebooted(place);
        let proof = successor.prove(&party.challenge_anew("web"), 100);
        let output = typed(&party, &["enrol", "web", &proof, "--succeeds"], yes);
        assert_eq!(output.code, 0, "{output:?}");
        let line = format!("web: enrolled, in the place of {}, which is refused from now on\n", host.id());
        assert_eq!(output.stdout, line);
        for part in [
            "web: would succeed the peer's lineage\n",
            &format!("follows {}: the host was started anew (boot)", host.id()),
            "it names the very moment that was accepted last",
            "no\nproof shows",
            "Let it succeed the peer's lineage? [y/N] ",
        ] {
            assert!(output.stderr.contains(part), "{part:?} is not in {}", output.stderr);
        }
        assert_eq!(lineage(&party), successor.id());
    }
}

fn all_else_is_no(place: Place) {
    // the last: the end of the input
    for no in [&b"\n"[..], b"n\n", b"no\n", b"yess\n", b"1\n", b"\x04"] {
        let (party, host, mut successor) = rebooted(place);
        let proof = successor.prove(&party.challenge_anew("web"), 100);
        let before = std::fs::read(&party.file).unwrap();
        let output = typed(&party, &["enrol", "web", &proof, "--succeeds"], no);
        assert_eq!((output.code, &*output.stdout), (1, ""), "{output:?}");
        let (_, told) = output.stderr.split_once("[y/N] ").unwrap();
        assert!(told.trim_start().starts_with("error: not taken: the answer was no\nnext: "), "{told}");
        assert_eq!(std::fs::read(&party.file).unwrap(), before, "nothing has changed");
        assert_eq!(lineage(&party), host.id());
        // the same proof is still good for a yes
        party.run(&["enrol", "web", &proof, "--succeeds", "--yes"]).yes();
    }
}

fn in_json_what_is_asked_is_beside_the_answer(place: Place) {
    let (party, host, mut successor) = rebooted(place);
    let proof = successor.prove(&party.challenge_anew("web"), 100);
    let arguments = ["--json", "enrol", "web", &proof, "--succeeds"];
    let refused: Value = serde_json::from_str(&typed(&party, &arguments, b"no\n").stdout).unwrap();
    assert_eq!(
        (&refused["error"], &refused["text"]),
        (&json!("Succession"), &json!("not taken: the answer was no"))
    );
    let done: Value = serde_json::from_str(&typed(&party, &arguments, b"yes\n").stdout).unwrap();
    assert_eq!((&done["succeeds"], &done["lineage"]), (&json!(host.id()), &json!(successor.id())));
}

fn without_a_terminal_nobody_is_asked_and_nothing_is_taken(place: Place) {
    let (party, host, mut successor) = rebooted(place);
    let proof = successor.prove(&party.challenge_anew("web"), 100);
    let before = std::fs::read(&party.file).unwrap();
    for input in ["", "yes\n"] {
        let output = party.run_with(&["enrol", "web", &proof, "--succeeds"], input);
        assert_eq!(output.code, 1, "{output:?}");
        let what = "error: not taken: standard input is no terminal, so nobody can be asked; --yes is needed\nnext: ";
        assert!(output.stderr.starts_with(what) && output.stderr.contains("--succeeds --yes`"), "{output:?}");
        assert!(
            output.stdout.contains("web: would succeed the peer's lineage\n"),
            "what to decide by: {output:?}"
        );
    }
    let object = party.json(&["enrol", "web", &proof, "--succeeds"]);
    assert_eq!(
        (&object["error"], &object["succeeds"]),
        (&json!("Succession"), &json!(host.id())),
        "{object}"
    );
    // the proof itself may come from there, with --yes
    let before_yes = std::fs::read(&party.file).unwrap();
    assert_eq!(before_yes, before, "nothing has changed");
    party.run_with(&["enrol", "web", "-", "--succeeds", "--yes"], &proof).yes();
    assert_eq!(lineage(&party), successor.id());
}

/// Over the bus the agent's clock goes on while somebody thinks, and so may another's program on the same file.
fn a_yes_after_the_challenge_is_gone_says_how_to_go_on(place: Place) {
    let (party, host, mut successor) = rebooted(place);
    let proof = successor.prove(&party.challenge_anew("web"), 100);
    // what is dead goes when the next is issued
    let a_minute_passes = || drop(party.challenge_at("db", &ahead(61_000), false));
    let output = typed_after(&party, &["enrol", "web", &proof, "--succeeds"], a_minute_passes, b"yes\n");
    assert_eq!((output.code, &*output.stdout), (1, ""), "{output:?}");
    let (_, told) = output.stderr.split_once("[y/N] ").unwrap();
    let told = told.trim_start();
    assert!(
        told.starts_with(
            "error: proof refused: it answers no challenge that is out\nnext: its challenge ran out"
        ),
        "{told}"
    );
    for command in ["challenge web --audience NAME --anew`", "enrol web PROOF --succeeds --yes`"] {
        assert!(told.contains(&format!("`{} {command}", party.line())), "{told}");
    }
    assert_eq!(lineage(&party), host.id(), "nothing has changed");
    let again = successor.prove(&party.challenge_anew("web"), 120);
    party.run(&["enrol", "web", &again, "--succeeds", "--yes"]).yes();
}
