//! The beat: every few seconds a sample of what the host does, a stir and a moment, asked for or not.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{
    behaviour::{Observer, Seen},
    entropy::Status,
    keeper::Keeper,
};

/// The thread that sets the pace. Dropped, it is stopped.
pub(crate) struct Beat {
    /// Nothing is sent: its end is the sign.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Beat {
    /// Starts it. What it sees is noted in `seen`, that it has seen enough to judge in `sources`, whose changes `changed`
    /// tells of.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn start(
        beat: Duration,
        keeper: Keeper,
        seen: Arc<Seen>,
        sources: Status,
        changed: watch::Sender<()>,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new().name("beat".into()).spawn(move || {
            let mut observer = Observer::new();
            let mut due = Instant::now() + beat;
            while stopped.recv_timeout(due.saturating_duration_since(Instant::now()))
                == Err(RecvTimeoutError::Timeout)
            {
                let observed = observer.observe();
                seen.note(&observed);
                if observed.has_seen_enough && sources.end_warming() {
                    changed.send_replace(());
                }
                if !keeper.beat(observed) {
                    break;
                }
                // a beat that was missed, in a suspend or under load, is not made up for
                due = (due + beat).max(Instant::now());
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // a thread that has panicked has nothing left to stop
            let _ = thread.join();
        }
    }
}
