//! The daemon: entropy, behaviour, the keeper of the secret state, and its D-Bus service.
//!
//! Threads: the main one serves the bus (a current-thread runtime); `keeper` owns the lineage; `entropy` draws from
//! the sources, with a thread each for those that may block; `beat` samples what the host does and sets the pace.

mod beat;
mod behaviour;
mod clock;
mod config;
mod entropy;
mod keeper;
mod last_head;
mod log;
mod options;
mod run;
mod service;

use std::{env, process::ExitCode};

use options::{EX_CONFIG, Options, exit_for};

fn main() -> ExitCode {
    let options = match Options::parse(env::args_os()) {
        Ok(options) => options,
        Err(error) => return exit_for(&error),
    };
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
    match run::run(&options, &settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", run::chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}
