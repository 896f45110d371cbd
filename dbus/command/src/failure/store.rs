//! What the store refuses, and why it can't be used.

use std::path::Path;

use selfsame::ChallengeRefusal;
use selfsame_store::StoreError;

use super::{Failure, chain, proof};
use crate::exit::Code;
use crate::printable::quoted;

/// What was asked of a store, to say what to do next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// The store's file.
    pub(crate) file: &'a Path,
    /// Of which peer.
    pub(crate) peer: &'a str,
}

impl Question<'_> {
    /// A command line that asks the same store of the same peer, to be shown.
    pub(crate) fn command(&self, verb: &str, rest: &str) -> String {
        self.command_for(verb, self.peer, rest)
    }

    fn command_for(&self, verb: &str, peer: &str, rest: &str) -> String {
        let file = quoted(&self.file.to_string_lossy());
        let peer = if peer.is_empty() { String::new() } else { quoted(peer) };
        let line = ["selfsame --store", &file, verb, &peer, rest];
        let words: Vec<&str> = line.into_iter().filter(|word| !word.is_empty()).collect();
        format!("`{}`", words.join(" "))
    }

    pub(super) fn after_a_fork(&self) -> String {
        format!(
            "this host was copied, and its lineage is never accepted again. A person decides which is the host, lets it \
             begin a new lineage, and takes that: {}, {}",
            self.command("forget", ""),
            self.command("meet", "INTRODUCTION")
        )
    }

    pub(super) fn after_another_lineage(&self) -> String {
        format!(
            "after a reboot that is as it should be: a lineage ends with the host's memory. Whether the new one is the \
             same host, a person decides; then {}, and meet or enrol it again",
            self.command("forget", "")
        )
    }
}

impl Failure {
    /// What the store did not do.
    pub(crate) fn of_store(error: &StoreError, question: &Question<'_>) -> Self {
        let text = chain(error);
        let refused = |name| Self::new(Code::Refused, name, text.clone());
        match error {
            StoreError::Refused(refusal) => proof::refused(refusal, question),
            StoreError::InvalidName { .. } => Self::usage(format!("peer: {text}")),
            StoreError::Challenge(ChallengeRefusal::Challenge(_)) => Self::usage(text),
            StoreError::UnknownPeer { .. } => refused("UnknownPeer").next(format!(
                "{} lists those that are; meet it by an introduction, or enrol it by a proof",
                Question { peer: "", ..*question }.command("peers", "")
            )),
            StoreError::PeerExists { peer, .. } if peer == question.peer => refused("PeerExists").next(format!(
                "verify its proofs: {}; a newer introduction of the same lineage replaces its anchor: {}",
                question.command("verify", "PROOF"),
                question.command("meet", "INTRODUCTION --replace")
            )),
            StoreError::PeerExists { peer, .. } => refused("PeerExists").next(format!(
                "a lineage is one peer's: verify it by that name, {}, or drop that one, {}",
                question.command_for("verify", peer, "PROOF"),
                question.command_for("forget", peer, "")
            )),
            StoreError::PastLineage { .. } => refused("PeerExists").next(
                "an old copy of the host's memory would show it: find out who does. Ask the host for its present lineage",
            ),
            StoreError::OtherLineage { .. } => {
                refused("OtherLineage").next(question.after_another_lineage())
            }
            StoreError::NotNewer { .. } => {
                refused("PeerExists").next("have the host introduce itself anew: `selfsame introduce`, there")
            }
            StoreError::Succession { .. } => {
                refused("Succession").next(question.after_another_lineage())
            }
            StoreError::Forked { .. } => {
                Self::new(Code::Alarm, "Forked", text).next(question.after_a_fork())
            }
            StoreError::UnknownLineage { .. } => refused("UnknownPeer"),
            StoreError::NoFork(_) => refused("Malformed"),
            StoreError::Busy { .. } | StoreError::Challenge(ChallengeRefusal::Busy { .. }) => {
                Self::new(Code::AgentRefused, "Busy", text).next("wait a minute: challenges live for 60 s")
            }
            StoreError::NonceReused => {
                Self::new(Code::Unusable, "SystemUnavailable", text).next("this system's random bytes repeat: ask no more of it")
            }
            StoreError::Unavailable { .. } => {
                unusable(question, &text).next("check the path, the space on its disk, and who may write there")
            }
            StoreError::NotAStore { .. } => {
                Self::new(Code::Unusable, "StoreUnavailable", text).next("name another file; a new one is made where there is none")
            }
            StoreError::Version { .. } => unusable(question, &text).next("use the version of selfsame that made it, or a newer one"),
            StoreError::Damaged { .. } => unusable(question, &text)
                .next("put a backup in its place, or a new store; keep the damaged file, it may hold evidence of forks"),
            _ => unusable(question, &text),
        }
    }
}

fn unusable(question: &Question<'_>, text: &str) -> Failure {
    Failure::new(Code::Unusable, "StoreUnavailable", format!("{}: {text}", question.file.display()))
}
