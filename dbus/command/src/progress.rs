//! What is shown while a person waits: after half a second a line on standard error that says for what, and goes again.
//!
//! Only on a terminal, and only beside what is told to people; in pipes and files there is nothing of it.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A wait that is shown until this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Shows that this is waited for, such as `looking at all that the agent needs`.
    pub(crate) fn of(what: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            return Self { shown: None };
        }
        let (end, ended) = mpsc::channel();
        let began = Instant::now();
        let shown = thread::spawn(move || {
            let mut wait = FIRST;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                write(&line(what, began.elapsed()));
                wait = EACH;
            }
            if wait == EACH {
                write(ERASE);
            }
        });
        Self { shown: Some((end, shown)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, shown)) = self.shown.take() {
            drop(end);
            // it has nothing to say but that it is over
            let _ = shown.join();
        }
    }
}

/// In place of the line before: what is waited for, and for how long already.
fn line(what: &str, waited: Duration) -> String {
    match waited.as_secs() {
        0 => format!("{ERASE}{what} …"),
        seconds => format!("{ERASE}{what} … {seconds} s"),
    }
}

/// What can't be shown is no failure.
fn write(text: &str) {
    let mut terminal = io::stderr().lock();
    let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}

/// Back to the line's beginning, and nothing on it (ECMA-48, erase in line).
const ERASE: &str = "\r\u{1b}[K";

/// What is done by then is not shown: nobody was waiting.
const FIRST: Duration = Duration::from_millis(500);

/// How often it is told anew.
const EACH: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_the_place_of_the_one_before() {
        assert_eq!(line("waiting", Duration::from_millis(600)), "\r\u{1b}[Kwaiting …");
        assert_eq!(line("waiting", Duration::from_millis(2600)), "\r\u{1b}[Kwaiting … 2 s");
    }
}
