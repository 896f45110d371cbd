//! What runs: the children of a process, what a command line mentions, open files and threads.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A process, as `/proc` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its process id.
    pub pid: u32,
    /// Its command line, with a space between the arguments; empty for a process that has ended and waits to be
    /// waited for.
    pub command: String,
}

/// The children of the process `pid`, those that have ended and not been waited for among them.
pub fn children(pid: u32) -> Vec<Found> {
    all().into_iter().filter(|found| parent(found.pid) == Some(pid)).collect()
}

/// The processes, but this one, whose command line has the path `directory` in it: what was started in a
/// temporary directory, and should be gone with it. One that begins just now may have no command line yet.
///
/// # Panics
///
/// If the path is not UTF-8.
pub fn mentioning(directory: &Path) -> Vec<Found> {
    let directory = directory.to_str().expect("temporary directories are UTF-8");
    all()
        .into_iter()
        .filter(|found| found.pid != std::process::id() && found.command.contains(directory))
        .collect()
}

/// What the open files of the process `pid` are, as their links in `/proc` say: paths, `socket:[…]`, `pipe:[…]` …;
/// nothing if it has ended.
pub fn open_files(pid: u32) -> Vec<PathBuf> {
    entries(&format!("/proc/{pid}/fd")).iter().filter_map(|path| fs::read_link(path).ok()).collect()
}

/// The names of the threads of the process `pid`; nothing if it has ended.
pub fn threads(pid: u32) -> Vec<String> {
    entries(&format!("/proc/{pid}/task"))
        .iter()
        .filter_map(|task| fs::read_to_string(task.join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .collect()
}

/// All processes that are still there when they are looked at.
fn all() -> Vec<Found> {
    entries("/proc")
        .iter()
        .filter_map(|path| {
            let pid = path.file_name()?.to_str()?.parse().ok()?;
            let command = fs::read(path.join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ").trim_end().to_owned();
            Some(Found { pid, command })
        })
        .collect()
}

/// The parent of the process `pid`.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // proc_pid_stat(5): pid (comm) state ppid …, where comm may have brackets and spaces in it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn entries(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read,
        process::{self, Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_child_is_found_until_it_is_waited_for() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let found = || children(process::id()).into_iter().any(|found| found.pid == child.id());
        assert!(found());
        assert!(!threads(child.id()).is_empty() && !open_files(child.id()).is_empty());
        let pid = child.id();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!children(process::id()).iter().any(|found| found.pid == pid));
        assert_eq!((threads(pid), open_files(pid)), (vec![], vec![]));
    }

    #[test]
    fn only_what_mentions_the_path_is_found() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(mentioning(directory.path()), []);
        let file = directory.path().join("f");
        fs::write(&file, "x").unwrap();
        let mut child = Command::new("tail").arg("-f").arg(&file).stdout(Stdio::piped()).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        assert_eq!(
            mentioning(directory.path()).iter().map(|found| found.pid).collect::<Vec<_>>(),
            [child.id()]
        );
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(mentioning(directory.path()), []);
    }

    #[test]
    fn our_own_files_and_threads_are_seen() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(open_files(process::id()).contains(&file.path().to_owned()));
        assert!(threads(process::id()).len() >= 2);
    }
}
