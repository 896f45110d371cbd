//! The configuration file, `/etc/selfsame/agent.toml`. None is needed; what is there is read strictly.

mod error;
mod read;
mod settings;

use std::{fs, io, path::Path, time::Duration};

use toml::de::DeTable;
use tracing_subscriber::EnvFilter;

use crate::entropy::{Class, Require, SourceName, Sources, tpm::Tcti};

pub(crate) use error::{ConfigError, Problem};
use read::{Entry, nearest};
pub(crate) use settings::{MemorySetting, OnChange};

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
    pub(crate) sources: Sources,
    /// `require`: which classes must have a working source.
    pub(crate) require: Require,
    /// `memory`: where the secret state is to live.
    pub(crate) memory: MemorySetting,
    /// `on_generation_change`: what a clone or a rollback that the platform tells of does.
    pub(crate) on_generation_change: OnChange,
    /// `on_tpm_reset`: what a reset of the TPM under the living agent does.
    pub(crate) on_tpm_reset: OnChange,
    /// `drift_threshold`, in thousandths, 1 to 1,000: a drift that reaches it is told.
    pub(crate) drift_threshold: u32,
    /// `prove_waiting_per_uid`: how many Prove calls of one uid may wait.
    pub(crate) prove_waiting_per_uid: u32,
    /// `log`: a filter as tracing-subscriber reads it.
    pub(crate) log: Option<String>,
    /// Whether these are the last settings that worked, as the present ones are refused.
    pub(crate) is_fallback: bool,
    /// The file's text: what is kept as the last settings that worked.
    pub(crate) text: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tcti: Tcti::default(),
            beat: Duration::from_secs(8),
            tpm_interval: Some(Duration::from_secs(60)),
            sources: Sources::default(),
            require: Require::AnyHardware,
            memory: MemorySetting::Auto,
            on_generation_change: OnChange::End,
            on_tpm_reset: OnChange::Mark,
            drift_threshold: DRIFT_THRESHOLD,
            prove_waiting_per_uid: 1024,
            log: None,
            is_fallback: false,
            text: String::new(),
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

    /// Reads the last settings that worked.
    ///
    /// # Errors
    /// Where another version wrote them, which took what this one refuses.
    pub(crate) fn last(text: &str) -> Result<Self, ConfigError> {
        let config = Self::parse(Path::new("the last settings that worked"), text)?;
        Ok(Self { is_fallback: true, ..config })
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
                "sources" => {
                    let names = entry.each(|text| text.parse().map_err(Problem::Source))?;
                    if names.len() > SOURCES_MOST {
                        return Err(entry.refuse(Problem::TooMany { most: SOURCES_MOST, found: names.len() }));
                    }
                    config.sources = Sources { names, chosen: true };
                }
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
                "memory" => config.memory = entry.choice(&MemorySetting::ALL)?,
                "on_generation_change" => config.on_generation_change = entry.choice(&OnChange::ALL)?,
                "on_tpm_reset" => config.on_tpm_reset = entry.choice(&OnChange::ALL)?,
                "drift_threshold" => config.drift_threshold = entry.thousandths()?,
                key => return Err(entry.refuse(Problem::UnknownKey { nearest: nearest(key, &KEYS) })),
            }
        }
        config.check_require(path, require_line)?;
        config.text = text.to_owned();
        Ok(config)
    }

    /// Refuses a `require` that no choice of `sources` on any machine could meet.
    fn check_require(&self, path: &Path, line: Option<usize>) -> Result<(), ConfigError> {
        let classes: Vec<Class> = self.sources.names.iter().flat_map(SourceName::classes).collect();
        let missing = self.require.missing(&classes);
        let Some(class) = missing.first() else { return Ok(()) };
        let problem = match self.require {
            Require::AnyHardware => Problem::NoHardware,
            Require::Each(_) => Problem::NoSourceOfClass { class: *class },
        };
        Err(ConfigError::at(path, line, "require", problem))
    }
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

/// What `require` may list. The kernel is never counted as hardware.
const CLASSES: [Class; 5] = [Class::Tpm, Class::Tee, Class::Hsm, Class::Cpu, Class::Platform];

/// Longest beat and TPM interval. Source: architecture, Configuration.
const LONGEST_S: u64 = 3600;

/// Names in a moment's evidence are bounded: eight of 64 bytes leave half of it (protocol section 5).
const SOURCES_MOST: usize = 8;

/// Of a host's own normal samples 99 % score under 0.2 (architecture, Behaviour). This is one in a million.
const DRIFT_THRESHOLD: u32 = 600;

/// As many statements as one moment takes. Source: protocol section 5, key 6.
const WAITING_MOST: u64 = 65_536;

#[cfg(test)]
mod tests;
