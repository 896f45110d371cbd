//! The program that a process runs.

use std::{fs::File, path::Path};

use procfs::process::Process;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Statx, StatxFlags, openat2, statx},
    io::Errno,
};

/// The path of a process's executable, where the agent finds the same file at that path.
///
/// The kernel tells the path as it is for the process, and with mounts of its own, which every user may have, a process
/// can have any file at any path. Else it could name itself.
pub(super) fn of(process: &Process) -> Option<String> {
    let path = executable(&process.exe().ok()?)?;
    let its_own = process.open_relative_flags("exe", OFlags::PATH | OFlags::CLOEXEC).ok()?;
    (file(&its_own)? == file(&ours(&path)?)?).then_some(path)
}

/// The path of an executable that is still there.
fn executable(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    (text.starts_with('/') && !text.ends_with(" (deleted)")).then(|| text.to_owned())
}

/// The file that is at this path for the agent.
///
/// Only if the kernel has the whole path at hand, as it has the path of what runs: a caller may have chosen a path on a
/// file system that hangs.
fn ours(path: &str) -> Option<File> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::CACHED | ResolveFlags::NO_MAGICLINKS;
    let mut tries = (0..TRIES).map(|_| openat2(CWD, path, flags, Mode::empty(), resolve));
    // a mount or a rename somewhere disturbs it, too
    let opened = tries.find(|opened| !matches!(opened, Err(Errno::AGAIN)))?;
    opened.ok().map(File::from)
}

/// Which file it is: device and inode. Nobody is asked who may not answer.
fn file(file: &File) -> Option<(u32, u32, u64)> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let Statx { stx_dev_major, stx_dev_minor, stx_ino, .. } =
        statx(file, c"", flags, StatxFlags::INO).ok()?;
    Some((stx_dev_major, stx_dev_minor, stx_ino))
}

/// How often a look that was disturbed is taken again; each takes some microseconds.
const TRIES: u32 = 8;

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::symlink,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_deleted_executable_is_left_out() {
        assert_eq!(executable(Path::new("/usr/bin/x")).as_deref(), Some("/usr/bin/x"));
        assert_eq!(executable(Path::new("/usr/bin/x (deleted)")), None);
        assert_eq!(executable(Path::new("x")), None);
    }

    #[test]
    fn one_that_was_replaced_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program");
        std::fs::copy("/usr/bin/cat", &path).unwrap();
        let mut child = Command::new(&path).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let process = Process::new(child.id() as i32).unwrap();
        let found = of(&process);
        // whatever is there now, it is not what runs
        std::fs::rename(&path, directory.path().join("elsewhere")).unwrap();
        std::fs::copy("/usr/bin/cat", &path).unwrap();
        let itself = file(&process.open_relative_flags("exe", OFlags::PATH).unwrap());
        let at_its_path = ours(path.to_str().unwrap()).and_then(|opened| file(&opened));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(found.as_deref(), path.to_str());
        assert_ne!(itself, at_its_path);
    }

    #[test]
    fn a_path_that_the_kernel_does_not_have_at_hand_is_not_looked_for() {
        let directory = tempfile::tempdir().unwrap();
        assert!(ours(directory.path().join("none").to_str().unwrap()).is_none());
        let link = directory.path().join("link");
        symlink("/usr/bin/cat", &link).unwrap();
        let link = ours(link.to_str().unwrap()).and_then(|opened| file(&opened));
        assert_ne!(
            link,
            ours("/usr/bin/cat").and_then(|opened| file(&opened)),
            "no link is followed at its end"
        );
    }
}
