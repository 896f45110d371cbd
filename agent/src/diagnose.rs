//! What an administrator wants to know: what was found, how it is, and what mends it. The running agent's `Diagnose` and
//! `selfsame-agent diagnose`, which needs neither bus nor agent, share this.

mod device;
mod peers;
mod platform;

use std::{io::Write, path::Path, process::ExitCode, time::Duration};

use selfsame_dbus::Check;

use crate::{
    breaks::Inhibiting,
    config::{Config, DEFAULT_PATH},
    entropy::{Class, Cost, Gathering, Health, Pace, SourceStatus, Status},
    lineage,
    page::{self, MemoryKind, RegionError},
};

/// Asks all sources once, and prints what there is to say, as a JSON array on standard output. `store` is the peers' file.
pub(crate) fn print(config: &Config, store: &Path) -> ExitCode {
    // as whoever runs this may, not as the unit of the TPM's helper may
    let sources = config.sources.attach(&config.tcti, None);
    let pace = Pace::new(config.beat, config.tpm_interval);
    let status = match Gathering::begin(sources, config.require.clone(), pace) {
        Ok(gathering) => gathering.survey(SURVEY),
        Err(error) => {
            tracing::error!("no thread for a source: {error}");
            return ExitCode::FAILURE;
        }
    };
    let memory = page::try_out(lineage::memory_kind(config.memory));
    let text = serde_json::to_string_pretty(&checks(config, &status, memory, None, store));
    let printed = text.is_ok_and(|text| writeln!(std::io::stdout(), "{text}").is_ok());
    if printed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All that there is to say, where the sources are as `status` has them, and the secrets live, or can't, as `memory` says.
/// `inhibiting` is the running agent's, `store` the peers' file.
pub(crate) fn checks(
    config: &Config,
    status: &Status,
    memory: Result<MemoryKind, RegionError>,
    inhibiting: Option<&Inhibiting>,
    store: &Path,
) -> Vec<Check> {
    let mut checks = vec![settings(status), require(status)];
    for source in status.sources() {
        if source.class == Class::Tpm {
            checks.push(device::look(&config.tcti));
            checks.extend(facts(&source));
        }
        checks.push(health(&source));
    }
    checks.extend(unread_generator(config));
    checks.extend(speed(status));
    checks.extend(last_head(status));
    checks.push(peers::look(store));
    checks.push(secrets(memory));
    checks.extend(platform::checks(status, inhibiting));
    checks
}

/// How a check came out.
#[derive(Clone, Copy)]
enum State {
    Ok,
    Info,
    Warn,
    Fail,
}

fn check(name: &str, state: State, finding: impl Into<String>, remedy: impl Into<String>) -> Check {
    let state = match state {
        State::Ok => "ok",
        State::Info => "info",
        State::Warn => "warn",
        State::Fail => "fail",
    };
    Check { check: name.to_owned(), state: state.to_owned(), finding: finding.into(), remedy: remedy.into() }
}

fn settings(status: &Status) -> Check {
    if !status.is_by_present_settings() {
        let finding = "the present settings are refused: the agent goes on with the last that worked";
        return check(
            "configuration",
            State::Fail,
            finding,
            "selfsame-agent --check-config says what to mend",
        );
    }
    check("configuration", State::Ok, "it is sound", "")
}

fn require(status: &Status) -> Check {
    match status.unmet() {
        None => check("require", State::Ok, "it is met: a source of each class that it asks for works", ""),
        Some(unmet) => {
            let remedy = "mend one of these sources, or set `require` to what this machine has: without it no agent starts";
            check("require", State::Fail, unmet.to_string(), remedy)
        }
    }
}

/// What the TPM says that it is.
fn facts(tpm: &SourceStatus) -> Vec<Check> {
    tpm.facts.iter().map(|fact| check(&format!("tpm {}", fact.about), State::Info, &fact.text, "")).collect()
}

fn health(source: &SourceStatus) -> Check {
    let name = format!("source {}", source.name);
    match &source.health {
        Health::Healthy => {
            check(&name, State::Ok, format!("class {}, its health tests pass", source.class), "")
        }
        Health::Waiting => {
            let finding = format!("class {}, its start-up test is under way", source.class);
            check(&name, State::Warn, finding, "look again in a minute; a slow TPM takes that long")
        }
        Health::Failed(why) => {
            check(&name, State::Fail, format!("class {}: {why}", source.class), remedy(source))
        }
    }
}

fn remedy(source: &SourceStatus) -> String {
    let mend = match source.class {
        Class::Tpm => "see the check `tpm`; a TPM that hangs comes back after a power cycle at the latest",
        Class::Tee | Class::Platform => {
            "check that /dev/hwrng is there and that the agent's group may read it: the package's udev rule gives \
             it to group _selfsame"
        }
        Class::Hsm => {
            "check that the module is installed, the token is there, and its label is the configured one"
        }
        Class::Cpu => "update the processor's microcode: some give a constant after a suspend",
        Class::Kernel => "nothing else works without it: report this as a bug of the kernel",
    };
    format!("{mend}; or take \"{}\" out of `sources` in {DEFAULT_PATH}", source.name)
}

/// The kernel's generator, where it is there and was left out, as nobody chose it and this user may not read it.
fn unread_generator(config: &Config) -> Option<Check> {
    let left_out = config.sources.left_out_hwrng()?;
    let remedy = "install the package's udev rule, which gives /dev/hwrng to group _selfsame; or name `sources` without it";
    Some(check(
        &format!("source {left_out}"),
        State::Warn,
        "left out: this user may not read /dev/hwrng",
        remedy,
    ))
}

/// How fast those sources are that say so.
fn speed(status: &Status) -> Vec<Check> {
    let measured = |source: SourceStatus| {
        let cost = source.cost?;
        Some(check(&format!("speed {}", source.name), State::Info, in_words(&cost)?, ""))
    };
    status.sources().into_iter().filter_map(measured).collect()
}

fn in_words(cost: &Cost) -> Option<String> {
    Some(format!(
        "{:.1} ms a command for random bytes, {:.0} bytes a second, over {} commands",
        cost.latency_ms()?,
        cost.bytes_per_second()?,
        cost.commands
    ))
}

/// The last head, where the agent that runs can't keep it.
fn last_head(status: &Status) -> Option<Check> {
    let finding = "it can't be written to the state directory: the next lineage may not name this one as its predecessor";
    let remedy = "make room on the state directory's disk, and let the agent's user write there; the journal says what fails, \
                  and it is tried again every minute";
    (!status.is_head_kept()).then(|| check("last head", State::Fail, finding, remedy))
}

/// Where the secrets live.
fn secrets(memory: Result<MemoryKind, RegionError>) -> Check {
    let finding = match memory {
        Ok(MemoryKind::Secret) => "secret: neither swapped nor dumped, and not even the kernel has it mapped",
        Ok(MemoryKind::Locked) => "locked: neither swapped nor dumped",
        Err(error) => {
            let remedy =
                "do as it says, or set `memory` to what this machine has: without it no lineage is born";
            return check("memory", State::Fail, error.to_string(), remedy);
        }
    };
    check("memory", State::Ok, finding, "")
}

/// Longer than a start-up test of a TPM that takes a second a command; `selfsame doctor` waits a minute for all of it.
const SURVEY: Duration = Duration::from_secs(50);
