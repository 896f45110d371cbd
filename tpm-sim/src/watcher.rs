//! What ends swtpm and removes its directory when their owner is gone, however it went.

use std::env;
use std::ffi::OsString;
use std::io::{self, PipeWriter, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::{self, PathBuf};
use std::process::{Child, Command, Stdio};

/// A small shell that reads from a pipe which only the owner writes to. The kernel closes that pipe when the
/// owner ends, `kill -9` included; the shell then kills swtpm, frozen or not, and removes its directory.
///
/// The other ways fall short: `PR_SET_PDEATHSIG` fires when the *thread* that spawned swtpm ends and needs unsafe
/// code before exec, and swtpm's own end at a closed connection (`--terminate`, `clientfd=`) needs a swtpm that
/// still runs, which a stopped one does not, and takes away the control socket that libtss2 wants.
///
/// No gap is left for a kill to fall into: the shell makes the directory itself, and the process that is going to
/// be swtpm first writes its own pid into the pipe (see [`Swtpm::launch`](crate::swtpm::Swtpm::launch)), which
/// cannot close before it did. Nor is the pid ever a stranger's: an ended swtpm is reaped only after the watcher
/// was told to forget it.
#[derive(Debug)]
pub(crate) struct Watcher {
    shell: Child,
    pipe: PipeWriter,
}

impl Watcher {
    /// Starts a watcher, with no swtpm yet, and gives the directory that it made: below `TMPDIR` or `/tmp`, and
    /// only this user may enter it.
    pub(crate) fn start() -> io::Result<(Self, PathBuf)> {
        let (reader, pipe) = io::pipe()?;
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "tpm-sim-watcher"])
            .arg(path::absolute(env::temp_dir())?)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(reader)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A terminal's Ctrl-C is for the owner, who cleans up by himself.
            .process_group(0)
            .spawn()?;
        let mut watcher = Self { shell, pipe };

        let mut directory = Vec::new();
        if let Some(mut stdout) = watcher.shell.stdout.take() {
            stdout.read_to_end(&mut directory)?;
        }
        if directory.is_empty() {
            watcher.finish()?;
            return Err(io::Error::other("watcher made none"));
        }
        Ok((watcher, OsString::from_vec(directory).into()))
    }

    /// The pipe's end that the watcher listens to.
    pub(crate) fn pipe(&self) -> io::Result<PipeWriter> {
        self.pipe.try_clone()
    }

    /// Has the watcher remove the directory, and waits until it did.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        // A watcher that is gone needs no telling; how it went is seen below.
        let _ = self.pipe.write_all(DONE);
        let mut stderr = String::new();
        if let Some(mut pipe) = self.shell.stderr.take() {
            pipe.read_to_string(&mut stderr)?;
        }
        let status = self.shell.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("watcher ended with {status}: {}", stderr.trim())))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Whoever wants to know calls `finish`.
        let _ = self.finish();
    }
}

/// The line that says that no swtpm runs; any other but `done` is the pid of the one that does.
pub(crate) const NONE: &[u8] = b"\n";

const DONE: &[u8] = b"done\n";

/// Removes twice, since a swtpm just killed may finish a write while the first removal is at work.
const SCRIPT: &str = r#"
trap '' HUP INT PIPE TERM
directory=$(mktemp -d "$1/tpm-sim-XXXXXX") || exit
printf %s "$directory"
exec >/dev/null
pid=
while read -r line && [ "$line" != done ]; do
    pid=$line
done
[ -z "$pid" ] || kill -KILL "$pid"
rm -rf "$directory" || rm -rf "$directory"
"#;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn directory_is_private_and_goes_with_the_watcher() {
        let (mut watcher, directory) = Watcher::start().unwrap();
        assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
        watcher.finish().unwrap();
        assert!(!directory.exists());
    }
}
