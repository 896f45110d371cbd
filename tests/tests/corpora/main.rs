//! Replays, on stable, what the fuzz targets have found worth keeping: every input of `tests/fuzz/corpus/`, and every
//! one that ever made a target panic, of `tests/fuzz/crashes/`.
#![forbid(unsafe_code)]

#[cfg(test)]
#[path = "../../fuzz/subjects/mod.rs"]
mod subjects;

// what the subjects have from the tests of `selfsame` finds it here, as it does there
#[cfg(test)]
use subjects::item;

#[cfg(test)]
mod replay;
