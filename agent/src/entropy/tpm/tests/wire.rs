//! A man in the middle, between libtss2 and swtpm: records what passes, and changes answers.

use std::{
    io::{self, Read, Write},
    os::unix::{
        fs::symlink,
        net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use tempfile::TempDir;

use super::super::Tcti;

/// A command and its answer, as the TPM sent it.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) command: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

impl Exchange {
    /// TPM_CC of the command.
    pub(super) fn code(&self) -> u32 {
        u32::from_be_bytes(self.command[6..10].try_into().unwrap())
    }
}

type Change = Box<dyn Fn(u32, &mut Vec<u8>) + Send>;

/// The wire to a simulator. It changes nothing until it is told to.
pub(super) struct Wire {
    directory: TempDir,
    log: Arc<Mutex<Vec<Exchange>>>,
    change: Arc<Mutex<Option<Change>>>,
}

impl Wire {
    /// Sits between its own socket and that of `tcti`.
    pub(super) fn tap(tcti: &str) -> Self {
        let target = PathBuf::from(tcti.strip_prefix("swtpm:path=").unwrap());
        let directory = tempfile::tempdir().unwrap();
        let mut control = target.clone().into_os_string();
        control.push(".ctrl");
        symlink(control, directory.path().join("s.ctrl")).unwrap();
        let listener = UnixListener::bind(directory.path().join("s")).unwrap();
        let (log, change) = (Arc::default(), Arc::default());
        let wire = Self { directory, log: Arc::clone(&log), change: Arc::clone(&change) };
        thread::spawn(move || {
            for client in listener.incoming() {
                let tpm = UnixStream::connect(&target).unwrap();
                // Ends with an error when either side hangs up.
                let _ = pass_on(client.unwrap(), tpm, &log, &change);
            }
        });
        wire
    }

    /// How to reach the TPM over this wire.
    pub(super) fn tcti(&self) -> Tcti {
        format!("swtpm:path={}", self.directory.path().join("s").display()).parse().unwrap()
    }

    /// From now on, answers are changed: `change` gets the command's code.
    pub(super) fn change(&self, change: impl Fn(u32, &mut Vec<u8>) + Send + 'static) {
        *self.change.lock().unwrap() = Some(Box::new(change));
    }

    /// From now on, answers pass as they are.
    pub(super) fn leave_be(&self) {
        *self.change.lock().unwrap() = None;
    }

    /// What has passed since this was last asked.
    pub(super) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.log.lock().unwrap())
    }
}

fn pass_on(
    mut client: UnixStream,
    mut tpm: UnixStream,
    log: &Mutex<Vec<Exchange>>,
    change: &Mutex<Option<Change>>,
) -> io::Result<()> {
    loop {
        let command = message(&mut client)?;
        tpm.write_all(&command)?;
        let answer = message(&mut tpm)?;
        let exchange = Exchange { command, answer: answer.clone() };
        let mut changed = answer;
        if let Some(change) = &*change.lock().unwrap() {
            change(exchange.code(), &mut changed);
        }
        log.lock().unwrap().push(exchange);
        client.write_all(&changed)?;
    }
}

/// One command or answer: tag, length of the whole, code, rest.
fn message(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 10];
    stream.read_exact(&mut message)?;
    let length = u32::from_be_bytes(message[2..6].try_into().unwrap()) as usize;
    message.resize(length, 0);
    stream.read_exact(&mut message[10..])?;
    Ok(message)
}
