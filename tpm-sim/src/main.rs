//! `tpm-sim`: a real swtpm for as long as this command runs.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use selfsame_tpm_sim::Simulator;

/// Runs a real swtpm and prints its TCTI.
///
/// The TCTI is the only line on standard output, printed once the TPM answers. Ctrl-C or SIGTERM ends it and
/// removes all that it made. It is a simulator: it protects no secret.
#[derive(Debug, Parser)]
#[command(name = "tpm-sim", version)]
struct Arguments {}

fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("tpm-sim: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let simulator = Simulator::start()?;

    // Blocked only now, as children inherit the mask; a signal that came before has ended this process, and the
    // simulator with it. SIGCHLD tells of a swtpm that ends by itself.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD]);
    signals.thread_block()?;

    writeln!(io::stdout(), "{}", simulator.tcti())?;
    while simulator.is_running() {
        if signals.wait()? != Signal::SIGCHLD {
            return Ok(simulator.stop()?);
        }
    }
    Err(format!("swtpm ended by itself: {}", simulator.stderr()).into())
}
