//! The thread that listens to the kernel. Dropped, it is stopped.

use std::{
    io::{self, PipeReader, PipeWriter},
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::{uevents::Uevents, wall::WallSteps};
use crate::clock::Clock;

/// Listens to the kernel, in a thread of its own.
pub(crate) struct Listening {
    /// Nothing is written: its end is the sign.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// Starts it. It counts in `told` how often the kernel tells of a new VM generation id, and tells the journal when the
    /// wall clock is set.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn start(told: Arc<AtomicU64>, clock: Clock) -> io::Result<Self> {
        // before this returns: what happens from here on is heard
        let uevents = heard("the kernel's events", Uevents::listen());
        let steps = heard("steps of the wall clock", WallSteps::listen(clock));
        let (stopped, stop) = io::pipe()?;
        let run = move || listen(&stopped, uevents, steps, &told);
        let thread = thread::Builder::new().name("platform".into()).spawn(run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // a thread that has panicked has nothing left to stop
            let _ = thread.join();
        }
    }
}

/// What there is to listen to; the journal is told where there is nothing.
fn heard<T>(what: &str, heard: io::Result<T>) -> Option<T> {
    heard.inspect_err(|error| tracing::warn!(%error, "{what} can't be heard")).ok()
}

fn listen(
    stopped: &PipeReader,
    mut uevents: Option<Uevents>,
    mut steps: Option<WallSteps>,
    told: &AtomicU64,
) {
    loop {
        let ready = PollFlags::POLLIN;
        let mut polled = vec![PollFd::new(stopped.as_fd(), ready)];
        polled.extend(uevents.iter().map(|uevents| PollFd::new(uevents.as_fd(), ready)));
        polled.extend(steps.iter().map(|steps| PollFd::new(steps.as_fd(), ready)));
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return tracing::warn!(%errno, "the kernel can't be listened to any more"),
        }
        if polled.first().is_some_and(|stop| stop.any() == Some(true)) {
            return;
        }
        drop(polled);
        if let Some(count) = uevents.as_ref().and_then(|uevents| heard("the kernel's events", uevents.take()))
        {
            told.fetch_add(count, Ordering::Release);
        } else {
            uevents = None;
        }
        match steps.as_mut().map(WallSteps::take).transpose() {
            Ok(step) => step.flatten().into_iter().for_each(|text| tracing::info!("{text}")),
            Err(error) => {
                tracing::warn!(%error, "steps of the wall clock can't be heard any more");
                steps = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_it_is_dropped() {
        let told = Arc::new(AtomicU64::new(0));
        drop(Listening::start(told.clone(), Clock::system()).unwrap());
        assert_eq!(Arc::strong_count(&told), 1, "the thread is gone");
    }
}
