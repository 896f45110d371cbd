//! The command line of `selfsame-agent`. What is said here wins over the configuration file.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use selfsame_dbus::Bus;

use crate::{
    config::{Config, ConfigError},
    entropy::{SourceName, tpm::Tcti},
};

/// Keyless host identity: keeps this host's continuity and proves it over D-Bus.
#[derive(Debug, Parser)]
#[command(name = "selfsame-agent", version)]
pub(crate) struct Options {
    #[command(flatten)]
    bus: BusOptions,

    /// How to reach the TPM, such as device:/dev/tpmrm0 or swtpm:path=DIR/socket
    #[arg(long, global = true, value_parser = Tcti::from_str)]
    tcti: Option<Tcti>,

    /// Time between two beats, 0.05 to 3600
    #[arg(long, value_name = "SECONDS", value_parser = beat)]
    beat: Option<Duration>,

    /// Read this configuration file, which must exist, instead of /etc/selfsame/agent.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Keep the last public head in this directory
    #[arg(long, value_name = "DIR", default_value = STATE_DIR)]
    state_dir: PathBuf,

    /// Ask for the TPM's bytes at the socket there; where nobody listens, start a helper
    #[arg(long, value_name = "PATH", default_value = TPM_HELPER_SOCKET)]
    tpm_helper_socket: PathBuf,

    /// Ask for reports of the TEE at the helper's socket there
    #[arg(long, value_name = "PATH", default_value = TSM_REPORT_SOCKET)]
    tsm_report_socket: PathBuf,

    /// Check the configuration and exit: 0 if it is good, 78 if not
    #[arg(long)]
    check_config: bool,

    /// What to do other than to serve.
    #[command(subcommand)]
    command: Option<Command>,
}

/// What the program does where it is not the agent.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Check sources, rights and settings, print the findings as JSON, and exit; the agent may run or not
    Diagnose,
    /// Serve the TPM as a source on the socket that standard input is: started by the agent, or by a socket unit
    ///
    /// Without --tcti the agent says on the socket which TPM.
    TpmHelper {
        /// Serve only while no other helper holds the lock on this file
        #[arg(long, value_name = "FILE")]
        lock: Option<PathBuf>,
    },
    /// Serve another source that may block: started by the agent
    #[command(hide = true)]
    SourceHelper {
        /// The source, as in the configuration
        #[arg(value_parser = SourceName::from_str)]
        source: SourceName,
    },
}

/// Which bus: one of these, or none.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct BusOptions {
    /// Serve on the bus at this D-Bus address
    #[arg(long, value_name = "ADDR")]
    bus_address: Option<String>,

    /// Serve on the session bus
    #[arg(long)]
    session: bool,

    /// Serve on the system bus (the default)
    #[arg(long)]
    system: bool,
}

