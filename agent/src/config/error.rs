//! Why a configuration is refused: file, line, key, what was expected and what was found.

use std::{fmt, io, path::Path};

use crate::entropy::{Class, SourceNameError, tpm::TctiError};

/// A configuration that is refused. Its text is one line, as compilers write them: `FILE:LINE: …`.
#[derive(Debug)]
pub(crate) struct ConfigError {
    file: String,
    line: Option<usize>,
    key: Option<String>,
    problem: Box<Problem>,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Problem {
    /// The file can't be read.
    #[error("{text}")]
    Unreadable {
        /// What the system says.
        text: String,
    },
    /// Not TOML.
    #[error("{text}")]
    Syntax {
        /// What the parser says.
        text: String,
    },
    /// No such key.
    #[error("unknown key{}", nearest.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownKey {
        /// The key that is most like it.
        nearest: Option<&'static str>,
    },
    /// A value of another type, or out of range.
    #[error("expected {expected}, found {found}")]
    Value {
        /// What is taken.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A word that is none of those that are taken.
    #[error("expected one of {}, found \"{found}\"", quoted(expected))]
    Choice {
        /// What is there.
        found: String,
        /// What is taken.
        expected: Vec<&'static str>,
    },
    /// Not a TCTI string.
    #[error(transparent)]
    Tcti(TctiError),
    /// Not a log filter.
    #[error("not a log filter: {text}")]
    Log {
        /// What the parser says.
        text: String,
    },
    /// Not a source.
    #[error(transparent)]
    Source(SourceNameError),
    /// More sources than a moment's evidence has room for.
    #[error("expected at most {most} sources, found {found}")]
    TooMany {
        /// The most.
        most: usize,
        /// How many there are.
        found: usize,
    },
    /// `require` asks for a class that no source in `sources` has.
    #[error("needs class \"{class}\", and no source in `sources` is of it")]
    NoSourceOfClass {
        /// The class.
        class: Class,
    },
    /// `require` is not set, and no source in `sources` is what it asks for then.
    #[error(
        "is not set, so it asks for a source of one class of tpm, tee, hsm, cpu, and no source in `sources` is of \
         any; add one, or set `require`"
    )]
    NoHardware,
}

impl ConfigError {
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self {
            file: path.display().to_string(),
            line: None,
            key: None,
            problem: Box::new(Problem::Unreadable { text: error.to_string() }),
        }
    }

    pub(super) fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        Self {
            file: path.display().to_string(),
            line: error.span().map(|span| line_of(text, span.start)),
            key: None,
            problem: Box::new(Problem::Syntax { text: error.message().replace('\n', ", ") }),
        }
    }

    pub(super) fn at(path: &Path, line: Option<usize>, key: &str, problem: Problem) -> Self {
        Self { file: path.display().to_string(), line, key: Some(key.to_owned()), problem: Box::new(problem) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": `{key}`")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for ConfigError {}

/// The line, from 1, in which the byte at `offset` stands.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
