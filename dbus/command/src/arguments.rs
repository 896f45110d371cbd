//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, ColorChoice, Parser, Subcommand};
use selfsame_dbus::Bus;

use crate::answer::{self, Telling};
use crate::colour::When;
use crate::exit::{self, Code};
use crate::failure::Failure;
use crate::host::HostCommand;
use crate::inspect::Inspect;
use crate::manual::{Completions, Manual};
use crate::party::PartyCommand;
use crate::place::Place;

/// This host's keyless identity, and a relying party's peers
#[derive(Debug, Parser)]
#[command(name = "selfsame", version, after_help = exit::HELP, color = ColorChoice::Never)]
pub(crate) struct Arguments {
    #[command(flatten)]
    global: Global,

    #[command(subcommand)]
    command: Command,
}

/// What goes with every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all subcommands")]
struct Global {
    /// Find the agent on the bus at this D-Bus address [default: the system bus]
    #[arg(long, global = true, value_name = "ADDR", value_parser = bus_address)]
    bus_address: Option<String>,

    /// Find the agent on the session bus
    #[arg(long, global = true)]
    session: bool,

    /// Keep a relying party's peers in this file; needs neither agent nor bus [default: this host's agent keeps them]
    #[arg(long, global = true, value_name = "FILE")]
    store: Option<PathBuf>,

    /// Tell all of it as one JSON object on standard output, refusals too
    #[arg(long, global = true)]
    json: bool,

    /// Colour what people read
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: When,
}

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Of this host's agent.
    #[command(flatten)]
    Host(HostCommand),
    /// As a relying party.
    #[command(flatten)]
    Party(PartyCommand),
    /// Watch this host's agent: a live view of its lineage, sources, drift, callers and alarms
    ///
    /// It asks once a second, hears the agent's signals, and waits for an agent that is gone, which it never starts. q, Esc
    /// or Ctrl-C ends it. Who has proofs of this host is told to root and members of group selfsame alone. Without a
    /// terminal it is code 2; with --json it needs none, and tells an object a second, each on a line.
    Watch,
    /// Explain a challenge, proof, moment, genesis, introduction, fork or hop, field by field
    Inspect(Inspect),
    /// Print completions for a shell
    ///
    /// The package installs them. By hand, for bash: `selfsame completions bash >
    /// ~/.local/share/bash-completion/completions/selfsame`. With --json: {"shell", "script"}.
    Completions(Completions),
    /// Print the manual page, or write all of them
    ///
    /// For who packages this: `packaging/manual.sh`. With --json: {"page"}, or {"pages"}: the files that were written.
    #[command(hide = true)]
    Man(Manual),
}

impl Arguments {
    /// Reads the command line, the program's name first.
    ///
    /// # Errors
    ///
    /// Where it is wrong, or asks for help or the version: [`tell`] deals with both.
    pub(crate) fn read(line: &[OsString]) -> Result<Self, clap::Error> {
        Self::try_parse_from(line)
    }

    /// What is asked.
    pub(crate) fn asked(&self) -> &Command {
        &self.command
    }

    /// How it is told.
    pub(crate) fn telling(&self) -> Telling {
        Telling { json: self.global.json, color: self.global.color }
    }

    /// The bus on which this host's agent is.
    ///
    /// # Errors
    ///
    /// Where two are named, or a store is, which no agent is asked for.
    pub(crate) fn bus(&self) -> Result<Bus, Failure> {
        match &self.global {
            Global { store: Some(_), .. } => {
                Err(Failure::usage("--store is a relying party's: this asks this host's agent"))
            }
            Global { bus_address: Some(_), session: true, .. } => {
                Err(Failure::usage("--bus-address and --session name two buses"))
            }
            Global { bus_address: Some(address), .. } => Ok(Bus::Address(address.clone())),
            Global { session: true, .. } => Ok(Bus::Session),
            Global { .. } => Ok(Bus::System),
        }
    }

    /// Where a relying party's peers are.
    ///
    /// # Errors
    ///
    /// Where a file and a bus are named, or two buses.
    pub(crate) fn place(&self) -> Result<Place<'_>, Failure> {
        match &self.global {
            Global { store: None, .. } => self.bus().map(Place::Agent),
            Global { bus_address: None, session: false, store: Some(file), .. } => Ok(Place::File(file)),
            Global { .. } => {
                Err(Failure::usage("--store needs no bus: leave out --bus-address and --session"))
            }
        }
    }
}

/// Tells what clap has to say: help and version, or what is wrong with the command line.
pub(crate) fn tell(error: &clap::Error, line: &[OsString]) -> Code {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // who closes the pipe has read enough
            let _ = error.print();
            Code::Yes
        }
        _ => {
            // what could not be read as a whole still says how it is to be told
            let json = line.iter().take_while(|word| *word != "--").any(|word| word == "--json");
            answer::tell(&Err(usage(error)), Telling { json, color: When::default() })
        }
    }
}

/// A wrong command line, as other failures are told: what it is, and clap's hints as what to do next.
fn usage(error: &clap::Error) -> Failure {
    let text = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "a subcommand is required".to_owned()
        }
        _ => error.to_string(),
    };
    // what is wrong comes before the first empty line, hints and usage after it
    let mut lines = text.lines().map(str::trim);
    let what = lines.by_ref().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let hints = lines.filter_map(|line| {
        let usage = line.strip_prefix("Usage: ").map(|usage| format!("usage: {usage}"));
        usage.or_else(|| line.strip_prefix("tip: ").map(str::to_owned))
    });
    let next: Vec<_> = hints.chain(["`selfsame --help`".to_owned()]).collect();
    Failure::usage(what.strip_prefix("error: ").unwrap_or(&what)).next(next.join("; "))
}

/// A D-Bus address.
fn bus_address(text: &str) -> Result<String, String> {
    text.parse::<zbus::Address>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory;

    use super::*;

    fn read(line: &[&str]) -> Arguments {
        let line: Vec<OsString> = ["selfsame"].iter().chain(line).map(OsString::from).collect();
        Arguments::read(&line).unwrap()
    }

    #[test]
    fn the_definition_holds() {
        <Arguments as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_subcommand() {
        for line in
            [&["--json", "--session", "id"], &["id", "--json", "--session"], &["--json", "id", "--session"]]
        {
            let arguments = read(line);
            assert!(arguments.telling().json);
            assert_eq!(arguments.bus().unwrap(), Bus::Session);
        }
        assert_eq!(read(&["id"]).bus().unwrap(), Bus::System);
        assert_eq!(
            read(&["id", "--bus-address", "unix:path=/x"]).bus().unwrap(),
            Bus::Address("unix:path=/x".into())
        );
        assert_eq!(read(&["peers", "--store", "f"]).place().unwrap(), Place::File(Path::new("f")));
        assert_eq!(read(&["--session", "peers"]).place().unwrap(), Place::Agent(Bus::Session));
        assert_eq!(read(&["peers"]).place().unwrap(), Place::Agent(Bus::System));
    }

    #[test]
    fn options_that_do_not_go_together_are_refused_wherever_they_stand() {
        for line in [&["--session", "id", "--bus-address", "unix:path=/x"][..], &["--store", "f", "id"]] {
            assert_eq!(read(line).bus().unwrap_err().code, Code::Usage, "{line:?}");
        }
        for line in [
            &["--session", "peers", "--bus-address", "unix:path=/x"][..],
            &["--store", "f", "peers", "--session"],
            &["--store", "f", "--bus-address", "unix:path=/x", "peers"],
        ] {
            assert_eq!(read(line).place().unwrap_err().code, Code::Usage, "{line:?}");
        }
    }
}
