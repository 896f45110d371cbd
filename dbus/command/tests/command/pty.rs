//! A terminal of a test's own, and what is written on it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use nix::libc::winsize;
use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};

/// A terminal of 80×24.
pub struct Terminal {
    master: File,
    slave: OwnedFd,
    /// What was written so far.
    pub shown: String,
}

impl Terminal {
    pub fn new() -> Self {
        let size = winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).unwrap();
        Self { master: master.into(), slave, shown: String::new() }
    }

    /// The terminal as a stream of a program.
    pub fn stream(&self) -> Stdio {
        self.slave.try_clone().unwrap().into()
    }

    /// Starts a program that writes on it. Its end is marked there, so that who reads on does not wait for ever.
    pub fn start(&self, mut command: Command) -> Running {
        let mut child = command.spawn().unwrap();
        // its terminal is closed when it ends
        drop(command);
        let (id, mut end) = (child.id(), File::from(self.slave.try_clone().unwrap()));
        let waiting = std::thread::spawn(move || {
            let status = child.wait().unwrap();
            end.write_all(END.as_bytes()).unwrap();
            status.code()
        });
        Running { id, waiting }
    }

    /// Reads until this was written.
    pub fn until(&mut self, text: &str) {
        let mut bytes = [0; 4096];
        while !self.shown.contains(text) {
            assert!(!self.shown.contains(END), "it ended without {text:?}: {}", self.shown);
            let read = self.master.read(&mut bytes).unwrap();
            self.shown += &String::from_utf8_lossy(&bytes[..read]);
        }
    }

    /// Reads all that it writes, to its end; gives its exit code.
    pub fn until_it_ends(&mut self, running: Running) -> Option<i32> {
        self.until(END);
        running.waiting.join().unwrap()
    }

    /// Somebody types this.
    pub fn types(&mut self, keys: &[u8]) {
        self.master.write_all(keys).unwrap();
    }

    pub fn settings(&self) -> Termios {
        tcgetattr(&self.slave).unwrap()
    }

    /// Whether keys come as they are typed, unseen.
    pub fn is_raw(&self) -> bool {
        !self.settings().local_flags.intersects(LocalFlags::ICANON | LocalFlags::ECHO)
    }
}

/// A program under way.
pub struct Running {
    /// Its process id.
    pub id: u32,
    waiting: JoinHandle<Option<i32>>,
}

/// What is written when it has ended: no program writes this.
pub const END: &str = "(it has ended)";
