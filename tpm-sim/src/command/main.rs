//! `tpm-sim`: a real swtpm for as long as this command runs.
#![forbid(unsafe_code)]

mod console;
mod record;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use selfsame_tpm_sim::{Rule, Simulator, Tap};

use console::Console;

/// Runs a real swtpm and prints its TCTI.
///
/// The TCTI is the first line on standard output, printed once the TPM answers. Ctrl-C or SIGTERM ends it and
/// removes all that it made. It is a simulator: it protects no secret.
///
/// Lines on standard input are done one by one: `disturb RULE`, `calm`, `freeze`, `thaw`, `kill`, `restart`. Each is
/// answered by a line on standard output, `ok` or `no: ` and why not. The end of the input changes nothing.
#[derive(Debug, Parser)]
#[command(name = "tpm-sim", version, after_long_help = RULES)]
struct Arguments {
    /// Puts a tap between: the TCTI is the tap's.
    #[arg(long)]
    tap: bool,

    /// Writes a line for each command to this file: name, handles, sessions with their attributes, response code.
    /// Implies --tap.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Disturbs commands. May be given several times: the first that matches wins. Implies --tap.
    // Checked here, so that clap names the option, and made later, as clap wants to clone what it gives.
    #[arg(long, value_name = "RULE", value_parser = |text: &str| text.parse().map(|Rule { .. }| text.to_owned()))]
    disturb: Vec<String>,
}

const RULES: &str = "\
A RULE is WHEN=HOW, such as GetRandom=delay:1s, next:ReadClock=freeze, every=code:0x922

  WHEN  every, a command (its name or its code in hex), or next: and a command, for once
  HOW   delay:TIME      the answer is held back so long: 300ms, 1s, 2min
        freeze          the answer is held back until `calm`
        drop            no answer; the TPM never sees the command
        hang-up         the connection is closed instead of an answer
        code:RC         this response code; the TPM never sees the command
        flip:BYTE       the lowest bit of this byte of the answer is flipped
        truncate:BYTES  only so many bytes of the answer, its length corrected
        cut:BYTES       only so many bytes of the answer, then the connection is closed
        garbage:SEED    pseudorandom bytes in place of the answer, after a header
        replace:HEX     these bytes in place of the answer";

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tpm-sim: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let record = arguments.record.as_deref().map(record::create).transpose()?;
    let simulator = Simulator::start()?;

    // Blocked only now, as threads and children inherit the mask; a signal that came before has ended this process,
    // and the simulator with it. A swtpm that is started again has it: it is ended by SIGKILL alone. SIGCHLD tells of a
    // swtpm that ends by itself.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD]);
    signals.thread_block()?;
    // In the background of a terminal, reading from it is then an error, and does not stop this process.
    SigSet::from(Signal::SIGTTIN).thread_block()?;

    let wants_tap = arguments.tap || record.is_some() || !arguments.disturb.is_empty();
    let tap = wants_tap.then(|| Tap::start(&simulator)).transpose()?;
    if let Some(tap) = &tap {
        if let Some(record) = record {
            tap.observe(record);
        }
        for text in &arguments.disturb {
            let Rule { when, how } = text.parse()?;
            tap.disturb(when, how);
        }
    }

    writeln!(io::stdout(), "{}", tap.as_ref().map_or(simulator.tcti(), Tap::tcti))?;
    let console = Arc::new(Console::new(simulator, tap));
    console::listen(&console)?;
    loop {
        if signals.wait()? != Signal::SIGCHLD {
            return Ok(console.stop()?);
        }
        if let Some(stderr) = console.ended_by_itself() {
            console.stop()?;
            return Err(format!("swtpm ended by itself: {stderr}").into());
        }
    }
}

/// An error and its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
