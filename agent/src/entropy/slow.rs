//! A source that may block for ever, in a thread of its own, and when it is asked again.

use std::{
    io,
    sync::mpsc::{Receiver, Sender, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use super::{
    Class, Contribution, EntropySource, Pace,
    tested::{Drawn, Tested},
};

/// What the entropy thread waits for.
pub(super) enum Event {
    /// A slow source has answered.
    Answer {
        /// Its place in the list of sources.
        source: usize,
        /// What it gave.
        drawn: Drawn,
    },
    /// A lineage is about to be born: each source is asked anew, and what it gives goes there.
    Afresh(Sender<Contribution>),
    /// The agent stops.
    Stop,
}

/// A slow source, seen from the entropy thread. At most one draw of it is under way.
pub(super) struct Slow {
    /// Its place in the list of sources.
    pub(super) source: usize,
    /// Its class.
    pub(super) class: Class,
    /// Draws that failed since one succeeded.
    pub(super) failures: u32,
    asks: SyncSender<()>,
    turn: Turn,
}

#[derive(Clone, Copy)]
enum Turn {
    /// A draw is under way.
    Asked { since: Instant, overdue: bool },
    /// To be asked at this time.
    Due(Instant),
    /// Not to be asked again.
    Over,
}

impl Slow {
    /// Starts the thread, and asks for a first draw. Answers go to `events`.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(super) fn start(
        place: usize,
        source: Box<dyn EntropySource>,
        events: Sender<Event>,
    ) -> io::Result<Self> {
        let (asks, asked) = sync_channel(1);
        let class = source.class();
        let name = format!("source-{}", source.name());
        let source = Tested::new(source);
        thread::Builder::new().name(name).spawn(move || answer(place, source, &asked, &events))?;
        let mut slow = Self { source: place, class, failures: 0, asks, turn: Turn::Over };
        slow.ask(Instant::now());
        Ok(slow)
    }

    /// Whether a draw is under way.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self.turn, Turn::Asked { .. })
    }

    /// Asks for a draw now, whenever it would have been time to. False where one is under way: that began before.
    pub(super) fn ask_afresh(&mut self, now: Instant) -> bool {
        let is_free = !self.is_asked();
        if is_free {
            self.ask(now);
        }
        is_free
    }

    /// Asks for a draw if it is time to.
    pub(super) fn ask_if_due(&mut self, now: Instant) {
        if matches!(self.turn, Turn::Due(at) if at <= now) {
            self.ask(now);
        }
    }

    /// Whether the draw under way has just run out of patience: true once for each draw.
    pub(super) fn runs_over(&mut self, now: Instant, patience: Duration) -> bool {
        match &mut self.turn {
            Turn::Asked { since, overdue } if !*overdue && now.duration_since(*since) >= patience => {
                *overdue = true;
                true
            }
            _ => false,
        }
    }

    /// Takes note of an answer, and when to ask again.
    pub(super) fn answered(&mut self, good: bool, now: Instant, pace: &Pace) {
        self.turn = if good {
            self.failures = 0;
            pace.interval.map_or(Turn::Over, |interval| Turn::Due(now + interval))
        } else {
            self.failures = self.failures.saturating_add(1);
            Turn::Due(now + back_off(self.failures, pace))
        };
    }

    /// When something is to be done about this source, if nothing comes before.
    pub(super) fn next(&self, pace: &Pace) -> Option<Instant> {
        match self.turn {
            Turn::Asked { since, overdue: false } => Some(since + pace.patience),
            Turn::Asked { overdue: true, .. } | Turn::Over => None,
            Turn::Due(at) => Some(at),
        }
    }

    fn ask(&mut self, now: Instant) {
        // The thread is waiting for this: it has answered what it was asked before. If it is gone, the
        // draw is never answered, and runs over.
        let _ = self.asks.try_send(());
        self.turn = Turn::Asked { since: now, overdue: false };
    }
}

/// The thread: draws when it is asked, until nobody is there to ask.
fn answer(place: usize, mut source: Tested, asked: &Receiver<()>, events: &Sender<Event>) {
    while asked.recv().is_ok() {
        if events.send(Event::Answer { source: place, drawn: source.draw() }).is_err() {
            return;
        }
    }
}

/// How long to wait after so many failures in a row: doubling, up to a most.
fn back_off(failures: u32, pace: &Pace) -> Duration {
    let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
    pace.retry_first.saturating_mul(2_u32.pow(doublings)).min(pace.retry_most)
}

/// 2^20 times the first wait is beyond any `retry_most`, and far from an overflow.
const MOST_DOUBLINGS: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_1_s_to_60_s() {
        let pace = Pace::new(Duration::from_secs(8), None);
        let waits: Vec<u64> = (1..=9).map(|failures| back_off(failures, &pace).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(back_off(u32::MAX, &pace).as_secs(), 60);
    }
}
