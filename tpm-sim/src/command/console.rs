//! What may be said to a running `tpm-sim`, a line each.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use selfsame_tpm_sim::{Rule, RuleError, Simulator, StopError, Tap};

use crate::chain;

/// The simulator and its tap, in the hands of both the main thread and the one that listens.
pub(crate) struct Console {
    /// None: it is over.
    parts: Mutex<Option<Parts>>,
}

struct Parts {
    tap: Option<Tap>,
    simulator: Simulator,
}

impl Console {
    pub(crate) fn new(simulator: Simulator, tap: Option<Tap>) -> Self {
        Self { parts: Mutex::new(Some(Parts { tap, simulator })) }
    }

    /// What swtpm wrote, if it has ended and nobody said that it should.
    pub(crate) fn ended_by_itself(&self) -> Option<String> {
        let guard = self.lock();
        let simulator = &guard.as_ref()?.simulator;
        // One that was killed has no pid.
        (simulator.pid().is_some() && !simulator.is_running()).then(|| simulator.stderr())
    }

    /// Ends the tap and the simulator; nothing that is said afterwards has any effect.
    pub(crate) fn stop(&self) -> Result<(), StopError> {
        let Some(Parts { tap, simulator }) = self.lock().take() else { return Ok(()) };
        drop(tap);
        simulator.stop()
    }

    fn act(&self, line: Line) -> Result<(), Box<dyn Error>> {
        let mut guard = self.lock();
        let Parts { tap, simulator } = guard.as_mut().ok_or(OVER)?;
        match line {
            Line::Disturb(Rule { when, how }) => tap.as_ref().ok_or(NO_TAP)?.disturb(when, how),
            Line::Calm => tap.as_ref().ok_or(NO_TAP)?.calm(),
            Line::Freeze => simulator.freeze()?,
            Line::Thaw => simulator.thaw()?,
            Line::Kill => simulator.kill()?,
            Line::Restart => simulator.restart()?,
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Parts>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a thread that does what standard input says, until that ends.
pub(crate) fn listen(console: &Arc<Console>) -> io::Result<()> {
    let console = Arc::clone(console);
    thread::Builder::new().name("console".to_owned()).spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            // The end, or a terminal that belongs to another.
            let Ok(line) = line else { return };
            let done = String::from_utf8_lossy(&line).trim().parse::<Line>();
            let done = done.map_err(Box::from).and_then(|line| console.act(line));
            let answer =
                done.map_or_else(|error| format!("no: {}", chain(error.as_ref())), |()| "ok".to_owned());
            // Nobody need listen.
            let _ = writeln!(io::stdout(), "{answer}");
        }
    })?;
    Ok(())
}

/// One line of standard input.
#[derive(Debug)]
enum Line {
    Disturb(Rule),
    Calm,
    Freeze,
    Thaw,
    Kill,
    Restart,
}

impl FromStr for Line {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        Ok(match text {
            "calm" => Self::Calm,
            "freeze" => Self::Freeze,
            "thaw" => Self::Thaw,
            "kill" => Self::Kill,
            "restart" => Self::Restart,
            _ => match text.split_once(' ') {
                Some(("disturb", rule)) => {
                    Self::Disturb(rule.trim().parse().map_err(|source| LineError::Rule { source })?)
                }
                _ => return Err(LineError::Unknown { found: text.to_owned() }),
            },
        })
    }
}

/// Why a line is not understood.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("expected `disturb RULE`, `calm`, `freeze`, `thaw`, `kill` or `restart`, found `{found}`")]
    Unknown { found: String },
    #[error(transparent)]
    Rule { source: RuleError },
}

const NO_TAP: &str = "there is no tap: start with --tap";

const OVER: &str = "the simulator is gone";
