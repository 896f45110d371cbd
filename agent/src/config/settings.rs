//! Settings that are one of a few words.

use std::fmt;

/// A setting that is one of a few words.
pub(crate) trait Word: Copy + 'static {
    /// The word as it is written.
    fn as_str(self) -> &'static str;
}

/// `memory`: where the secret state is to live. Source: architecture, What the platform really allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemorySetting {
    /// Secret memory where the machine can't hibernate anyway, else locked memory.
    Auto,
    /// memfd_secret, or no start.
    Secret,
    /// Locked memory.
    Locked,
}

impl MemorySetting {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Secret, Self::Locked];
}

impl Word for MemorySetting {
    fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Secret => "secret",
            Self::Locked => "locked",
        }
    }
}

impl fmt::Display for MemorySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What something that the platform tells of does to the lineage. Source: architecture, Breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnChange {
    /// The lineage ends.
    End,
    /// It goes on, and says so.
    Mark,
}

impl OnChange {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::End, Self::Mark];
}

impl Word for OnChange {
    fn as_str(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Mark => "mark",
        }
    }
}

impl fmt::Display for OnChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
