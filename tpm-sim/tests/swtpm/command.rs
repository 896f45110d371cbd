//! The `tpm-sim` command.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::processes;
use crate::wire;

const TPM_SIM: &str = env!("CARGO_BIN_EXE_tpm-sim");

/// A `tpm-sim` that has printed its TCTI.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    tcti: String,
}

impl Running {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let mut child = Command::new(TPM_SIM)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut tcti = String::new();
        stdout.read_line(&mut tcti).unwrap();
        if tcti.is_empty() {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("no TCTI: {stderr}");
        }
        Self { stdin: child.stdin.take(), child, stdout, tcti: tcti.trim_end().to_owned() }
    }

    /// Says a line, and gives the answer.
    fn say(&mut self, line: &str) -> String {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    /// The directory of the simulator behind the tap, where the tap's control channel leads.
    fn behind(&self) -> PathBuf {
        let control = fs::read_link(format!("{}.ctrl", wire::socket(&self.tcti).display())).unwrap();
        control.parent().unwrap().to_owned()
    }

    /// Ends it by SIGTERM.
    fn end(self) {
        kill(self.pid(), Signal::SIGTERM).unwrap();
        assert_eq!(self.wait(), (Some(0), String::new(), String::new()));
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Waits for the end: the exit code, the rest of standard output, and standard error.
    fn wait(mut self) -> (Option<i32>, String, String) {
        drop(self.stdin.take());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().code(), stdout, stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends with a test that fails, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn prints_one_line_and_cleans_up_at_a_signal() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let running = Running::start();
        let directory = wire::directory(&running.tcti);
        wire::random(&running.tcti);

        // To the whole group, as a terminal's Ctrl-C goes.
        killpg(running.pid(), signal).unwrap();
        assert_eq!(running.wait(), (Some(0), String::new(), String::new()));
        assert!(processes::nothing_left(&directory));
    }
}

#[test]
fn killed_parent_takes_swtpm_along() {
    let running = Running::start();
    let directory = wire::directory(&running.tcti);
    wire::random(&running.tcti);

    kill(running.pid(), Signal::SIGKILL).unwrap();
    running.wait();
    processes::until(|| processes::nothing_left(&directory));
}

#[test]
fn killed_parent_takes_a_frozen_swtpm_along() {
    let running = Running::start();
    let directory = wire::directory(&running.tcti);
    kill(Pid::from_raw(processes::swtpm(&directory).cast_signed()), Signal::SIGSTOP).unwrap();

    kill(running.pid(), Signal::SIGKILL).unwrap();
    running.wait();
    processes::until(|| processes::nothing_left(&directory));
}

#[test]
fn swtpm_that_ends_by_itself_ends_the_command() {
    let running = Running::start();
    let directory = wire::directory(&running.tcti);
    kill(Pid::from_raw(processes::swtpm(&directory).cast_signed()), Signal::SIGKILL).unwrap();

    let (code, _, stderr) = running.wait();
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("tpm-sim: swtpm ended by itself"), "{stderr}");
    assert!(processes::nothing_left(&directory));
}

#[test]
fn missing_swtpm_is_named_with_its_package() {
    let output = Command::new(TPM_SIM).env("PATH", "/nonexistent").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("apt install swtpm"), "{stderr}");
}

#[test]
fn too_long_a_path_is_explained_and_left_empty() {
    let long = tempfile::Builder::new().prefix(&"x".repeat(100)).tempdir().unwrap();
    let output = Command::new(TPM_SIM).env("TMPDIR", long.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("limit 107") && stderr.contains("TMPDIR"), "{stderr}");
    assert_eq!(long.path().read_dir().unwrap().count(), 0);
}

#[test]
fn unusable_temporary_directory_is_explained() {
    let output = Command::new(TPM_SIM).env("TMPDIR", "/nonexistent").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("/nonexistent"), "{stderr}");
}

#[test]
fn bad_arguments_are_refused_before_anything_runs() {
    for (bad, says) in [
        ("extra", "Usage: tpm-sim"),
        ("--port=2321", "Usage: tpm-sim"),
        ("--disturb=GetRandom", "expected WHEN=HOW such as `GetRandom=delay:1s`, found `GetRandom`"),
    ] {
        let output = Command::new(TPM_SIM).arg(bad).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(says), "{stderr}");
    }
}

#[test]
fn unusable_record_is_explained() {
    let output = Command::new(TPM_SIM).arg("--record=/nonexistent/record").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("/nonexistent/record not made: No such file"), "{stderr}");
}

