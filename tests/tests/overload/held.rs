//! One thread of a process, held still while the others go on: as a debugger does it.

use std::{
    fs,
    sync::mpsc::{Sender, channel},
    thread::{self, JoinHandle},
};

use nix::{
    sys::{
        ptrace::{self, Options},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};

/// A thread that stands still until this is dropped.
pub struct Held {
    release: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Held {
    /// Holds the thread of this name.
    pub fn thread(pid: u32, name: &str) -> Self {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().path());
        let mut named = tasks.filter(|task| fs::read_to_string(task.join("comm")).unwrap().trim() == name);
        let task = named.next().unwrap_or_else(|| panic!("no thread {name}"));
        let tid = Pid::from_raw(task.file_name().unwrap().to_str().unwrap().parse().unwrap());
        let (release, released) = channel();
        let (hold, held) = channel();
        // all calls about a thread have to be made by the one that holds it
        let thread = thread::spawn(move || {
            ptrace::seize(tid, Options::empty()).unwrap();
            ptrace::interrupt(tid).unwrap();
            waitpid(tid, Some(WaitPidFlag::__WALL)).unwrap();
            hold.send(()).unwrap();
            // an error says that whoever held it has gone
            let _ = released.recv();
            ptrace::detach(tid, None).unwrap();
        });
        held.recv().expect("root may hold any thread");
        Self { release: Some(release), thread: Some(thread) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.release.take());
        // one that has panicked was heard
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
