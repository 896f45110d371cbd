//! The specification's tables: what each message is made of (protocol sections 5 to 7).

/// What a value is.
#[derive(Debug)]
pub(super) enum Shape {
    /// A number.
    Number,
    /// An index: the lineage's age in ticks.
    Index,
    /// Unix time in milliseconds.
    Wall,
    /// A span in milliseconds.
    Span,
    /// Thousandths.
    Thousandths,
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// Bytes that mean something by themselves: shown as base64url.
    Bytes,
    /// A hash value, or an id that others show so: as hexadecimal.
    Hex,
    /// A lineage's id.
    Lineage,
    /// What a caller said.
    Payload,
    /// An opening: only its size is of interest.
    Opening,
    /// Bytes that are an encoding themselves.
    Carried(&'static Shape),
    /// A map of these keys, each with its name and what it is; others may be in it where a later version may add them.
    Map(&'static [(u64, &'static str, &'static str, Shape)]),
    /// An array of these, in this order.
    Tuple(&'static [(&'static str, Shape)]),
    /// An array of any number of one.
    List(&'static Shape),
}

use Shape::{
    Bytes, Carried, Flag, Hex, Index, Lineage, List, Map, Number, Opening, Payload, Span, Text, Thousandths,
    Tuple, Wall,
};

/// Section 7, the challenge.
pub(super) const CHALLENGE: Shape = Map(&[
    (1, "version", "of the protocol", Number),
    (2, "audience", "the relying party's own name, which the host's caller has to mean, too", Text),
    (3, "nonce", "fresh and random: it makes the challenge one of its own", Bytes),
    (4, "lineage", "of whom an answer is wanted; without it, of whoever comes", Lineage),
    (
        5,
        "since",
        "the heads that it accepted and the host has not confirmed yet; the last is the anchor",
        List(&HEAD),
    ),
]);

/// Section 6, the proof.
pub(super) const PROOF: Shape = Map(&[
    (1, "version", "of the protocol", Number),
    (2, "lineage", "of which host", Lineage),
    (3, "since", "where it starts: the anchor; 0, the genesis", Index),
    (4, "hops", "the way from there to the head, the last moment", List(&HOP)),
    (6, "statement", "what the host says for one caller", Carried(&STATEMENT)),
    (
        7,
        "inclusion",
        "the way from the statement to the root in the head moment",
        Tuple(&[("position", Number), ("count", Number), ("path", List(&Hex))]),
    ),
    (8, "genesis", "there where it starts from it", Carried(&MOMENT)),
]);

/// Section 5, moments, the genesis among them.
pub(super) const MOMENT: Shape = Map(&[
    (1, "version", "of the protocol", Number),
    (2, "lineage", "of which host; its genesis has none, as its digest is it", Lineage),
    (3, "index", "the lineage's age in ticks of 1/4096 s", Index),
    (4, "previous", "the moment just before", HEAD),
    (
        5,
        "pledges",
        "what may be opened later, tier 0 first; one of tier k is at most 4^k ticks older",
        List(&Hex),
    ),
    (
        6,
        "statements",
        "how many are in it, and the root over them",
        Tuple(&[("count", Number), ("root", Hex)]),
    ),
    (7, "wall", "the host's wall clock, in ms since 1970", Wall),
    (8, "evidence", "what the host says of itself: its own word", EVIDENCE),
    (9, "salt", "public, and the lineage's own: all its pledges are made with it", Hex),
    (10, "origin", "why the lineage began", ORIGIN),
]);

/// Section 7, the introduction.
pub(super) const INTRODUCTION: Shape = Map(&[
    (1, "version", "of the protocol", Number),
    (2, "genesis", "the lineage's first moment", Carried(&MOMENT)),
    (3, "moment", "where to go on from; without it, the genesis", Carried(&MOMENT)),
]);

/// Section 7, the fork.
pub(super) const FORK: Shape = Map(&[
    (1, "version", "of the protocol", Number),
    (2, "lineage", "which was copied", Lineage),
    (3, "genesis", "with it anyone can check the fork", Carried(&MOMENT)),
    (4, "way", "the hops to the moment whose pledge was opened twice", List(&HOP)),
    (5, "first hop", "one opening of it", HOP),
    (6, "second hop", "the other, over another moment", HOP),
]);

/// Section 6, one hop.
pub(super) const HOP: Shape = Tuple(&[("tier", Number), ("opening", Opening), ("body", Carried(&MOMENT))]);

/// A hop and the way to it, as the `selfsame` command has it.
pub(super) const HOP_ANSWER: Shape = Tuple(&[("hop", HOP), ("way", List(&HOP))]);

const HEAD: Shape = Tuple(&[("index", Index), ("digest", Hex)]);

const STATEMENT: Shape = Map(&[
    (1, "audience", "for whom it is", Text),
    (2, "challenge", "the digest of the challenge that it answers", Hex),
    (3, "subject", "the caller, as the agent itself established it", SUBJECT),
    (4, "payload", "what the caller says", Payload),
    (5, "known", "whether the agent remembers handing out all heads in the challenge", Flag),
]);

const SUBJECT: Shape = Map(&[
    (1, "uid", "user", Number),
    (2, "gid", "group", Number),
    (3, "pid", "process", Number),
    (4, "unit", "system unit", Text),
    (5, "exe", "executable", Text),
    (6, "label", "security label", Text),
    (7, "app", "id of a sandboxed app", Text),
    (8, "invocation", "of the unit: another at each start", Hex),
]);

const EVIDENCE: Shape = Map(&[
    (1, "sources", "of entropy, mixed in since the moment before", List(&Text)),
    (2, "behaviour", "what the host was doing", BEHAVIOUR),
    (3, "TPM clock", "as the TPM itself has it", TPM_CLOCK),
    (4, "condition", "how well the agent is", Text),
]);

const BEHAVIOUR: Shape = Map(&[
    (1, "samples", "so far", Number),
    (2, "drift", "how unusual the last was, in thousandths", Thousandths),
    (3, "commitment", "to the last sample: `selfsame audit` shows that, on the host", Hex),
]);

const TPM_CLOCK: Shape = Map(&[
    (1, "clock", "ms that it was powered", Span),
    (2, "resetCount", "how often it was reset", Number),
    (3, "restartCount", "how often it was restarted or resumed since", Number),
    (4, "safe", "whether no higher clock may have been given out before", Flag),
]);

const ORIGIN: Shape = Map(&[
    (1, "reason", "in one word", Text),
    (
        2,
        "predecessor",
        "the lineage before, and a moment of it, by its own word",
        Tuple(&[("lineage", Lineage), ("index", Index), ("digest", Hex)]),
    ),
]);
