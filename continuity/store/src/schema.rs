//! What is in the file, in each version of it.
//!
//! A version only adds tables and indices to the one before: so an older file is brought up to this version by making
//! those that it lacks, and what is in it stays as it is.

/// `application_id`: `self`, in ASCII.
pub(crate) const APPLICATION_ID: i64 = 0x7365_6c66;

/// `user_version`: of these tables, and of what `selfsame::Peer::record` gives.
pub(crate) const VERSION: i64 = 2;

/// The tables and indices of a version.
pub(crate) fn objects(version: i64) -> impl Iterator<Item = &'static str> {
    added(0, version)
}

/// Those that a version has and an older one has not.
pub(crate) fn added(older: i64, version: i64) -> impl Iterator<Item = &'static str> {
    let versions = (1..).zip([FIRST, SECOND]);
    versions.filter(move |(of, _)| (older + 1..=version).contains(of)).flat_map(|(_, texts)| texts).copied()
}

/// The tables and indices of version 1, as SQLite keeps their texts.
const FIRST: &[&str] = &[
    // the peers that are met or enrolled; what is in columns beside `state` is in it, too, but for the last two
    "CREATE TABLE peer (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        lineage BLOB NOT NULL UNIQUE,
        head INTEGER NOT NULL,
        state BLOB NOT NULL,
        met_wall_ms INTEGER NOT NULL,
        tpm_resets INTEGER
    ) STRICT",
    // the lineages that a peer was of before
    "CREATE TABLE past (
        lineage BLOB PRIMARY KEY,
        peer INTEGER NOT NULL REFERENCES peer ON DELETE CASCADE
    ) STRICT",
    "CREATE INDEX past_of_peer ON past (peer)",
    // the kept hops, each by itself, so that a proof writes only those that it adds
    "CREATE TABLE hop (
        id INTEGER PRIMARY KEY,
        peer INTEGER NOT NULL REFERENCES peer ON DELETE CASCADE,
        hop BLOB NOT NULL
    ) STRICT",
    "CREATE INDEX hop_of_peer ON hop (peer)",
    // the challenges that are out, also for a name that is no peer's yet. `anew`: from the genesis, of a peer that
    // is not known or that may have a new lineage; else against what is kept of the peer
    "CREATE TABLE challenge (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        digest BLOB NOT NULL,
        anew INTEGER NOT NULL,
        boot BLOB NOT NULL,
        ticks INTEGER NOT NULL,
        wall_ms INTEGER NOT NULL,
        issued BLOB NOT NULL,
        UNIQUE (name, digest)
    ) STRICT",
    // one a lineage, whether a peer has it or not
    "CREATE TABLE fork (
        lineage BLOB PRIMARY KEY,
        fork BLOB NOT NULL
    ) STRICT",
];

/// What version 2 adds.
const SECOND: &[&str] = &[
    // how far the clock of a peer's TPM was when it last said so, beside `tpm_resets`; no row: it never did
    "CREATE TABLE tpm_clock (
        peer INTEGER PRIMARY KEY REFERENCES peer ON DELETE CASCADE,
        clock_ms INTEGER NOT NULL
    ) STRICT",
];