impl Options {
    /// Reads the arguments, the program's name first.
    ///
    /// # Errors
    /// Where they are wrong, or ask for help or the version: [`exit_for`] deals with both.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(arguments)
    }

    /// The bus to serve on.
    pub(crate) fn bus(&self) -> Bus {
        match &self.bus {
            BusOptions { bus_address: Some(address), .. } => Bus::Address(address.clone()),
            BusOptions { session: true, .. } => Bus::Session,
            _ => Bus::System,
        }
    }

    /// The directory of the last public head.
    pub(crate) fn state_dir(&self) -> &PathBuf {
        &self.state_dir
    }

    /// What to do other than to serve; none: serve.
    pub(crate) fn command(&self) -> Option<&Command> {
        self.command.as_ref()
    }

    /// How to reach the TPM, where the command line says so.
    pub(crate) fn tcti(&self) -> Option<&Tcti> {
        self.tcti.as_ref()
    }

    /// The socket of the unit that starts the TPM's helper.
    pub(crate) fn tpm_helper_socket(&self) -> &Path {
        &self.tpm_helper_socket
    }

    /// The socket of the helper that asks the TEE for reports.
    pub(crate) fn tsm_report_socket(&self) -> &Path {
        &self.tsm_report_socket
    }

    /// Whether only the configuration is to be checked.
    pub(crate) fn check_config(&self) -> bool {
        self.check_config
    }

    /// The configuration file, with what the command line says in place of what it says.
    ///
    /// # Errors
    /// Where the file can't be read or is refused: the process exits with [`EX_CONFIG`].
    pub(crate) fn settings(&self) -> Result<Config, ConfigError> {
        let config = match &self.config {
            Some(path) => Config::read(path)?,
            None => Config::read_default()?,
        };
        Ok(self.over(config))
    }

    /// The last settings that worked, likewise: for an agent that was handed a lineage, and never ends over its settings.
    ///
    /// # Errors
    /// Where another version wrote them, which took what this one refuses.
    pub(crate) fn last_settings(&self, text: &str) -> Result<Config, ConfigError> {
        Config::last(text).map(|config| self.over(config))
    }

    /// What the command line says, in place of what the file says.
    fn over(&self, mut config: Config) -> Config {
        if let Some(tcti) = &self.tcti {
            config.tcti = tcti.clone();
        }
        if let Some(beat) = self.beat {
            config.beat = beat;
        }
        config
    }
}

/// Prints what clap has to say, and gives the code to exit with: [`EX_USAGE`] for a wrong command
/// line, where clap's own would be 2, and 0 for help and version.
pub(crate) fn exit_for(error: &clap::Error) -> ExitCode {
    // Where not even this can be printed, the code has to do.
    let _ = error.print();
    ExitCode::from(code_for(error))
}

fn code_for(error: &clap::Error) -> u8 {
    if error.exit_code() == 0 { 0 } else { EX_USAGE }
}

