//! The daemon: entropy, behaviour, the keeper of the secret state, and its D-Bus service.
//!
//! Threads: the main one serves the bus (a current-thread runtime); `keeper` owns the lineage; `entropy` draws from
//! the sources, with a thread and a helper process each for those that may block; `beat` samples what the host does
//! and sets the pace. A helper is this program, too, started by `tpm-helper` or `source-helper`.

mod audit;
mod beat;
mod behaviour;
mod births;
mod breaks;
mod clock;
mod config;
mod diagnose;
mod entropy;
mod handover;
mod hardening;
mod keeper;
mod last_head;
mod lineage;
mod log;
mod notify;
mod options;
mod page;
mod run;
mod service;
mod status_line;
mod verifier;
mod watchdog;

use std::{env, path::Path, process::ExitCode};

use config::ConfigError;
use entropy::{SourceName, helper};
use handover::Received;
use options::{Command, EX_CONFIG, EX_USAGE, Options, exit_for};

fn main() -> ExitCode {
    let options = match Options::parse(env::args_os()) {
        Ok(options) => options,
        Err(error) => return exit_for(&error),
    };
    match options.command() {
        Some(Command::TpmHelper { lock }) => return help(&options, &SourceName::Tpm, lock.as_deref()),
        Some(Command::SourceHelper { source }) => return help(&options, source, None),
        Some(Command::Diagnose) | None => {}
    }
    if options.check_config() || options.command().is_some() {
        return look(&options);
    }
    // before anything else is opened
    let received = Received::take();
    let (settings, refused) = match options.settings() {
        Ok(settings) => (settings, None),
        // what was handed a lineage never ends over its settings: that would end the lineage
        Err(error) => match lineage::last_settings(&received).map(|text| options.last_settings(&text)) {
            Some(Ok(settings)) => (settings, Some(error)),
            _ => return refuse(&error),
        },
    };
    log::start(settings.log.as_deref());
    if let Some(error) = refused {
        tracing::error!("{error}; going on with the last settings that worked");
    }
    match run::run(&options, &settings, received) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", run::chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Checks the configuration, or all that the agent needs.
fn look(options: &Options) -> ExitCode {
    let settings = match options.settings() {
        Ok(settings) => settings,
        Err(error) => return refuse(&error),
    };
    log::start(settings.log.as_deref());
    if options.check_config() {
        ExitCode::SUCCESS
    } else {
        diagnose::print(&settings, &options.state_dir().join(verifier::FILE))
    }
}

fn refuse(error: &ConfigError) -> ExitCode {
    log::start(None);
    tracing::error!("{error}");
    ExitCode::from(EX_CONFIG)
}

/// Serves one source to the agent, until it has had enough.
fn help(options: &Options, source: &SourceName, lock: Option<&Path>) -> ExitCode {
    log::start(None);
    let served = match options.tcti() {
        None if *source == SourceName::Tpm => {
            helper::in_a_unit(lock, |tcti, progress| source.open(tcti, progress))
        }
        tcti => {
            let tcti = tcti.cloned().unwrap_or_default();
            helper::on_standard_input(|progress| source.open(&tcti, progress))
        }
    };
    match served {
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
