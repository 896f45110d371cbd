//! A thief of memory: what root can do to a running agent whose page is locked and not secret.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::fd::OwnedFd,
    path::PathBuf,
    thread,
};

use nix::{
    sys::{
        memfd::{MFdFlags, memfd_create},
        signal::{Signal, kill},
    },
    unistd::Pid,
};
use rustix::fs::SeekFrom as At;

use crate::{AgentOptions, Manager, Process, manager};

/// Copies of an agent's secret page and public history.
#[derive(Debug)]
pub struct Stolen {
    page: OwnedFd,
    history: OwnedFd,
}

impl Stolen {
    /// Copies what the agent `pid` has, while it is stopped for a moment: as a snapshot of a machine would.
    ///
    /// # Errors
    /// Where it is no agent, may not be looked into, or has secret memory, which nobody else can read.
    pub fn from(pid: u32) -> io::Result<Self> {
        let process = Pid::from_raw(pid.cast_signed());
        kill(process, Signal::SIGSTOP)?;
        while !is_stopped(pid)? {
            thread::yield_now();
        }
        let copied = (copy_of(pid, manager::PAGE), copy_of(pid, manager::HISTORY));
        kill(process, Signal::SIGCONT)?;
        Ok(Self { page: copied.0?, history: copied.1? })
    }

    /// Starts a real agent from the copy, as `manager`'s unit: it goes on as if it were the one that was copied.
    pub fn run(self, manager: &Manager, options: &AgentOptions) -> Process {
        manager.keep(manager::PAGE, self.page);
        manager.keep(manager::HISTORY, self.history);
        manager.spawn(options)
    }
}

/// Whether all of its threads stand still: a signal reaches one that is in the kernel some time later.
fn is_stopped(pid: u32) -> io::Result<bool> {
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = fs::read_to_string(task?.path().join("stat"))?;
        // the state stands behind the name, which is in brackets
        if !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't'])) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A memory file of its own with what the file called `name` of process `pid` has in it.
fn copy_of(pid: u32, name: &str) -> io::Result<OwnedFd> {
    let mut from = File::open(find(pid, name)?)?;
    let mut to = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?);
    let length = from.metadata()?.len();
    to.set_len(length)?;
    // what was never written takes no memory, and is a gigabyte long
    let mut at = 0;
    while let Ok(data) = rustix::fs::seek(&from, At::Data(at)) {
        let end = rustix::fs::seek(&from, At::Hole(data))?;
        from.seek(SeekFrom::Start(data))?;
        to.seek(SeekFrom::Start(data))?;
        let mut bytes = Vec::new();
        (&mut from).take(end - data).read_to_end(&mut bytes)?;
        to.write_all(&bytes)?;
        at = end;
    }
    Ok(to.into())
}

fn find(pid: u32, name: &str) -> io::Result<PathBuf> {
    let memory_file = format!("/memfd:{name}");
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let path = entry?.path();
        if fs::read_link(&path).is_ok_and(|link| link.to_string_lossy().starts_with(&memory_file)) {
            return Ok(path);
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, format!("process {pid} has no {name} that can be read")))
}