fn beat(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if !(BEAT_LEAST_S..=BEAT_MOST_S).contains(&seconds) {
        return Err(format!("expected {BEAT_LEAST_S} to {BEAT_MOST_S} seconds"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Exit code for a wrong command line. Source: sysexits.h.
pub(crate) const EX_USAGE: u8 = 64;

/// Exit code for a bad configuration, or `require` unmet at birth. Source: sysexits.h.
pub(crate) const EX_CONFIG: u8 = 78;

/// Shortest beat on the command line, for tests. The file's shortest is a second.
const BEAT_LEAST_S: f64 = 0.05;

/// Longest beat. Source: architecture, Configuration: `beat_s` is at most 3600.
const BEAT_MOST_S: f64 = 3600.0;

const STATE_DIR: &str = "/var/lib/selfsame";

/// As in `packaging/systemd/selfsame-tpm-helper.socket`.
const TPM_HELPER_SOCKET: &str = "/run/selfsame/tpm-helper.socket";

/// As in `packaging/systemd/selfsame-tsm-report.socket`.
const TSM_REPORT_SOCKET: &str = "/run/selfsame/tsm-report.socket";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, error::ErrorKind};

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
        Options::parse(std::iter::once("selfsame-agent").chain(arguments.iter().copied()).map(OsString::from))
    }

    #[test]
    fn the_definition_is_sound() {
        <Options as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn without_arguments_it_serves_the_system_bus() {
        let options = parse(&[]).unwrap();
        assert_eq!(options.bus(), Bus::System);
        assert_eq!(options.state_dir().to_str(), Some("/var/lib/selfsame"));
        assert!(!options.check_config());
        assert_eq!(options.tpm_helper_socket().to_str(), Some("/run/selfsame/tpm-helper.socket"));
        assert_eq!(options.tsm_report_socket().to_str(), Some("/run/selfsame/tsm-report.socket"));
    }

    #[test]
    fn one_bus_is_chosen_and_only_one() {
        assert_eq!(parse(&["--system"]).unwrap().bus(), Bus::System);
        assert_eq!(parse(&["--session"]).unwrap().bus(), Bus::Session);
        let address = parse(&["--bus-address", "unix:path=/x"]).unwrap();
        assert_eq!(address.bus(), Bus::Address("unix:path=/x".into()));

        for two in [
            &["--session", "--system"][..],
            &["--session", "--bus-address", "unix:path=/x"],
            &["--system", "--bus-address", "unix:path=/x"],
        ] {
            assert_eq!(parse(two).unwrap_err().kind(), ErrorKind::ArgumentConflict, "{two:?}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_64_and_help_is_0() {
        for wrong in
            [&["--no-such"][..], &["--session", "--system"], &["--tcti"], &["--tcti", "tpm0"], &["stray"]]
        {
            assert_eq!(code_for(&parse(wrong).unwrap_err()), 64, "{wrong:?}");
        }
        for asked in ["--help", "--version"] {
            assert_eq!(code_for(&parse(&[asked]).unwrap_err()), 0, "{asked}");
        }
    }

    #[test]
    fn helpers_and_a_diagnosis_are_subcommands_that_take_the_tpm_too() {
        assert_eq!(parse(&[]).unwrap().command(), None);
        let diagnose = parse(&["diagnose", "--tcti", "device:/dev/tpm1"]).unwrap();
        assert_eq!(diagnose.command(), Some(&Command::Diagnose));
        for line in [["tpm-helper", "--tcti", "tabrmd"], ["--tcti", "tabrmd", "tpm-helper"]] {
            let options = parse(&line).unwrap();
            assert_eq!(options.command(), Some(&Command::TpmHelper { lock: None }));
            assert_eq!(options.tcti().unwrap().to_string(), "tabrmd");
        }
        let of_unit = parse(&["tpm-helper", "--lock", "/run/lock"]).unwrap();
        assert_eq!(of_unit.command(), Some(&Command::TpmHelper { lock: Some("/run/lock".into()) }));
        assert_eq!(of_unit.tcti(), None);
        let source = parse(&["source-helper", "rdseed"]).unwrap();
        assert_eq!(source.command(), Some(&Command::SourceHelper { source: SourceName::Rdseed }));
        assert!(parse(&["source-helper", "dice"]).is_err());
    }

    #[test]
    fn a_beat_may_be_fractional_within_its_range() {
        for (text, expected) in [("0.05", 50), ("0.2", 200), ("8", 8000), ("3600", 3_600_000)] {
            let options = parse(&["--beat", text]).unwrap();
            assert_eq!(options.beat, Some(Duration::from_millis(expected)), "{text}");
        }
        for wrong in ["0.049", "0", "-1", "3600.1", "NaN", "inf", "soon", ""] {
            assert!(parse(&[&format!("--beat={wrong}")]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "beat_s = 4\ntcti = \"device:/dev/tpmrm1\"\ntpm_interval_s = 30\n")
            .unwrap();
        let path = file.path().to_str().unwrap();

        let from_file = parse(&["--config", path]).unwrap().settings().unwrap();
        assert_eq!(from_file.beat, Duration::from_secs(4));
        assert_eq!(from_file.tcti.to_string(), "device:/dev/tpmrm1");

        let both = parse(&["--config", path, "--beat", "0.2", "--tcti", "swtpm:path=/d/s"]).unwrap();
        let both = both.settings().unwrap();
        assert_eq!(both.beat, Duration::from_millis(200));
        assert_eq!(both.tcti.to_string(), "swtpm:path=/d/s");
        assert_eq!(both.tpm_interval, Some(Duration::from_secs(30)), "what only the file says stays");
    }

    #[test]
    fn a_named_file_must_exist() {
        let options = parse(&["--config", "/nonexistent/agent.toml"]).unwrap();
        let error = options.settings().unwrap_err().to_string();
        assert!(error.contains("/nonexistent/agent.toml"), "{error}");
    }
}
