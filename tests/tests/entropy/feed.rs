//! A FIFO in the place of /dev/hwrng, and who writes into it.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::{
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::stat::Mode,
    unistd::mkfifo,
};

use crate::stream::Stream;

/// Gives a stream to whoever reads from a FIFO. Dropped, it stops.
pub struct Feed {
    pipe: Arc<Mutex<Pipe>>,
    thread: Option<JoinHandle<()>>,
}

struct Pipe {
    file: File,
    stream: Stream,
    /// What did not fit in yet.
    pending: Vec<u8>,
    /// Bytes that went in, less those that were taken out again by us.
    given: usize,
    stopped: bool,
}

/// How far a writing has got.
enum Filled {
    /// There is no more room.
    Full,
    /// The stream gives nothing.
    Dry,
    /// It is time to stop.
    Stopped,
}

impl Feed {
    /// Makes a FIFO at `path`, and gives `stream`.
    pub fn start(path: &Path, stream: Stream) -> Self {
        mkfifo(path, Mode::from_bits_truncate(0o600)).unwrap();
        // For both: so no reader waits for a writer, none sees an end, and we never block.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(path)
            .unwrap();
        let writable = file.try_clone().unwrap();
        let pipe = Pipe { file, stream, pending: Vec::new(), given: 0, stopped: false };
        let pipe = Arc::new(Mutex::new(pipe));
        let theirs = pipe.clone();
        let thread = thread::spawn(move || {
            loop {
                let filled = lock(&theirs).fill();
                match filled {
                    Filled::Full => {
                        let mut polled = [PollFd::new(writable.as_fd(), PollFlags::POLLOUT)];
                        poll(&mut polled, PollTimeout::from(LOOK_MS)).unwrap();
                    }
                    Filled::Dry => thread::sleep(Duration::from_millis(LOOK_MS.into())),
                    Filled::Stopped => return,
                }
            }
        });
        Self { pipe, thread: Some(thread) }
    }

    /// Gives another stream from now on, and says how many bytes were read until then: what is read after them is of the
    /// new one.
    pub fn give(&self, stream: Stream) -> usize {
        let mut pipe = lock(&self.pipe);
        pipe.drain();
        pipe.pending.clear();
        pipe.stream = stream;
        pipe.given
    }

    /// How many bytes were read so far.
    pub fn taken(&self) -> usize {
        let mut pipe = lock(&self.pipe);
        let back = pipe.drain();
        let pending = std::mem::take(&mut pipe.pending);
        pipe.pending = [back, pending].concat();
        pipe.given
    }
}

impl Pipe {
    /// Writes for as long as there is room, and something to give.
    fn fill(&mut self) -> Filled {
        while !self.stopped {
            if self.pending.is_empty() {
                let mut chunk = vec![0; CHUNK_BYTES];
                if !self.stream.fill(&mut chunk) {
                    return Filled::Dry;
                }
                self.pending = chunk;
            }
            match self.file.write(&self.pending) {
                Ok(written) => {
                    self.given += written;
                    self.pending.drain(..written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Filled::Full,
                Err(error) => panic!("{error}"),
            }
        }
        Filled::Stopped
    }

    /// Takes out what nobody has read.
    fn drain(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            match self.file.read(&mut chunk) {
                Ok(read) => out.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.given -= out.len();
        out
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        lock(&self.pipe).stopped = true;
        if let Some(thread) = self.thread.take() {
            // one that has panicked was heard
            let _ = thread.join();
        }
    }
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap()
}

/// A piece that a pipe takes whole or not at all. Source: pipe(7), PIPE_BUF.
const CHUNK_BYTES: usize = 256;

/// How often it is looked whether to stop, in milliseconds.
const LOOK_MS: u8 = 20;
