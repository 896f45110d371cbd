//! What the journal keeps for a person who looks back: who changed what this host knows of others, and what says that
//! somebody may have been copied.
//!
//! Each kind of line has an id, by which it is found (`journalctl MESSAGE_ID=…`), and explained (`journalctl -x`, from
//! `packaging/journal/selfsame.catalog`, which has one entry for each). Nothing secret is in them.

use crate::service::Caller;

/// How a fork came to light.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ForkShown {
    /// By a proof that was to be verified.
    Proof,
    /// By a host's answer to a question.
    Answer,
    /// By somebody who found it before.
    Report,
}

/// A peer was enrolled by a proof.
pub(crate) fn enrolled(peer: &str, lineage: &str, caller: &Caller) {
    let (caller_uid, caller_unit) = (caller.uid, caller.unit());
    tracing::info!(
        message_id = ENROLLED,
        peer,
        lineage,
        caller_uid,
        caller_unit,
        "peer {peer:?} is enrolled, as lineage {lineage}, for user {caller_uid}, unit {caller_unit}"
    );
}

/// A peer was met by an introduction, or met anew.
pub(crate) fn met(peer: &str, lineage: &str, is_anew: bool, caller: &Caller) {
    let (caller_uid, caller_unit) = (caller.uid, caller.unit());
    let how = if is_anew { "met anew: what was kept of it is replaced" } else { "met by an introduction" };
    tracing::info!(
        message_id = MET,
        peer,
        lineage,
        caller_uid,
        caller_unit,
        "peer {peer:?} is {how}, as lineage {lineage}, for user {caller_uid}, unit {caller_unit}"
    );
}

/// A new lineage has succeeded a peer's.
pub(crate) fn succeeded(peer: &str, before: &str, lineage: &str, caller: &Caller) {
    let (caller_uid, caller_unit) = (caller.uid, caller.unit());
    tracing::warn!(
        message_id = SUCCEEDED,
        peer,
        lineage,
        lineage_before = before,
        caller_uid,
        caller_unit,
        "peer {peer:?} is lineage {lineage} now, in the place of {before}, for user {caller_uid}, unit {caller_unit}"
    );
}

/// A peer was forgotten.
pub(crate) fn forgotten(peer: &str, caller: &Caller) {
    let (caller_uid, caller_unit) = (caller.uid, caller.unit());
    tracing::info!(
        message_id = FORGOTTEN,
        peer,
        caller_uid,
        caller_unit,
        "peer {peer:?} is forgotten, for user {caller_uid}, unit {caller_unit}"
    );
}

/// A fork of a peer's lineage is kept, of which none was known.
pub(crate) fn fork_found(peer: &str, lineage: &str, shown: ForkShown, caller: &Caller) {
    let (caller_uid, caller_unit) = (caller.uid, caller.unit());
    let by = match shown {
        ForkShown::Proof => "a proof",
        ForkShown::Answer => "an answer to a question",
        ForkShown::Report => "a report",
    };
    tracing::error!(
        message_id = FORK_FOUND,
        peer,
        lineage,
        caller_uid,
        caller_unit,
        "lineage {lineage}, of peer {peer:?}, was copied: {by} shows a fork, from user {caller_uid}, unit {caller_unit}"
    );
}

/// A challenge names a head that is not this host's own.
pub(crate) fn foreign_anchor(lineage: &str, caller: &Caller) {
    let (caller_uid, caller_unit) = (caller.uid, caller.unit());
    tracing::warn!(
        message_id = FOREIGN_ANCHOR,
        lineage,
        caller_uid,
        caller_unit,
        "a challenge names a head that this host never handed out: somebody else may have answered in its name; from \
         user {caller_uid}, unit {caller_unit}"
    );
}

/// Root asks for the lineage's end.
pub(crate) fn end_asked(reason: &str, caller: &Caller) {
    let (caller_uid, caller_unit) = (caller.uid, caller.unit());
    tracing::warn!(
        message_id = END_ASKED,
        reason,
        caller_uid,
        caller_unit,
        "the lineage's end is asked for, reason {reason}, by user {caller_uid}, unit {caller_unit}"
    );
}

/// This host's lineage ends.
pub(crate) fn lineage_ends(lineage: &str, reason: &str) {
    tracing::warn!(
        message_id = LINEAGE_ENDED,
        lineage,
        reason,
        "the lineage ends: {lineage}, reason {reason}"
    );
}

/// The peers' store can't be used.
pub(crate) fn store_unusable(file: &str, why: &str, remedy: &str) {
    tracing::error!(
        message_id = STORE_UNUSABLE,
        file,
        "the peers' store {file} can't be used: {why}; {remedy}"
    );
}

// Drawn at random, each for one kind of line for ever: a line that means something else gets another.

const ENROLLED: &str = "938a963c60da43e989294748095eb63d";
const MET: &str = "b0760150b0654e4cb10c22eb6a355c89";
const SUCCEEDED: &str = "bbe0e8313e1040758d638296594330fb";
const FORGOTTEN: &str = "768fc31bbb0547c5b515d4fca15ef532";
const FORK_FOUND: &str = "49b9f246743449648b3296e98727bfd5";
const FOREIGN_ANCHOR: &str = "530de6495bf145aab4af567d85f8c845";
const END_ASKED: &str = "a7349d181c4d4e51a58bc96020b01191";
const LINEAGE_ENDED: &str = "b447c726b9c34a3c861ec8c9c92c0551";
const STORE_UNUSABLE: &str = "b0fd68d5a4eb4229bb435564576a9d03";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The ids that lines of this file have, as they stand in it.
    fn ids() -> Vec<&'static str> {
        let lines = include_str!("audit.rs").lines().filter(|line| line.starts_with("const "));
        lines.map(|line| line.split('"').nth(1).unwrap()).collect()
    }

    const CATALOG: &str = include_str!("../../packaging/journal/selfsame.catalog");

    #[test]
    fn each_kind_of_line_has_an_id_and_an_entry_in_the_catalog() {
        let entries: Vec<_> = CATALOG.lines().filter_map(|line| line.strip_prefix("-- ")).collect();
        let (ids, in_catalog) = (ids(), entries.iter().copied().collect::<BTreeSet<_>>());
        assert_eq!(ids.len(), 9);
        assert_eq!((ids.len(), entries.len()), (in_catalog.len(), in_catalog.len()), "each once");
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), in_catalog);
        for id in entries {
            assert!(id.len() == 32 && id.bytes().all(|digit| b"0123456789abcdef".contains(&digit)), "{id}");
        }
    }

    #[test]
    fn an_entry_says_what_happened_and_what_to_do() {
        for entry in CATALOG.split("\n-- ").skip(1) {
            let (head, text) = entry.split_once("\n\n").expect("a line between head and text");
            for field in ["\nSubject: ", "\nDefined-By: selfsame"] {
                assert!(head.contains(field), "{head}");
            }
            assert!(text.contains("What to do: "), "{text}");
        }
    }
}
