//! What the agent refuses, and what it is when there is none.

use selfsame_dbus::{Bus, CallError, ERROR_PREFIX, Error};
use zbus::DBusError;

use super::{Failure, chain};
use crate::exit::Code;

impl Failure {
    /// A call to the agent on this bus that has no result.
    pub(crate) fn of_call(error: &CallError, bus: &Bus) -> Self {
        match error {
            CallError::Refused(refusal, _) => refused(refusal),
            CallError::Denied { .. } => {
                Self::new(Code::AgentRefused, "NotAuthorized", error.to_string()).next(RIGHTS)
            }
            CallError::Unreachable(_) => Self::unreachable(&chain(error), bus),
            CallError::Unexpected(_) => Self::unexpected(&chain(error)),
            _ => Self::new(Code::AgentRefused, "Unexpected", chain(error)),
        }
    }

    /// The agent's answer is none that the contract knows.
    pub(crate) fn unexpected(text: &str) -> Self {
        Self::new(Code::AgentRefused, "Unexpected", text)
            .next("the agent is of another version than this command, perhaps: `selfsame --version`")
    }

    /// Nobody answers on this bus.
    pub(crate) fn unreachable(text: &str, bus: &Bus) -> Self {
        let next = match bus {
            Bus::System => {
                "start the agent (`selfsame-agent`), or name its bus: --session, --bus-address ADDR"
            }
            Bus::Session => "start an agent on the session bus: `selfsame-agent --session`",
            Bus::Address(_) => "is there a bus at that address, and an agent on it?",
        };
        Self::new(Code::Unreachable, "Unreachable", format!("{text} ({bus})")).next(next)
    }
}

/// The name of a refusal without its prefix, and its text.
pub(super) fn name_and_text(refusal: &Error) -> (String, String) {
    let name = refusal.name();
    let name = name.as_str();
    let name = name.strip_prefix(ERROR_PREFIX).map_or(name, |name| name.trim_start_matches('.'));
    let text = match refusal.description() {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => format!("the agent refuses: {name}"),
    };
    (name.to_owned(), text)
}

/// What this host's side of the agent refuses.
fn refused(refusal: &Error) -> Failure {
    let (name, text) = name_and_text(refusal);
    let failure = Failure::new(code(refusal), name, text);
    match next(refusal) {
        Some(next) => failure.next(next),
        None => failure,
    }
}

fn code(refusal: &Error) -> Code {
    match refusal {
        Error::ForeignAnchor(_) | Error::NotContinuous(_) | Error::Contradiction(_) | Error::Forked(_) => {
            Code::Alarm
        }
        Error::InvalidArgument(_) => Code::Usage,
        Error::StoreUnavailable(_) => Code::Unusable,
        Error::UnknownPeer(_)
        | Error::PeerExists(_)
        | Error::UnknownChallenge(_)
        | Error::Succession(_)
        | Error::WrongSubject(_)
        | Error::Malformed(_)
        | Error::Clock(_)
        | Error::Stalled(_) => Code::Refused,
        // rights, Busy, OtherLineage, WrongAudience, TooOld, NotKept, Unsupported, Failed, and what comes later
        _ => Code::AgentRefused,
    }
}

fn next(refusal: &Error) -> Option<&'static str> {
    Some(match refusal {
        Error::NotAuthorized(_) => RIGHTS,
        Error::InvalidArgument(_) => "`selfsame --help` tells what is expected",
        Error::Busy(_) => "try again in a moment",
        Error::WrongAudience(_) => {
            "don't change --audience to fit: who sent you this challenge may be passing it on for another. \
             Ask whom you mean to talk to for a challenge of its own"
        }
        Error::OtherLineage(_) => {
            "after a reboot, or where the agent lost its memory, that is as it should be: a lineage ends with it. Have the \
             relying party issue a challenge for the new one, `selfsame [--store FILE] challenge PEER --audience NAME \
             --anew` there, answer that here, and it takes the new one by `selfsame [--store FILE] enrol PEER PROOF \
             --succeeds`; a person decides. `selfsame status` shows here what the new one follows, and why"
        }
        Error::ForeignAnchor(_) => {
            "somebody else may have answered in this host's name, with a copy of its memory. Before either trusts the \
             other, have the relying party make it a proof: `selfsame [--store FILE] questions PEER` there prints what to \
             ask, each line of it is run here, `selfsame hop INDEX TIER`, and its answer taken there, `selfsame [--store \
             FILE] confront PEER TEXT`. If none shows a fork, compare when it last heard this host: a person decides"
        }
        Error::TooOld(_) => {
            "bring the relying party a new introduction over a channel that it trusts: `selfsame introduce` here, \
             `selfsame meet PEER INTRODUCTION --replace` there"
        }
        Error::NotKept(_) => {
            "go on with the relying party's next question. If this host has no such moment yet, it may have one after \
             its next beat: ask again in some seconds"
        }
        Error::Failed(_) => BUG,
        _ => return None,
    })
}

/// Who may ask.
pub(super) const RIGHTS: &str = "be root, or a member of group selfsame";

/// What to do about what should not be.
pub(super) const BUG: &str =
    "this is a bug in the agent: its journal says more (`journalctl -u selfsame-agent`)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_name_its_text_and_a_code() {
        for full in Error::NAMES {
            let failure = refused(&Error::from_name(full, "why").unwrap());
            let name = full.rsplit('.').next().unwrap();
            let expected = match name {
                "ForeignAnchor" | "NotContinuous" | "Contradiction" | "Forked" => 6,
                "StoreUnavailable" => 5,
                "NotAuthorized" | "Busy" | "OtherLineage" | "WrongAudience" | "TooOld" | "NotKept"
                | "Unsupported" | "Failed" => 4,
                "InvalidArgument" => 2,
                _ => 1,
            };
            assert_eq!((&*failure.name, &*failure.text, failure.code.number()), (name, "why", expected));
            assert!(crate::exit::HELP.contains(name), "{name} is not in --help");
        }
        assert_eq!(refused(&Error::Busy(String::new())).text, "the agent refuses: Busy");
    }

    #[test]
    fn a_foreign_anchor_says_what_to_run_on_either_side() {
        let next = refused(&Error::ForeignAnchor(String::new())).next.unwrap();
        for command in ["questions PEER", "selfsame hop INDEX TIER", "confront PEER TEXT"] {
            assert!(next.contains(command), "{next}");
        }
        assert!(refused(&Error::NotKept(String::new())).next.unwrap().contains("next question"));
    }

    #[test]
    fn no_agent_and_no_right_are_told_apart() {
        let of = |error| Failure::of_call(&error, &Bus::System);
        let unreachable = of(CallError::Unreachable(zbus::Error::InvalidReply));
        assert_eq!((unreachable.code, &*unreachable.name), (Code::Unreachable, "Unreachable"));
        assert_eq!(unreachable.text, "agent not reachable: Invalid D-Bus method reply (the system bus)");
        let denied = of(CallError::Denied { text: "no".into() });
        assert_eq!((denied.code, &*denied.name), (Code::AgentRefused, "NotAuthorized"));
        let unexpected = of(CallError::Unexpected(zbus::Error::InvalidReply));
        assert_eq!((unexpected.code, &*unexpected.name), (Code::AgentRefused, "Unexpected"));
    }
}
