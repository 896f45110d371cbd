//! Colours and progress: for people at a terminal, and for nobody else.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use super::doctor::program;
use super::pty::Terminal;
use super::run::{command, selfsame};

const NOWHERE: [&str; 2] = ["--bus-address", "unix:path=/nonexistent/bus"];

/// What a run writes to a terminal that is its standard error.
fn told(arguments: &[&str], variable: Option<(&str, &str)>) -> String {
    let mut terminal = Terminal::new();
    let mut command = command();
    command.env("TERM", "xterm").env_remove("NO_COLOR").envs(variable);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(terminal.stream());
    assert_eq!(command.status().unwrap().code(), Some(5));
    terminal.until("next: ");
    terminal.shown
}

#[test]
fn an_error_is_red_on_a_terminal_and_plain_elsewhere() {
    const PEERS: [&str; 3] = ["--store", "/nonexistent/store", "peers"];
    let with = |rest: &[&'static str]| [&PEERS[..], rest].concat();
    assert!(told(&PEERS, None).starts_with("\u{1b}[1;31merror:\u{1b}[0m /nonexistent/store: "));
    assert!(told(&PEERS, Some(("NO_COLOR", ""))).starts_with("\u{1b}[1;31merror:"));
    assert!(told(&PEERS, Some(("NO_COLOR", "1"))).starts_with("error: "));
    assert!(told(&PEERS, Some(("TERM", "dumb"))).starts_with("error: "));
    assert!(told(&with(&["--color", "never"]), None).starts_with("error: "));
    assert!(selfsame(PEERS).stderr.starts_with("error: "));
    assert!(selfsame(with(&["--color", "always"])).stderr.starts_with("\u{1b}[1;31merror:"));
    assert!(!selfsame(with(&["--color", "always", "--json"])).stdout.contains('\u{1b}'));
}

/// The doctor with a program in the agent's place that waits until it is told to go on.
#[test]
fn what_takes_long_is_shown_on_a_terminal_and_goes_again() {
    let folder = TempDir::new().unwrap();
    let fifo = folder.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let program = program(folder.path(), &format!("read go <{}\necho '[]'", fifo.display()));

    let mut terminal = Terminal::new();
    let mut command = command();
    command.env("SELFSAME_AGENT", &program).args(NOWHERE).arg("doctor");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(terminal.stream());
    let child = command.spawn().unwrap();
    terminal.until("looking at all that the agent needs");
    // it tells how long, too
    terminal.until("… 1 s");
    fs::OpenOptions::new().write(true).open(&fifo).unwrap().write_all(b"go\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("fail  agent"));
    // the last that is written takes it away; a mark of the test's own ends the reading
    let mark = Command::new("/bin/echo").arg("over").stdout(terminal.stream()).status();
    assert!(mark.unwrap().success());
    terminal.until("over");
    assert!(terminal.shown.ends_with("\r\u{1b}[Kover\r\n"), "{:?}", terminal.shown);
}
