//! What the store refuses, and why it can't be used.

use std::path::Path;

use selfsame::{ChallengeRefusal, ForkRefusal};
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
    /// Whether it is a first meeting: no hop of the peer's is kept yet, so there is nothing to ask its host.
    is_first: bool,
}

impl<'a> Question<'a> {
    /// What is asked of the store in a file about a peer, or about all of them where its name is empty.
    pub(crate) fn of(file: &'a Path, peer: &'a str) -> Self {
        Self { file, peer, is_first: false }
    }

    /// The same, of a peer that is met for the first time.
    pub(crate) fn of_first(file: &'a Path, peer: &'a str) -> Self {
        Self { file, peer, is_first: true }
    }

    /// A command line that asks the same store of the same peer, to be shown.
    pub(crate) fn command(&self, verb: &str, rest: &str) -> String {
        self.command_for(verb, self.peer, rest)
    }

    pub(crate) fn command_for(&self, verb: &str, peer: &str, rest: &str) -> String {
        let file = quoted(&self.file.to_string_lossy());
        let peer = if peer.is_empty() { String::new() } else { quoted(peer) };
        let line = ["selfsame --store", &file, verb, &peer, rest];
        let words: Vec<&str> = line.into_iter().filter(|word| !word.is_empty()).collect();
        format!("`{}`", words.join(" "))
    }

    /// What to do about a fork that is kept: show it, make it one for anyone, and begin anew.
    pub(super) fn after_a_fork(&self) -> String {
        format!(
            "this host was copied, and its lineage is never accepted again: {} shows the fork. {}{}",
            self.command("forks", ""),
            match self.how_to_prove_it() {
                Some(how) => format!("Where that is not for anyone yet, make it so: {how}. "),
                None => String::new(),
            },
            self.begin_anew()
        )
    }

    /// How a host that was copied is known again.
    pub(crate) fn begin_anew(&self) -> String {
        format!(
            "A person decides which is the host, lets it begin a new lineage, and takes that: {}, {}",
            self.command("forget", ""),
            self.command("meet", "INTRODUCTION")
        )
    }

    /// How an alarm may be made a proof that convinces anyone: a fork (protocol section 7). `None` where nothing is
    /// kept that the host could be asked for.
    pub(crate) fn how_to_prove_it(&self) -> Option<String> {
        let how = || {
            format!(
                "{} prints what to ask, each line of it is run on the host, `selfsame hop INDEX TIER`, and its answer \
                 held against what is kept here, {}",
                self.command("questions", ""),
                self.command("confront", "TEXT")
            )
        };
        (!self.is_first).then(how)
    }

    pub(super) fn after_another_lineage(&self) -> String {
        format!(
            "after a reboot that is as it should be: a lineage ends with the host's memory. Whether the new one is the \
             same host, a person decides: issue a challenge for any lineage, {}, have the host answer it, and {} shows \
             what speaks for it, and asks",
            self.command("challenge", "--audience NAME --anew"),
            self.command("enrol", "PROOF --succeeds")
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
                question.command_for("peers", "", "")
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
            StoreError::Succession { .. } => refused("Succession").next(format!(
                "after a reboot that is as it should be: a lineage ends with the host's memory. Whether the new one is \
                 the same host, a person decides: {} shows what speaks for it, and asks; this proof is good for that, \
                 until its challenge is 60 s old",
                question.command("enrol", "PROOF --succeeds")
            )),
            // here the lineage may be another peer's, or a forgotten one's: the list of all has it
            StoreError::Forked { .. } => Self::new(Code::Alarm, "Forked", text).next(format!(
                "that lineage was copied, and is never accepted again: {} shows the fork. {}",
                question.command_for("forks", "", ""),
                question.begin_anew()
            )),
            StoreError::UnknownLineage { .. } => refused("UnknownPeer").next(format!(
                "there is nobody here whom it could warn of: {} lists the peers and their lineages; `selfsame inspect` \
                 checks it",
                question.command_for("peers", "", "")
            )),
            StoreError::NoFork(ForkRefusal::NoStart) => refused("Malformed").next(
                "it has no genesis: ask who showed it to you for one that does; its finder makes it with `questions`, \
                 `hop` and `confront`",
            ),
            StoreError::NoFork(_) => refused("Malformed").next(
                "it shows nothing, and nothing has changed: `selfsame inspect` explains it. Mind who showed it to you",
            ),
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
