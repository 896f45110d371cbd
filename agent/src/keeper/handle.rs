//! How others talk to the keeper.

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError},
    },
    time::Duration,
};

use selfsame::{HopAnswer, HopError, Introduction, Proof, ProveRefusal, Reason, Request};
use tokio::{
    sync::{oneshot, watch},
    time::sleep,
};

use super::{Message, Published};
use crate::{behaviour::Observed, entropy::Contribution};

/// A way to the keeper's thread. Clones lead to the same one.
#[derive(Clone)]
pub(crate) struct Keeper {
    sender: SyncSender<Message>,
    published: Arc<Published>,
    /// The keeper's thread holds the other end.
    alive: watch::Receiver<()>,
}

/// Why the keeper gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum KeeperError {
    /// Its queue is full.
    #[error("too much is waiting, try again")]
    Busy,
    /// The lineage ended while the call waited, and no other has begun: the agent ends, or the machine goes to sleep.
    #[error("the lineage has ended")]
    Ended,
}

impl Keeper {
    pub(super) fn new(
        sender: SyncSender<Message>,
        published: Arc<Published>,
        alive: watch::Receiver<()>,
    ) -> Self {
        Self { sender, published, alive }
    }

    /// What anyone may know of the lineage.
    pub(crate) fn published(&self) -> &Arc<Published> {
        &self.published
    }

    /// The answer to a challenge: in the next moment, with all others that wait.
    pub(crate) async fn prove(&self, request: Request) -> Result<Result<Proof, ProveRefusal>, KeeperError> {
        self.ask(|reply| Message::Prove { request: Box::new(request), reply }).await
    }

    /// An introduction of the lineage.
    pub(crate) async fn introduce(&self) -> Result<Introduction, KeeperError> {
        self.ask(|reply| Message::Introduce { reply }).await
    }

    /// The answer to a question for a hop.
    pub(crate) async fn hop(
        &self,
        index: u64,
        tier: u8,
        way: bool,
    ) -> Result<Result<HopAnswer, HopError>, KeeperError> {
        self.ask(|reply| Message::Hop { index, tier, way, reply }).await
    }

    /// Stirs in what a source gave; waits while the queue is full. False where the keeper has ended.
    pub(crate) fn stir(&self, contribution: Contribution) -> bool {
        self.sender.send(Message::Stir(contribution)).is_ok()
    }

    /// Stirs in a sample and makes a moment that commits to it; waits while the queue is full. False where the keeper has
    /// ended.
    pub(crate) fn beat(&self, observed: Observed) -> bool {
        self.sender.send(Message::Beat(Box::new(observed))).is_ok()
    }

    /// Makes a moment, once more before the machine sleeps.
    ///
    /// # Errors
    /// Where the keeper has no room for it, or has ended.
    pub(crate) async fn before_sleep(&self) -> Result<(), KeeperError> {
        self.ask(|reply| Message::Moment { is_afresh: false, reply }).await
    }

    /// Stirs in what the quick sources give now, and makes a moment: the machine has slept. A lineage that ended before it
    /// slept has its successor now.
    ///
    /// # Errors
    /// Where the keeper has no room for it, or has ended.
    pub(crate) async fn after_sleep(&self) -> Result<(), KeeperError> {
        self.ask(|reply| Message::Moment { is_afresh: true, reply }).await
    }

    /// Ends the lineage, once what waits is answered. It is gone when this returns; its successor is there too, but before
    /// a hibernation.
    ///
    /// # Errors
    /// Where the keeper has no room for it, or has ended.
    pub(crate) async fn end(&self, reason: Reason) -> Result<(), KeeperError> {
        self.ask(|reply| Message::End { reason, reply }).await
    }

    /// Waits until the keeper has taken this from its queue, which one that hangs never does. False where it has ended.
    pub(crate) async fn is_alive(&self) -> bool {
        loop {
            match self.ask(|reply| Message::Alive { reply }).await {
                Ok(()) => return true,
                Err(KeeperError::Ended) => return false,
                // of a queue that is full and moves on, there is a place sooner or later
                Err(KeeperError::Busy) => sleep(TRY_AGAIN).await,
            }
        }
    }

    /// Waits until the keeper's thread has ended, of itself or because it was told to.
    pub(crate) async fn ended(&self) {
        let mut alive = self.alive.clone();
        // an error says that the sender is gone: the same
        while alive.changed().await.is_ok() {}
    }

    /// Lets the keeper answer what waits, and end.
    pub(crate) fn stop(&self) {
        // where it has ended already, there is nothing to stop
        let _ = self.sender.send(Message::Stop);
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T, KeeperError> {
        let (reply, answer) = oneshot::channel();
        self.sender.try_send(message(reply)).map_err(|error| match error {
            TrySendError::Full(_) => KeeperError::Busy,
            TrySendError::Disconnected(_) => KeeperError::Ended,
        })?;
        answer.await.map_err(|_| KeeperError::Ended)
    }
}

/// Some moments under load, in each of which the queue is emptied.
const TRY_AGAIN: Duration = Duration::from_millis(20);
