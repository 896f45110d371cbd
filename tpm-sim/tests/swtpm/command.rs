//! The `tpm-sim` command.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::processes;
use crate::wire;

const TPM_SIM: &str = env!("CARGO_BIN_EXE_tpm-sim");

/// A `tpm-sim` that has printed its TCTI.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    tcti: String,
}

impl Running {
    fn start() -> Self {
        let mut child = Command::new(TPM_SIM)
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
        Self { child, stdout, tcti: tcti.trim_end().to_owned() }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Waits for the end: the exit code, the rest of standard output, and standard error.
    fn wait(mut self) -> (Option<i32>, String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().code(), stdout, stderr)
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
    for bad in ["extra", "--port=2321"] {
        let output = Command::new(TPM_SIM).arg(bad).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
        assert!(String::from_utf8(output.stderr).unwrap().contains("Usage: tpm-sim"));
    }
}

#[test]
fn help_and_version_are_answered() {
    for (option, expected) in [("--help", "prints its TCTI"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let output = Command::new(TPM_SIM).arg(option).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8(output.stdout).unwrap().contains(expected));
    }
}
