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
    /// A map of these keys; others may be in it where a later version may add them.
    Map(&'static [(u64, &'static str, Shape)]),
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
    (1, "version", Number),
    (2, "audience", Text),
    (3, "nonce", Bytes),
    (4, "lineage", Lineage),
    (5, "since", List(&HEAD)),
]);

/// Section 6, the proof.
pub(super) const PROOF: Shape = Map(&[
    (1, "version", Number),
    (2, "lineage", Lineage),
    (3, "since", Index),
    (4, "hops", List(&HOP)),
    (6, "statement", Carried(&STATEMENT)),
    (7, "inclusion", Tuple(&[("position", Number), ("count", Number), ("path", List(&Hex))])),
    (8, "genesis", Carried(&MOMENT)),
]);

/// Section 5, moments, the genesis among them.
pub(super) const MOMENT: Shape = Map(&[
    (1, "version", Number),
    (2, "lineage", Lineage),
    (3, "index", Index),
    (4, "previous", HEAD),
    (5, "pledges", List(&Hex)),
    (6, "statements", Tuple(&[("count", Number), ("root", Hex)])),
    (7, "wall", Wall),
    (8, "evidence", EVIDENCE),
    (9, "salt", Hex),
    (10, "origin", ORIGIN),
]);

/// Section 7, the introduction.
pub(super) const INTRODUCTION: Shape =
    Map(&[(1, "version", Number), (2, "genesis", Carried(&MOMENT)), (3, "moment", Carried(&MOMENT))]);

/// Section 7, the fork.
pub(super) const FORK: Shape = Map(&[
    (1, "version", Number),
    (2, "lineage", Lineage),
    (3, "genesis", Carried(&MOMENT)),
    (4, "way", List(&HOP)),
    (5, "first hop", HOP),
    (6, "second hop", HOP),
]);

/// Section 6, one hop.
pub(super) const HOP: Shape = Tuple(&[("tier", Number), ("opening", Opening), ("body", Carried(&MOMENT))]);

/// A hop and the way to it, as the `selfsame` command has it.
pub(super) const HOP_ANSWER: Shape = Tuple(&[("hop", HOP), ("way", List(&HOP))]);

const HEAD: Shape = Tuple(&[("index", Index), ("digest", Hex)]);

const STATEMENT: Shape = Map(&[
    (1, "audience", Text),
    (2, "challenge", Hex),
    (3, "subject", SUBJECT),
    (4, "payload", Payload),
    (5, "known", Flag),
]);

const SUBJECT: Shape = Map(&[
    (1, "uid", Number),
    (2, "gid", Number),
    (3, "pid", Number),
    (4, "unit", Text),
    (5, "exe", Text),
    (6, "label", Text),
    (7, "app", Text),
    (8, "invocation", Hex),
]);

const EVIDENCE: Shape = Map(&[
    (1, "sources", List(&Text)),
    (2, "behaviour", Map(&[(1, "samples", Number), (2, "drift", Thousandths), (3, "commitment", Hex)])),
    (
        3,
        "TPM clock",
        Map(&[(1, "clock", Span), (2, "resetCount", Number), (3, "restartCount", Number), (4, "safe", Flag)]),
    ),
    (4, "condition", Text),
]);

const ORIGIN: Shape = Map(&[
    (1, "reason", Text),
    (2, "predecessor", Tuple(&[("lineage", Lineage), ("index", Index), ("digest", Hex)])),
]);
