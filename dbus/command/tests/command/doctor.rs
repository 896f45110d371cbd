//! `doctor`: with a stand-in for the agent, and with a program in the agent's place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use selfsame_dbus::{Check, Error};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::run::{Output, command, selfsame};
use super::stand_in::StandIn;

const NOWHERE: [&str; 2] = ["--bus-address", "unix:path=/nonexistent/bus"];

fn check(check: &str, state: &str, finding: &str, remedy: &str) -> Check {
    let [check, state, finding, remedy] = [check, state, finding, remedy].map(str::to_owned);
    Check { check, state, finding, remedy }
}

/// What the command says where the agent answers this.
fn ask(checks: &Result<Vec<Check>, Error>, rest: &[&str]) -> Output {
    let bus = StandIn::diagnosing(checks.clone());
    let address = bus.address();
    let output = selfsame(["--bus-address", &address, "doctor"].iter().chain(rest));
    bus.end();
    output
}

/// A program in the agent's place, which runs this script.
pub fn program(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("selfsame-agent");
    // by another process: a file that a child of another test has open for writing, for a moment, could not be run
    let write = r#"printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod 755 "$1""#;
    let written = Command::new("/bin/sh").args(["-c", write, "sh"]).arg(&path).arg(script).status();
    assert!(written.unwrap().success());
    path
}

/// Runs the doctor on no bus with this command.
fn without_agent(mut command: Command, rest: &[&str]) -> Output {
    let output = command.args(NOWHERE).arg("doctor").args(rest).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The same, where a script is named as the agent's program.
fn with_script(script: &str, rest: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let mut command = command();
    command.env("SELFSAME_AGENT", program(folder.path(), script));
    without_agent(command, rest)
}

const DIAGNOSIS: &str =
    r#"[ "$*" = diagnose ] && echo '[{"check":"tpm","state":"ok","finding":"12 ms","remedy":""}]'"#;

#[test]
fn what_the_agent_finds_is_a_line_each_and_its_remedy_below() {
    let found = Ok(vec![
        check("tpm", "ok", "answers in 12 ms", ""),
        check("rdseed", "warn", "no such instruction", "none is needed"),
    ]);
    let text = "\
ok    tpm     answers in 12 ms
warn  rdseed  no such instruction
              none is needed
2 checks: 1 warn, 1 ok";
    assert_eq!(ask(&found, &[]).yes(), text);
    let object = json!({ "checks": [
        {"check": "tpm", "state": "ok", "finding": "answers in 12 ms", "remedy": ""},
        {"check": "rdseed", "state": "warn", "finding": "no such instruction", "remedy": "none is needed"},
    ]});
    let output = ask(&found, &["--json"]);
    assert_eq!((output.code, output.json()), (0, object));
}

#[test]
fn a_check_that_fails_is_code_1_and_the_checks_are_the_answer() {
    let found = Ok(vec![check("tpm", "fail", "no /dev/tpmrm0", "modprobe tpm_tis")]);
    let output = ask(&found, &[]);
    let text = "fail  tpm  no /dev/tpmrm0\n           modprobe tpm_tis\n1 check: 1 fail\n";
    assert_eq!((output.code, &*output.stdout, &*output.stderr), (1, text, ""));
    let output = ask(&found, &["--json"]);
    assert_eq!((output.code, &output.json()["checks"][0]["state"]), (1, &json!("fail")));
}

#[test]
fn a_refusal_of_the_agent_is_code_4_and_its_program_is_not_run() {
    let refused = Err(Error::NotAuthorized("because of the test".into()));
    let output = ask(&refused, &[]);
    assert_eq!(output.no(4), ("because of the test", "be root, or a member of group selfsame"));
    let busy = ask(&Err(Error::Busy("one looks".into())), &["--json"]);
    assert_eq!((busy.code, &busy.json()["error"]), (4, &json!("Busy")));
}

#[test]
fn without_an_agent_its_program_is_asked_and_that_it_is_missing_comes_first() {
    let output = with_script(DIAGNOSIS, &["--json"]);
    let object = output.json();
    let [agent, tpm] = object["checks"].as_array().unwrap().as_slice() else { panic!("{object}") };
    assert_eq!((output.code, &agent["check"], &agent["state"]), (1, &json!("agent"), &json!("fail")));
    assert!(agent["finding"].as_str().unwrap().starts_with("agent not reachable: "), "{agent}");
    assert_ne!(agent["remedy"], "");
    assert_eq!(*tpm, json!({"check": "tpm", "state": "ok", "finding": "12 ms", "remedy": ""}));
    let output = with_script(DIAGNOSIS, &[]);
    assert!(output.stdout.ends_with("\nok    tpm    12 ms\n2 checks: 1 fail, 1 ok\n"), "{output:?}");
}

#[test]
fn where_neither_can_be_had_it_is_code_3_and_says_why() {
    for (script, why) in [
        ("echo no memory >&2; exit 71", "could not diagnose (exit status: 71): no memory"),
        ("kill -KILL $$", "could not diagnose (signal: 9 (SIGKILL)): it said nothing"),
        ("echo healthy", "gives no list of checks: "),
        (r#"echo '[{"check":"tpm"}]'"#, "gives no list of checks: missing field `state`"),
        (r#"echo '{"checks":[]}'"#, "gives no list of checks: "),
        ("head -c 2000000 /dev/zero; exit 0", "gives no list of checks: "),
    ] {
        let output = with_script(script, &[]);
        let (what, next) = output.no(3);
        assert!(what.starts_with("agent not reachable: ") && what.contains(why), "{what}");
        assert!(next.contains("SELFSAME_AGENT=PATH"), "{next}");
        assert_eq!(with_script(script, &["--json"]).json()["error"], "Unreachable");
    }
    let mut command = command();
    command.env("SELFSAME_AGENT", "/nonexistent/agent");
    let output = without_agent(command, &[]);
    assert!(output.no(3).0.contains("/nonexistent/agent can't be run: "), "{output:?}");
}

#[test]
fn the_program_is_found_beside_this_one_and_then_in_the_path() {
    let finding =
        |name: &str| format!(r#"echo '[{{"check":"x","state":"ok","finding":"{name}","remedy":""}}]'"#);
    let ours = Path::new(env!("CARGO_BIN_EXE_selfsame"));
    let (beside, path) = (TempDir::new_in(ours.parent().unwrap()).unwrap(), TempDir::new().unwrap());
    let copy = beside.path().join("selfsame");
    fs::hard_link(ours, &copy).unwrap();
    let found = || {
        let mut command = Command::new(&copy);
        command.env_remove("SELFSAME_AGENT").env("PATH", format!("/nonexistent:{}", path.path().display()));
        let output = without_agent(command, &["--json"]);
        let checks: Value = output.json();
        checks["checks"][1]["finding"].as_str().unwrap_or_else(|| panic!("{output:?}")).to_owned()
    };
    program(path.path(), &finding("in the path"));
    assert_eq!(found(), "in the path");
    program(beside.path(), &finding("beside"));
    assert_eq!(found(), "beside");
}

#[test]
fn what_is_found_can_not_move_the_cursor() {
    let found = Ok(vec![check("a\u{1b}[2J", "fail", "b\nok  c", "d\r")]);
    let output = ask(&found, &[]);
    assert_eq!(output.stdout, "fail  a\\u{1b}[2J  b\\nok  c\n                  d\\r\n1 check: 1 fail\n");
}
