//! The set of running programs, by the names that anyone may read.

use std::{collections::BTreeSet, fs, io, io::Read, path::Path};

/// The programs that run, by the kernel's short name (`/proc/PID/comm`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Programs {
    /// Processes in all, read or not.
    pub(crate) processes: u64,
    /// The names of those that were read, each once, cut to [`NAME_MOST_BYTES`].
    pub(crate) names: BTreeSet<Vec<u8>>,
}

impl Programs {
    /// Reads the processes under `root`; a process that ends meanwhile is left out.
    ///
    /// # Errors
    /// Where `root` can't be listed.
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        let mut pids = Vec::new();
        for entry in fs::read_dir(root)? {
            let pid = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            pids.extend(pid);
        }
        let processes = pids.len() as u64;
        // The newest: on a machine with many processors, low numbers are the kernel's own threads.
        pids.sort_unstable_by(|one, other| other.cmp(one));
        pids.truncate(READ_MOST);
        let mut path = root.to_owned();
        let mut names = BTreeSet::new();
        for pid in pids {
            path.push(pid.to_string());
            path.push("comm");
            names.extend(name(&path));
            path.pop();
            path.pop();
        }
        Ok(Self { processes, names })
    }
}

fn name(path: &Path) -> Option<Vec<u8>> {
    let mut name = [0; NAME_MOST_BYTES];
    let length = fs::File::open(path).and_then(|mut file| file.read(&mut name)).ok()?;
    let read = name.get(..length)?;
    let line = read.split(|byte| *byte == b'\n').next()?;
    (!line.is_empty()).then(|| line.to_vec())
}

/// Processes whose name is read in one sample. Measured: 5.2 µs each (`what_a_sample_costs`), so that 512 keep
/// a sample under 3 ms, and the names under 8 KiB.
pub(super) const READ_MOST: usize = 512;

/// A program's name without its closing zero. Source: Linux, TASK_COMM_LEN is 16. (The kernel
/// writes longer ones for its own workers, which say what they work on; those are cut.)
pub(super) const NAME_MOST_BYTES: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_once_cut_and_sorted() {
        let root = tempfile::tempdir().unwrap();
        for (pid, comm) in
            [(1, "systemd\n"), (7, "sshd\n"), (8, "sshd\n"), (9, "kworker/u8:3-events_unbound\n"), (10, "\n")]
        {
            let directory = root.path().join(pid.to_string());
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("comm"), comm).unwrap();
        }
        fs::create_dir(root.path().join("11")).unwrap(); // ended: no comm
        fs::create_dir(root.path().join("self")).unwrap();

        let programs = Programs::read(root.path()).unwrap();
        assert_eq!(programs.processes, 6);
        let names: Vec<&[u8]> = programs.names.iter().map(Vec::as_slice).collect();
        assert_eq!(names, [&b"kworker/u8:3-ev"[..], b"sshd", b"systemd"]);
    }

    #[test]
    fn of_very_many_the_newest_are_read() {
        let root = tempfile::tempdir().unwrap();
        for pid in 1..=READ_MOST + 3 {
            let directory = root.path().join(pid.to_string());
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("comm"), format!("p{pid}\n")).unwrap();
        }
        let programs = Programs::read(root.path()).unwrap();
        assert_eq!(programs.processes, READ_MOST as u64 + 3);
        assert_eq!(programs.names.len(), READ_MOST);
        assert!(!programs.names.contains(&b"p3"[..]), "the oldest are left out");
        assert!(programs.names.contains(&b"p4"[..]));
    }

    #[test]
    fn this_process_is_among_those_that_run() {
        let own = fs::read("/proc/self/comm").unwrap();
        let own = own.trim_ascii_end();
        assert!(Programs::read(Path::new("/proc")).unwrap().names.contains(own));
    }
}
