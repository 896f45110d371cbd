//! A source that is a helper process, seen from the agent, with its watchdog.

use std::{ffi::OsString, io, process::ExitStatus, time::Duration};

use super::{
    process::{HelperProcess, Stuck},
    unit::Unit,
    wire::{Answer, NoAnswer, Patience},
};
use crate::entropy::{Class, DrawError, EntropySource, Remarks};

/// A source in a process of its own, which is started at the first draw, and anew after one that had to be killed.
///
/// The kernel kills a helper when the thread that started it ends: so a [`Remote`] stays with the thread that draws.
pub(crate) struct Remote {
    name: String,
    class: Class,
    arguments: Vec<OsString>,
    unit: Option<Unit>,
    running: Option<HelperProcess>,
    stuck: Option<Stuck>,
    remarks: Remarks,
}

/// Why a helper gave no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum HelperError {
    /// The source itself gave none: what it says.
    #[error("{text}")]
    Refused {
        /// The error, with its causes.
        text: String,
    },
    /// No process could be started.
    #[error("the helper process could not be started: {text}")]
    NotStarted {
        /// What the system says.
        text: String,
    },
    /// It hung, and was killed.
    #[error("no answer within {} s: the helper process was killed", patience.as_secs())]
    Silent {
        /// How long it may be silent.
        patience: Duration,
    },
    /// It hung, was killed, and hangs in the kernel still.
    #[error(
        "the helper process {pid} was killed and hangs in the kernel: no other is started until it is gone"
    )]
    Stuck {
        /// Its process id.
        pid: u32,
    },
    /// It hung, and is its unit's, whose watchdog ends it.
    #[error("no answer within {} s: the helper is left to its unit", patience.as_secs())]
    Left {
        /// How long it may be silent.
        patience: Duration,
    },
    /// It has ended.
    #[error("the helper process ended{}", status.map(|status| format!(": {status}")).unwrap_or_default())]
    Ended {
        /// How, where that can be told.
        status: Option<ExitStatus>,
    },
    /// It said what no helper says, and was killed.
    #[error("the helper process gave {what}, and was killed")]
    Garbled {
        /// What it said.
        what: String,
    },
}

impl Remote {
    /// The source `name`, which this program serves where it is started with `arguments`. Nothing is started yet.
    pub(crate) fn new(name: &str, class: Class, arguments: impl IntoIterator<Item = OsString>) -> Self {
        let arguments = arguments.into_iter().collect();
        Self {
            name: name.to_owned(),
            class,
            arguments,
            unit: None,
            running: None,
            stuck: None,
            remarks: Remarks::default(),
        }
    }

    /// The same, from the helper of a unit, as long as that has one.
    pub(crate) fn or_of(mut self, unit: Option<Unit>) -> Self {
        self.unit = unit;
        self
    }

    fn start(&self) -> Result<HelperProcess, HelperError> {
        match self.unit.as_ref().and_then(Unit::connect) {
            Some(stream) => Ok(HelperProcess::of_unit(stream)),
            None => HelperProcess::start(&self.arguments).map_err(|error| not_started(&error)),
        }
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), HelperError> {
        if let Some(stuck) = &mut self.stuck {
            if !stuck.is_gone() {
                return Err(HelperError::Stuck { pid: stuck.pid() });
            }
            self.stuck = None;
        }
        let mut helper = match self.running.take() {
            Some(helper) => helper,
            None => self.start()?,
        };
        match helper.ask(out, PATIENCE) {
            Ok(Answer { remarks, refused }) => {
                self.remarks = remarks;
                self.running = Some(helper);
                refused.map_or(Ok(()), |text| Err(HelperError::Refused { text }))
            }
            Err(why) => Err(self.replaced(helper, why)),
        }
    }

    /// Kills a helper that is not to be asked again, and says why.
    fn replaced(&mut self, helper: HelperProcess, why: NoAnswer) -> HelperError {
        let is_units = helper.is_units();
        let status = match helper.kill() {
            Ok(status) => status,
            Err(stuck) => {
                let pid = stuck.pid();
                self.stuck = Some(stuck);
                return HelperError::Stuck { pid };
            }
        };
        match why {
            NoAnswer::Silent if is_units => HelperError::Left { patience: PATIENCE.frame },
            NoAnswer::Silent => HelperError::Silent { patience: PATIENCE.frame },
            NoAnswer::Ended => HelperError::Ended { status },
            NoAnswer::Garbled { what } => HelperError::Garbled { what: what.to_owned() },
            NoAnswer::Connection(error) => HelperError::Garbled { what: error.to_string() },
        }
    }
}

fn not_started(error: &io::Error) -> HelperError {
    HelperError::NotStarted { text: error.to_string() }
}

impl EntropySource for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn class(&self) -> Class {
        self.class
    }

    /// Comes back within two minutes at most, and where nothing moves within seconds.
    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        self.fill(out).map_err(DrawError::Helper)
    }

    fn remarks(&mut self) -> Remarks {
        std::mem::take(&mut self.remarks)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Some(helper) = self.running.take() {
            helper.let_go();
        }
    }
}

/// A hardware TPM takes 10 to 500 ms a command (architecture, Entropy): ten times the slowest, and the helper tells of
/// each command. A start-up test of a TPM that takes a second for each of its 40 commands still passes.
const PATIENCE: Patience = Patience { frame: Duration::from_secs(5), answer: Duration::from_secs(120) };