#[test]
fn tap_is_put_between_and_goes_with_the_command() {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let running = Running::start_with(&["--tap"]);
        let (tap, simulator) = (wire::directory(&running.tcti), running.behind());
        assert_ne!(tap, simulator);
        wire::random(&running.tcti);
        kill(running.pid(), signal).unwrap();
        running.wait();
        match signal {
            Signal::SIGTERM => assert!(processes::nothing_left(&tap) && processes::nothing_left(&simulator)),
            _ => processes::until(|| processes::nothing_left(&tap) && processes::nothing_left(&simulator)),
        }
    }
}

#[test]
fn record_has_a_line_for_each_command_before_its_answer() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("record");
    let running =
        Running::start_with(&["--record", file.to_str().unwrap(), "--disturb=ReadClock=code:0x922"]);
    let mut stream = wire::connect(&wire::socket(&running.tcti));
    let mut lines = Vec::new();
    for command in [&wire::GET_RANDOM[..], &wire::READ_CLOCK, &CLEAR] {
        wire::exchange(&mut stream, command);
        lines = fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
    }
    assert_eq!(
        lines,
        [
            "TPM2_GetRandom handles:- sessions:- response:0x0",
            "TPM2_ReadClock handles:- sessions:- response:0x922",
            "TPM2_Clear handles:0x4000000a sessions:0x40000009/0x01 response:0x0",
        ]
    );
    running.end();
}

#[test]
fn first_disturbance_that_matches_wins() {
    let running = Running::start_with(&["--disturb", "next:GetRandom=code:1", "--disturb", "every=code:2"]);
    let mut stream = wire::connect(&wire::socket(&running.tcti));
    let mut code = |command: &[u8]| wire::exchange(&mut stream, command)[9];
    assert_eq!([code(&wire::GET_RANDOM), code(&wire::GET_RANDOM), code(&wire::READ_CLOCK)], [1, 2, 2]);
    running.end();
}

#[test]
fn lines_on_standard_input_are_done_and_answered() {
    let mut running = Running::start_with(&["--tap"]);
    let (tcti, socket) = (running.tcti.clone(), wire::socket(&running.tcti));
    let resets = wire::reset_count(&tcti);
    let mut stream = wire::connect(&socket);

    assert_eq!(running.say("disturb next:GetRandom=code:0x922"), "ok");
    assert_eq!(wire::exchange(&mut stream, &wire::GET_RANDOM)[6..], [0, 0, 9, 0x22]);
    assert_eq!(running.say("disturb GetRandom=freeze"), "ok");
    wire::ask(&mut stream);
    assert!(wire::is_silent(&mut stream));
    assert_eq!(running.say("calm"), "ok");
    wire::answer(&mut stream);
    drop(stream);

    assert_eq!(running.say("freeze"), "ok");
    let mut stream = wire::connect(&socket);
    wire::ask(&mut stream);
    assert!(wire::is_silent(&mut stream));
    assert_eq!(running.say("thaw"), "ok");
    wire::answer(&mut stream);

    assert_eq!(running.say("restart"), "ok");
    assert!(wire::is_closed(&mut stream));
    assert_eq!(wire::reset_count(&tcti), resets + 1);
    assert_eq!(running.say("kill"), "ok");
    assert!(wire::is_closed(&mut wire::connect(&socket)));
    assert_eq!(running.say("freeze"), "no: swtpm not running");
    assert_eq!(running.say("restart"), "ok");
    wire::random(&tcti);
    running.end();
}

#[test]
fn wrong_lines_say_what_is_taken_and_change_nothing() {
    let mut running = Running::start();
    for wrong in ["", "stop", "calm now", "disturb"] {
        let expected = format!(
            "no: expected `disturb RULE`, `calm`, `freeze`, `thaw`, `kill` or `restart`, found `{wrong}`"
        );
        assert_eq!(running.say(wrong), expected);
    }
    assert!(running.say("disturb every=dorp").starts_with("no: expected delay:TIME, drop, "));
    for tapped in ["calm", "disturb every=drop"] {
        assert_eq!(running.say(tapped), "no: there is no tap: start with --tap");
    }
    wire::random(&running.tcti);
    running.end();
}

#[test]
fn end_of_input_is_no_end() {
    let mut running = Running::start();
    assert_eq!(running.say("thaw"), "ok");
    drop(running.stdin.take());
    wire::random(&running.tcti);
    running.end();
}

/// TPM2_Clear by the lockout hierarchy, with the empty password.
///
/// Source: TCG TPM 2.0 Library, part 3, 24.6: TPM_RH_LOCKOUT, then the authorization: TPM_RS_PW, continueSession.
const CLEAR: [u8; 27] =
    [0x80, 2, 0, 0, 0, 27, 0, 0, 1, 0x26, 0x40, 0, 0, 0x0a, 0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 1, 0, 0];

#[test]
fn help_and_version_are_answered() {
    for (option, expected) in [("--help", "prints its TCTI"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let output = Command::new(TPM_SIM).arg(option).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8(output.stdout).unwrap().contains(expected));
    }
}
