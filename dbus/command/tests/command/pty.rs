//! A terminal of a test's own, and what is written on it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

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

    /// Starts a program that has it for input and output.
    pub fn start(&self, mut command: Command) -> Child {
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        command.stdin(self.stream()).stdout(self.stream()).stderr(self.stream()).spawn().unwrap()
    }

    /// Reads until this was written.
    pub fn until(&mut self, text: &str) {
        let mut bytes = [0; 4096];
        while !self.shown.contains(text) {
            let read = self.master.read(&mut bytes).unwrap_or(0);
            assert!(read > 0, "it ended without {text:?}: {}", self.shown);
            self.shown += &String::from_utf8_lossy(&bytes[..read]);
        }
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
