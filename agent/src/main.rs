//! The daemon: entropy, behaviour, the keeper of the secret state, and its D-Bus service.
//!
//! Threads: the main one serves the bus (a current-thread runtime); `keeper` owns the lineage; `entropy` draws from
//! the sources, with a thread and a helper process each for those that may block; `beat` samples what the host does
//! and sets the pace. A helper is this program, too, started by `tpm-helper` or `source-helper`.

mod beat;
mod behaviour;
mod clock;
mod config;
mod diagnose;
mod entropy;
mod keeper;
mod last_head;
mod log;
mod options;
mod run;
mod service;

use std::{env, process::ExitCode};

use entropy::{SourceName, helper};
use options::{Command, EX_CONFIG, EX_USAGE, Options, exit_for};

fn main() -> ExitCode {
    let options = match Options::parse(env::args_os()) {
        Ok(options) => options,
        Err(error) => return exit_for(&error),
    };
    match options.command() {
        Some(Command::TpmHelper) => return help(&options, &SourceName::Tpm),
        Some(Command::SourceHelper { source }) => return help(&options, source),
        Some(Command::Diagnose) | None => {}
    }
    let settings = match options.settings() {
        Ok(settings) => settings,
        Err(error) => {
            log::start(None);
            tracing::error!("{error}");
            return ExitCode::from(EX_CONFIG);
        }
    };
    log::start(settings.log.as_deref());
    if options.check_config() {
        return ExitCode::SUCCESS;
    }
    if options.command().is_some() {
        return diagnose::print(&settings);
    }
    match run::run(&options, &settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", run::chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Serves one source to the agent, until it has had enough.
fn help(options: &Options, source: &SourceName) -> ExitCode {
    log::start(None);
    let tcti = options.tcti().cloned().unwrap_or_default();
    match helper::on_standard_input(|progress| source.open(&tcti, progress)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ helper::ServeError::NoSocket) => {
            tracing::error!("{error}");
            ExitCode::from(EX_USAGE)
        }
        Err(error) => {
            tracing::error!("{}", run::chain(&error));
            ExitCode::FAILURE
        }
    }
}
