//! A program that runs to its end: the `selfsame` command, or any other.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use crate::binary;

/// A run of a program, to be.
///
/// ```no_run
/// # async fn example(bus: &selfsame_tests::PrivateBus) {
/// use selfsame_tests::Run;
/// let status = Run::selfsame().args(["--bus-address", bus.address(), "status", "--json"]).run().await;
/// assert_eq!(status.code(), Some(0), "{status:?}");
/// assert_eq!(status.json()["condition"], "warming");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Run {
    /// A run of the `selfsame` command, as [`binary()`] finds it.
    pub fn selfsame() -> Self {
        Self::program(binary("selfsame"))
    }

    /// A run of `program`.
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new(), stdin: Vec::new() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable of its environment, which is ours else.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// What it reads from standard input; nothing, if this is not called.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// If it can't be started, goes on for more than a minute (it is killed then), or writes what is not UTF-8.
    pub async fn run(self) -> Output {
        let Self { program, args, env, stdin } = self;
        let mut command = Command::new(&program);
        command.args(&args).env_remove("JOURNAL_STREAM").envs(env).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));

        let mut input = child.stdin.take().expect("it is piped");
        let feed = async move {
            // A program that does not read to the end is no failure of ours.
            let _ = input.write_all(&stdin).await;
        };
        let run = async { tokio::join!(feed, child.wait_with_output()).1 };
        let Ok(output) = timeout(LIMIT, run).await else {
            panic!("{} {args:?} goes on after {LIMIT:?}", program.display());
        };
        let output = output.unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
        Output { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Output {
    /// Its exit code; `None` if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Its standard output as JSON.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON, {error}: {self:?}"))
    }
}

/// Longer than anything that a test runs takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Run {
        Run::program("/bin/sh").args(["-c", script])
    }

    #[tokio::test]
    async fn code_and_output_come_back() {
        let output =
            shell("cat; echo \"$WHO\" >&2; exit 3").stdin("{\"a\": [1]}").env("WHO", "me").run().await;
        assert_eq!(output.code(), Some(3));
        assert_eq!(output.json()["a"][0], 1);
        assert_eq!(output.stderr, "me\n");
        assert_eq!(shell("kill -9 $$").run().await.code(), None);
    }

    #[tokio::test]
    async fn input_larger_than_a_pipe_is_fed_and_may_be_left() {
        let much = vec![b'x'; 1 << 20];
        assert_eq!(shell("wc -c").stdin(much.clone()).run().await.stdout.trim(), "1048576");
        assert_eq!(shell("exit 0").stdin(much).run().await.code(), Some(0));
    }

    #[tokio::test]
    #[should_panic = "no JSON"]
    async fn what_is_no_json_is_shown() {
        shell("echo no").run().await.json();
    }
}
