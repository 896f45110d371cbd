//! `end`: a person ends this host's lineage, or the machine is about to hibernate.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::{Args, ValueEnum};
use selfsame_dbus::{Bus, Identity1Proxy};
use serde_json::json;

use crate::answer::Answer;
use crate::bus::ask;
use crate::exit::Code;
use crate::failure::Failure;
use crate::printable::printable;

/// End this host's lineage.
#[derive(Debug, Args)]
pub(crate) struct End {
    /// Why
    #[arg(long, value_enum, default_value_t = Reason::Ended)]
    reason: Reason,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Why a lineage may be ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Reason {
    /// A person wants it
    Ended,
    /// What is in memory is about to be written to disk: no other begins until the machine is awake again
    Hibernate,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Hibernate => "hibernate",
        }
    }
}

impl End {
    pub(super) fn run(&self, bus: &Bus) -> Result<Answer, Failure> {
        if !self.yes && !io::stdin().is_terminal() {
            return Err(Failure::usage("nobody to ask: standard input is no terminal; say --yes"));
        }
        let reason = self.reason.as_str();
        let ended = ask(bus, async |agent: Identity1Proxy<'static>| {
            let before = agent.lineage().await?;
            if !self.yes
                && let Err(declined) = confirmed(&before)
            {
                return Ok(Err(declined));
            }
            agent.end(reason).await?;
            Ok(Ok((before, agent.lineage().await?)))
        });
        let (before, after) = ended.map_err(for_root)??;
        // before a hibernation there is no other yet
        let successor = (after != before).then_some(after);
        let text = match &successor {
            Some(successor) => format!("ended: {}\nbegun: {}", printable(&before), printable(successor)),
            None => format!("ended: {}", printable(&before)),
        };
        Ok(Answer::new(text, json!({ "ended": before, "begun": successor })))
    }
}

/// Asks the person at the terminal.
fn confirmed(lineage: &str) -> Result<(), Failure> {
    let told = format!(
        "This ends {} for good: every relying party has to let the next one succeed it.\nType yes to go on: ",
        printable(lineage)
    );
    let mut answer = String::new();
    let asked = write!(io::stderr(), "{told}").and_then(|()| io::stdin().lock().read_line(&mut answer));
    asked.map_err(|error| Failure::system("the terminal can't be asked", &error))?;
    if answer.trim() != "yes" {
        return Err(Failure::new(Code::Refused, "Declined", "not ended: the answer was not yes"));
    }
    Ok(())
}

/// The right to this is root's alone, other than the right to the other methods.
fn for_root(failure: Failure) -> Failure {
    if failure.name == "NotAuthorized" { failure.next("be root: `sudo selfsame end`") } else { failure }
}
