//! Programs that tests make: written by another process. While this one has a file open for writing, so has whatever another
//! test forks just then, until that becomes its own program; and for so long the file can't be run (ETXTBSY).

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Writes a program that anyone may run.
///
/// # Panics
///
/// Where it can't be written.
pub fn write_program(path: &Path, text: &str) {
    made(&["-euc", r#"cat >"$1"; chmod 755 "$1""#, "sh"], &[path], text);
}

/// Copies a program, so that anyone may run it.
///
/// # Panics
///
/// Where it can't be copied.
pub fn copy_program(of: &Path, path: &Path) {
    made(&["-euc", r#"cp "$1" "$2"; chmod 755 "$2""#, "sh"], &[of, path], "");
}

fn made(script: &[&str], paths: &[&Path], input: &str) {
    let mut shell = Command::new("/bin/sh");
    let mut shell = shell.args(script).args(paths).stdin(Stdio::piped()).spawn().unwrap();
    let stdin = shell.stdin.take();
    stdin.unwrap().write_all(input.as_bytes()).unwrap();
    assert!(shell.wait().unwrap().success(), "{paths:?} can't be made");
}
