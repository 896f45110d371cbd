//! The verifier: one plain thread, the only one of this agent that has the peers' store open.
//!
//! A transaction waits for the disk, and for other programs that have the file: so none is made on the service's thread.
//! The thread reads the clocks just before each.

mod mend;
mod peers;

use std::{
    io,
    path::PathBuf,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread,
};

use selfsame::{Boot, Now};
use selfsame_store::{Store, StoreError};
use tokio::sync::oneshot;

use crate::clock::Clock;
pub(crate) use mend::remedy;
use peers::Peers;

/// A way to the verifier's thread. Clones lead to the same one, which ends with the last.
#[derive(Clone)]
pub(crate) struct Verifier {
    sender: SyncSender<Job>,
}

/// What the thread does next.
type Job = Box<dyn FnOnce(&mut Peers) + Send>;

/// Why the verifier did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum VerifierError {
    /// Its queue is full.
    #[error("too much is waiting, try again")]
    Busy,
    /// Its thread has ended: a bug, or the agent is ending.
    #[error("the verifier has ended")]
    Ended,
    /// Another file was put in the store's place while this was under way: what was changed is not in the new one.
    #[error("the peers' store was replaced by another file meanwhile")]
    Replaced,
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Verifier {
    /// Starts the thread, for the store at `path`. It is opened when the first call needs it.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn start(path: PathBuf, clock: Clock, boot: Boot) -> io::Result<Self> {
        let (sender, receiver) = sync_channel::<Job>(WAITING_MOST);
        let mut peers = Peers::new(path, clock, boot);
        let work = move || {
            while let Ok(job) = receiver.recv() {
                job(&mut peers);
            }
        };
        // never joined: it may be waiting for a disk, and an end in the middle of a transaction is as good as a crash
        thread::Builder::new().name("verifier".into()).spawn(work)?;
        Ok(Self { sender })
    }

    /// Does something with the store, as it is now: one method of it is one transaction.
    ///
    /// # Errors
    /// Where too much is waiting; what is wrong with the store; and what the store says.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store, &Now) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, VerifierError> {
        let (reply, answer) = oneshot::channel();
        // who has gone needs no answer
        let job = move |peers: &mut Peers| drop(reply.send(peers.with(work)));
        self.sender.try_send(Box::new(job)).map_err(|error| match error {
            TrySendError::Full(_) => VerifierError::Busy,
            TrySendError::Disconnected(_) => VerifierError::Ended,
        })?;
        answer.await.map_err(|_| VerifierError::Ended)?
    }
}

/// The store's file, in the state directory.
pub(crate) const FILE: &str = "peers.db";

/// Calls that may wait: what `service::limits` admits, so that these are met first.
const WAITING_MOST: usize = 4096;
