//! `watch` on a terminal: that it is taken, and given back whichever way it ends. Where no agent is, it waits for one.

use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::pty::Terminal;
use super::run::{command, selfsame};

const NOWHERE: [&str; 2] = ["--bus-address", "unix:path=/nonexistent/bus"];

/// The other screen, and back from it (xterm's control sequences, DECSET 1049).
const OTHER: &str = "\u{1b}[?1049h";
const BACK: &str = "\u{1b}[?1049l";

fn watch(rest: &[&str]) -> Command {
    let mut command = command();
    command.args(NOWHERE).arg("watch").args(rest);
    command
}

/// Starts it, and ends it so; gives what was on the terminal.
fn ended_by(end: impl FnOnce(&mut Terminal, &Child)) -> String {
    let mut terminal = Terminal::new();
    let before = terminal.settings();
    let mut child = terminal.start(watch(&[]));
    terminal.until("AGENT GONE");
    assert!(terminal.is_raw());
    end(&mut terminal, &child);
    terminal.until(BACK);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!terminal.is_raw());
    assert_eq!(terminal.settings(), before);
    terminal.shown
}

#[test]
fn a_key_ends_it_and_the_terminal_is_as_it_was() {
    for key in [&b"q"[..], b"\x1b", b"\x03"] {
        let shown = ended_by(|terminal, _| terminal.types(key));
        assert!(shown.find(OTHER) < shown.find(BACK), "{shown:?}");
    }
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_as_it_was() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        ended_by(|_, child| kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap());
    }
}

#[test]
fn it_is_coloured_unless_somebody_says_no() {
    // select graphic rendition with foreground red, as crossterm writes it
    let is_coloured = |rest: &[&str], variable: Option<&str>| {
        let mut terminal = Terminal::new();
        let mut command = watch(rest);
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        command.envs(variable.map(|value| ("NO_COLOR", value)));
        command.stdin(terminal.stream()).stdout(terminal.stream()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        terminal.until("AGENT GONE");
        terminal.types(b"q");
        terminal.until(BACK);
        child.wait().unwrap();
        terminal.shown.contains("\u{1b}[38;5;1")
    };
    assert!(is_coloured(&[], None));
    assert!(is_coloured(&[], Some("")), "it is set, and empty: that says nothing");
    assert!(!is_coloured(&[], Some("1")));
    assert!(!is_coloured(&["--color", "never"], None));
}

#[test]
fn without_a_terminal_it_says_what_to_run_instead() {
    let output = selfsame(NOWHERE.iter().chain(&["watch"]));
    let (what, next) = output.no(2);
    assert_eq!(what, "nothing to show a live view on: standard output is no terminal");
    assert!(next.contains("`selfsame status`") && next.contains("`selfsame watch --json`"), "{next}");
    // one to write on is not enough
    let terminal = Terminal::new();
    let mut command = watch(&[]);
    command.stdin(Stdio::null()).stdout(terminal.stream()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("standard input is no terminal"));
    let mut command = watch(&[]);
    command.env("TERM", "dumb").stdin(terminal.stream()).stdout(terminal.stream()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("TERM=dumb"));
}
