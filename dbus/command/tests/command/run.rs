//! A run of the binary, and what it came to.

use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// What a run came to.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `selfsame` with nothing on standard input.
pub fn selfsame<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    selfsame_with(arguments, b"")
}

/// Runs `selfsame` with this on standard input.
pub fn selfsame_with<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Output {
    let mut command = command();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    match child.stdin.take().unwrap().write_all(input) {
        // it need not read what it is not asked to
        Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("{error}"),
        _ => {}
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap_or_else(|| panic!("{output:?}"));
    Output { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The binary, in an environment without a session bus.
pub fn command() -> Command {
    let mut command = Command::new(super::program());
    command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("DBUS_SYSTEM_BUS_ADDRESS");
    command
}

/// A message as it travels.
pub fn text(message: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(message)
}

/// A message that travelled.
pub fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.trim_end()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

impl Output {
    /// The answer: it is a yes, and there is nothing beside it.
    pub fn yes(&self) -> &str {
        assert_eq!((self.code, &*self.stderr), (0, ""), "{self:?}");
        self.stdout.strip_suffix('\n').unwrap_or_else(|| panic!("{self:?}"))
    }

    /// The one object of a run with `--json`.
    pub fn json(&self) -> Value {
        assert_eq!(self.stderr, "", "{self:?}");
        assert_eq!(self.stdout.matches('\n').count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The two lines of a failure with this code: what it is, and what to do next.
    pub fn no(&self, code: i32) -> (&str, &str) {
        assert_eq!((self.code, &*self.stdout), (code, ""), "{self:?}");
        let first = if code == 6 { "alarm: " } else { "error: " };
        let lines = self.stderr.strip_prefix(first).and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.and_then(|lines| lines.split_once("\nnext: "));
        let (what, next) = lines.unwrap_or_else(|| panic!("{self:?}"));
        assert!(!what.contains('\n') && !next.contains('\n') && !next.is_empty(), "{self:?}");
        (what, next)
    }
}
