//! Whether what is written is coloured: only where a person reads it, and where they did not say no.

use std::ffi::OsStr;
use std::io::{self, IsTerminal};

use clap::ValueEnum;

/// What `--color` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On terminals, where NO_COLOR is not set
    #[default]
    Auto,
    /// Everywhere, in pipes and files too
    Always,
    /// Nowhere
    Never,
}

/// Whether a stream is written to in colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// What colours are there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hue {
    /// What is wrong: an alarm, an error, a check that fails.
    Bad,
    /// What should be looked at.
    Warn,
    /// What is as it should be.
    Good,
}

impl When {
    /// Whether standard output is written to in colours.
    pub(crate) fn on_stdout(self) -> Colours {
        self.on(io::stdout().is_terminal())
    }

    /// Whether standard error is.
    pub(crate) fn on_stderr(self) -> Colours {
        self.on(io::stderr().is_terminal())
    }

    fn on(self, is_terminal: bool) -> Colours {
        let variable = |name| std::env::var_os(name).unwrap_or_default();
        let is_on = match self {
            Self::Always => true,
            Self::Never => false,
            // https://no-color.org: set, and not empty
            Self::Auto => {
                is_terminal && variable("NO_COLOR").is_empty() && variable("TERM") != OsStr::new("dumb")
            }
        };
        if is_on { Colours::On } else { Colours::Off }
    }
}

impl Colours {
    /// The text in this hue, or as it is.
    pub(crate) fn paint(self, hue: Hue, text: &str) -> String {
        // ECMA-48's select graphic rendition: bold red, yellow, green
        let code = match hue {
            Hue::Bad => "1;31",
            Hue::Warn => "33",
            Hue::Good => "32",
        };
        match self {
            Self::On => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Off => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_and_never_need_no_terminal() {
        for is_terminal in [true, false] {
            assert_eq!(When::Always.on(is_terminal), Colours::On);
            assert_eq!(When::Never.on(is_terminal), Colours::Off);
        }
        assert_eq!(When::Auto.on(false), Colours::Off);
    }

    #[test]
    fn what_is_painted_ends_its_colour() {
        assert_eq!(Colours::On.paint(Hue::Bad, "error:"), "\u{1b}[1;31merror:\u{1b}[0m");
        assert_eq!(Colours::Off.paint(Hue::Bad, "error:"), "error:");
    }
}
