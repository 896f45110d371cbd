//! Where a relying party's peers are.

use std::path::Path;

use selfsame_dbus::Bus;

use crate::printable::quoted;

/// Where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// In this file: there is neither an agent nor a bus.
    File(&'a Path),
    /// The agent on this bus keeps them.
    Agent(Bus),
}

impl Place<'_> {
    /// How a command line begins that asks there, to be shown.
    pub(crate) fn command(&self) -> String {
        match self {
            Self::File(file) => format!("selfsame --store {}", quoted(&file.to_string_lossy())),
            Self::Agent(Bus::System) => "selfsame".to_owned(),
            Self::Agent(Bus::Session) => "selfsame --session".to_owned(),
            Self::Agent(Bus::Address(address)) => format!("selfsame --bus-address {}", quoted(address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_asks_in_the_same_place() {
        let address = |address: &str| Place::Agent(Bus::Address(address.to_owned()));
        for (place, line) in [
            (Place::File(Path::new("two words")), "selfsame --store 'two words'"),
            (Place::Agent(Bus::System), "selfsame"),
            (Place::Agent(Bus::Session), "selfsame --session"),
            (address("unix:path=/x,guid=1"), "selfsame --bus-address unix:path=/x,guid=1"),
            (address("unix:path=/x;tcp:host=y"), "selfsame --bus-address 'unix:path=/x;tcp:host=y'"),
        ] {
            assert_eq!(place.command(), line);
        }
    }
}
