//! What ends a process when its owner is gone, however that one ended.

use std::{
    ffi::OsStr,
    io::{self, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A shell that waits for its standard input to end, which is when we are gone, even by `kill -9`: nobody else
/// has the pipe's other end. Then it kills the process that it holds.
///
/// (`PR_SET_PDEATHSIG` would need unsafe code, and goes by the thread that started the process, which in a test is
/// often gone before the process should be.)
#[derive(Debug)]
pub(crate) struct Leash {
    shell: Child,
}

impl Leash {
    /// Holds the process `pid`, a child of ours that has not been waited for.
    pub(crate) fn hold(pid: u32) -> io::Result<Self> {
        Self::with(HOLD, pid.to_string().as_ref())
    }

    /// Holds what is mounted in `folder`, which is made for that alone: without us both go.
    pub(crate) fn hold_mount(folder: &Path) -> io::Result<Self> {
        Self::with(HOLD_MOUNT, folder.as_ref())
    }

    fn with(script: &str, argument: &OsStr) -> io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", script, "leash"])
            .arg(argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of the terminal's Ctrl-C, which ends us.
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }

    /// Lets go of the process. To be called before it is waited for, while the pid is still its own.
    pub(crate) fn release(&mut self) {
        if let Some(mut input) = self.shell.stdin.take() {
            // A shell that is gone holds nothing.
            let _ = input.write_all(b"release\n");
        }
        let _ = self.shell.wait();
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.release();
    }
}

/// `read` is false where the input ends without a line.
const HOLD: &str = r#"read -r _ || kill -KILL "$1""#;

/// The same; a file system whose server is gone can still be unmounted.
const HOLD_MOUNT: &str = r#"read -r _ || { umount -l "$1/"*; rmdir "$1/"* "$1"; }"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_goes_when_its_owner_does() {
        let folder = tempfile::tempdir().unwrap().keep();
        let root = folder.join("root");
        std::fs::create_dir(&root).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(&root).status().unwrap();
        assert!(mounted.success(), "this test must be run by root, to mount");
        let mut leash = Leash::hold_mount(&folder).unwrap();
        // what the kernel does for one that is killed
        drop(leash.shell.stdin.take());
        leash.shell.wait().unwrap();
        assert!(!folder.exists());
    }
}
