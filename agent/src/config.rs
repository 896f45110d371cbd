//! The configuration file, `/etc/selfsame/agent.toml`. None is needed; what is there is read strictly.

mod error;
mod read;

use std::{fs, io, path::Path, time::Duration};

use toml::de::DeTable;
use tracing_subscriber::EnvFilter;

use crate::entropy::{Class, Require, SourceName, tpm::Tcti};

pub(crate) use error::{ConfigError, Problem};
use read::{Entry, nearest};

/// What the agent is told. Defaults are those of the architecture's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// `tcti`: how to reach the TPM.
    pub(crate) tcti: Tcti,
    /// `beat_s`: time between two beats.
    pub(crate) beat: Duration,
    /// `tpm_interval_s`: time between two draws from the TPM; none: only at birth.
    pub(crate) tpm_interval: Option<Duration>,
    /// `sources`: which are drawn from. The kernel's always is.
    pub(crate) sources: Vec<SourceName>,
    /// `require`: which classes must have a working source.
    pub(crate) require: Require,
    /// `prove_waiting_per_uid`: how many Prove calls of one uid may wait.
    pub(crate) prove_waiting_per_uid: u32,
    /// `log`: a filter as tracing-subscriber reads it.
    pub(crate) log: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tcti: Tcti::default(),
            beat: Duration::from_secs(8),
            tpm_interval: Some(Duration::from_secs(60)),
            sources: SourceName::ALL.to_vec(),
            require: Require::AnyHardware,
            prove_waiting_per_uid: 1024,
            log: None,
        }
    }
}

impl Config {
    /// Reads the file at `path`, which must be there.
    ///
    /// # Errors
    /// Where it can't be read or is refused.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|error| ConfigError::unreadable(path, &error))?;
        Self::parse(path, &text)
    }

    /// Reads the file at its usual place; where there is none, the defaults stand.
    ///
    /// # Errors
    /// Where it is there and can't be read, or is refused.
    pub(crate) fn read_default() -> Result<Self, ConfigError> {
        Self::read_if_there(Path::new(DEFAULT_PATH))
    }

    fn read_if_there(path: &Path) -> Result<Self, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(ConfigError::unreadable(path, &error)),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let table = DeTable::parse(text).map_err(|error| ConfigError::syntax(path, text, &error))?;
        let mut config = Self::default();
        let mut require_line = None;
        for (key, value) in table.get_ref() {
            let entry = Entry::new(path, text, key, value);
            match entry.key() {
                "tcti" => {
                    let tcti = entry.text("a TCTI string")?;
                    config.tcti = tcti.parse().map_err(|error| entry.refuse(Problem::Tcti(error)))?;
                }
                "beat_s" => config.beat = Duration::from_secs(entry.integer(1, LONGEST_S)?),
                "tpm_interval_s" => {
                    let seconds = entry.integer(0, LONGEST_S)?;
                    config.tpm_interval = (seconds > 0).then(|| Duration::from_secs(seconds));
                }
                "sources" => config.sources = entry.each(source)?,
                "require" => {
                    config.require = Require::Each(entry.each(class)?);
                    require_line = Some(entry.line());
                }
                "prove_waiting_per_uid" => {
                    let waiting = entry.integer(1, WAITING_MOST)?;
                    config.prove_waiting_per_uid = u32::try_from(waiting).unwrap_or(u32::MAX);
                }
                "log" => {
                    let filter = entry.text("a log filter")?;
                    EnvFilter::builder()
                        .parse(filter)
                        .map_err(|error| entry.refuse(Problem::Log { text: error.to_string() }))?;
                    config.log = Some(filter.to_owned());
                }
                key if NOT_YET.contains(&key) => {
                    return Err(entry.refuse(Problem::NotYet { what: "this key".into() }));
                }
                key => return Err(entry.refuse(Problem::UnknownKey { nearest: nearest(key, &KEYS) })),
            }
        }
        config.check_require(path, require_line)?;
        Ok(config)
    }

    /// Refuses a `require` that no choice of `sources` on any machine could meet.
    fn check_require(&self, path: &Path, line: Option<usize>) -> Result<(), ConfigError> {
        let classes: Vec<Class> = self.sources.iter().map(|source| source.class()).collect();
        let missing = self.require.missing(&classes);
        match missing.first() {
            Some(class) => {
                Err(ConfigError::at(path, line, "require", Problem::NoSourceOfClass { class: *class }))
            }
            None => Ok(()),
        }
    }
}

fn source(text: &str) -> Result<SourceName, Problem> {
    if let Some(source) = SourceName::ALL.into_iter().find(|source| source.as_str() == text) {
        return Ok(source);
    }
    let kind = text.split(':').next().unwrap_or(text);
    if SOURCES_NOT_YET.contains(&kind) {
        return Err(Problem::NotYet { what: format!("source \"{text}\"") });
    }
    Err(Problem::Choice {
        found: text.to_owned(),
        expected: SourceName::ALL.map(SourceName::as_str).to_vec(),
    })
}

fn class(text: &str) -> Result<Class, Problem> {
    CLASSES.into_iter().find(|class| class.as_str() == text).ok_or_else(|| Problem::Choice {
        found: text.to_owned(),
        expected: CLASSES.map(Class::as_str).to_vec(),
    })
}

/// Where the file is looked for.
pub(crate) const DEFAULT_PATH: &str = "/etc/selfsame/agent.toml";

/// All keys. Source: architecture, Configuration.
const KEYS: [&str; 11] = [
    "tcti",
    "beat_s",
    "tpm_interval_s",
    "sources",
    "require",
    "memory",
    "on_generation_change",
    "on_tpm_reset",
    "drift_threshold",
    "prove_waiting_per_uid",
    "log",
];

/// Keys that this version can't act on: refused, since nothing is worse than a setting that is silently ignored.
const NOT_YET: [&str; 4] = ["memory", "on_generation_change", "on_tpm_reset", "drift_threshold"];

/// Kinds of source that this version does not have.
const SOURCES_NOT_YET: [&str; 2] = ["hwrng", "pkcs11"];

/// What `require` may list. The kernel is never counted as hardware.
const CLASSES: [Class; 5] = [Class::Tpm, Class::Tee, Class::Hsm, Class::Cpu, Class::Platform];

/// Longest beat and TPM interval. Source: architecture, Configuration.
const LONGEST_S: u64 = 3600;

/// As many statements as one moment takes. Source: protocol section 5, key 6.
const WAITING_MOST: u64 = 65_536;

#[cfg(test)]
mod tests;
