//! The bounds of what travels over the bus. Check them before any work is done.
//!
//! "protocol" is `docs/protocol.md`, "architecture" is `ARCHITECTURE.md`.

use std::ops::RangeInclusive;

/// Bytes of an audience, in UTF-8.
///
/// Source: protocol §7, challenge key 2.
pub const AUDIENCE_BYTES: RangeInclusive<usize> = 1..=255;

/// Bytes of a challenge, at most.
///
/// Source: protocol §7, "The challenge".
pub const CHALLENGE_MAX_BYTES: usize = 4096;

/// Bytes of a statement's payload, at most.
///
/// Source: protocol §6, statement key 4.
pub const PAYLOAD_MAX_BYTES: usize = 4096;

/// Bytes of a proof, at most.
///
/// Source: protocol §6.
pub const PROOF_MAX_BYTES: usize = 4 << 20;

/// Bytes of a moment, the genesis among them, at most.
///
/// Source: protocol §5.
pub const MOMENT_MAX_BYTES: usize = 2048;

/// Bytes of an opening, exactly: 67 chain values of 32 bytes.
///
/// Source: protocol §3.
pub const OPENING_BYTES: usize = 67 * 32;

/// Bytes of a hop, at most: its three members, and 8 bytes of CBOR around them (1 for the array, 1 for the
/// tier, 3 each for the lengths of opening and body).
///
/// Source: architecture, "D-Bus contract", for the form; protocol §3 and §5 for the members.
pub const HOP_MAX_BYTES: usize = 8 + OPENING_BYTES + MOMENT_MAX_BYTES;

/// Bytes of an introduction, at most.
///
/// Source: protocol §7, "The challenge".
pub const INTRODUCTION_MAX_BYTES: usize = 16 << 10;

/// The highest tier; the lowest is 0.
///
/// Source: protocol §4.
pub const TIER_MAX: u8 = 15;

/// The highest index.
///
/// Source: protocol §5: every index is below 2^63.
pub const INDEX_MAX: u64 = (1 << 63) - 1;

/// Bytes of all arguments of a call to `Identity1`, at most: those of `Prove` have some 9 KiB at their largest.
///
/// Source: architecture, "D-Bus contract", limits per uid.
pub const CALL_MAX_BYTES: usize = 16 << 10;

/// Prove calls of one uid that may wait at once, where the configuration says nothing else.
///
/// Source: architecture, "D-Bus contract", limits per uid.
pub const PROVE_WAITING_PER_UID: usize = 1024;

/// Bytes of the nonce that `Report` takes, exactly.
///
/// Source: architecture, "D-Bus contract"; lineage and nonce fill the 64 bytes that configfs-tsm takes.
pub const NONCE_BYTES: usize = 32;

/// Bytes of a TEE's report, at most.
///
/// Source: our own bound. The kernel's is 32 KiB, and 16 MiB in newer ones (`TSM_REPORT_OUTBLOB_MAX`); reports of SEV-SNP
/// have 1,184 bytes, quotes of TDX some 5 KiB.
pub const REPORT_MAX_BYTES: usize = 1 << 20;

/// Bytes of what comes beside a TEE's report, at most.
///
/// Source: our own bound, as of [`REPORT_MAX_BYTES`]. Tables of certificates have some 5 KiB.
pub const AUX_MAX_BYTES: usize = 1 << 20;

/// Bytes of a peer's name, in UTF-8 without control characters.
///
/// Source: architecture, "D-Bus contract".
pub const PEER_NAME_BYTES: RangeInclusive<usize> = 1..=255;

/// Bytes of all arguments of Verify, Enrol, Confront and ReportFork, at most: a proof, and what comes with it.
///
/// Source: architecture, "D-Bus contract", limits per uid.
pub const VERIFY_MAX_BYTES: usize = PROOF_MAX_BYTES + (64 << 10);

/// Calls of Verify, Enrol, Confront and ReportFork of one uid that may be under way at once.
///
/// Source: architecture, "D-Bus contract", limits per uid.
pub const VERIFY_OF_A_USER: u32 = 4;

/// Bytes of all forks that `Forks` answers with, at most.
///
/// Source: our own bound: half of what a system bus lets through (`max_message_size`, 32 MiB, as dbus-daemon's
/// `system.conf` and `bus/config-parser.c` have it), since a bus closes the connection of who sends more, and an administrator
/// may have set it lower.
pub const FORKS_MAX_BYTES: usize = 16 << 20;
