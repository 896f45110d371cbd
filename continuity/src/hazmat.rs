//! Sharp tools: the protocol's parts, each by itself.
//!
//! Misused, they give secrets away: a secret that is opened for two digests is anyone's. They are here for the
//! vectors, for a reference to be held against, and for who studies the protocol. An agent uses
//! [`crate::Lineage`], a relying party [`crate::Peer`] or [`crate::verify()`].
//!
//! [`copy()`], [`pending`] and [`ahead`] show what a thief of memory has. They give nothing to who could not read that
//! memory: whoever has a `Secrets` in its address space has its bytes. Being generic, or of no use to the agent, they
//! are in no program but tests.

pub use crate::hash::Purpose;

use crate::anchor::{Anchor, Head};
use crate::cbor::ParseError;
use crate::fork;
use crate::handed::{Handed, Judgement};
use crate::hash::{Digest, LineageId, Pledge, Salt};
use crate::hop::Hop;
use crate::lineage::Lineage;
use crate::merkle::{Inclusion, Tree};
use crate::moment::Genesis;
use crate::odometer::TIERS;
use crate::pledge::{self, CHAINS, Opening};
use crate::proof::Proof;
use crate::state::{self, Memory, Secret, Secrets};
use crate::verify::{self, HopRefusal};
use crate::{odometer, time};

/// The pledge to a secret.
pub fn pledge(secret: &Secret, salt: &Salt) -> Pledge {
    pledge::pledge(secret, salt)
}

/// The opening of a secret for a digest. At most once a secret.
pub fn open(secret: &Secret, salt: &Salt, digest: &Digest) -> Opening {
    pledge::open(secret, salt, digest)
}

/// The pledge that an opening for this digest opens.
pub fn opened(opening: &Opening, salt: &Salt, digest: &Digest) -> Pledge {
    opening.pledge(salt, digest)
}

/// The digits of a digest and its checksum.
pub fn digits(digest: &Digest) -> [u8; CHAINS] {
    pledge::digits(digest)
}

/// The tier of a moment with index `y` that follows one with index `p`.
pub fn tier(p: u64, y: u64) -> u8 {
    odometer::tier(p, y)
}

/// The highest tier that may be used over a gap.
pub fn cap(gap: u64) -> u8 {
    odometer::cap(gap)
}

/// The root over a batch's leaves, and the way to it from the one at `position`.
pub fn merkle(leaves: Vec<Digest>, position: usize) -> Option<(Digest, Inclusion)> {
    let tree = Tree::of(leaves);
    tree.root().zip(tree.inclusion(position))
}

/// The first state.
pub fn birth(contributions: &[(&str, &[u8])]) -> Secret {
    state::birth(contributions)
}

/// A state with contributions mixed in.
pub fn stir(state: &Secret, contributions: &[(&str, &[u8])]) -> Secret {
    state::stir(state, contributions)
}

/// The step to the next state, and the secrets of new pledges.
pub fn ratchet(state: &mut Secret, index: u64, secrets: &mut [Secret]) {
    state::ratchet(state, index, secrets);
}

/// A second lineage with the same secrets, in another memory: what a thief of memory has, and who runs a clone of a
/// machine. For tests of what happens then: nothing but tests makes a copy.
///
/// # Errors
///
/// Where `memory` refuses the secrets.
pub fn copy<M: Memory, N: Memory>(lineage: &Lineage<M>, memory: N) -> Result<Lineage<N>, N::Error> {
    lineage.copy_into(memory)
}

/// The secrets of the pledges that stand, tier 0 first: what a copy of memory can open.
pub fn pending(secrets: &Secrets) -> &[Secret; TIERS] {
    secrets.pending()
}

/// The secrets that were made ahead for the next moment's pledges, tier 0 first; all zeroes where none were.
pub fn ahead(secrets: &Secrets) -> &[Secret; TIERS] {
    secrets.ahead()
}

/// The secrets as bytes, 32 for each and 8 for each number, in the order in which they stand: what a model of the agent's page
/// writes down.
pub fn bytes_of(secrets: &Secrets) -> Vec<u8> {
    secrets.to_bytes()
}

/// The secrets of [`bytes_of`]'s bytes; none where they are too many or too few.
pub fn secrets_of(bytes: &[u8]) -> Option<Secrets> {
    Secrets::from_bytes(bytes)
}

/// Whether a lineage that grew by `growth` ticks while `elapsed` ticks passed is not ahead of time.
pub fn not_ahead(growth: u64, elapsed: u64) -> bool {
    time::not_ahead(growth.into(), elapsed.into(), time::SLACK_TICKS)
}

/// A lineage's judgement over heads: what it handed out, from which index on it remembers all, its head's index,
/// and the moments that it keeps, ascending, each with the one before it.
pub fn judge(since: &[Head], handed: &[Head], from: u64, last: u64, kept: &[(Head, Head)]) -> Judgement {
    let first = |index| kept.iter().find(|(moment, _)| moment.index >= index).copied();
    Handed::new(handed.iter().copied(), from).judge(since, last, first)
}

/// Follows hops from a genesis, whatever their tiers: the way of a fork, or of the answer to a question.
///
/// # Errors
///
/// The first hop that does not pass, and why.
pub fn walk(genesis: &Genesis, hops: &[Hop]) -> Result<Anchor, (usize, HopRefusal)> {
    fork::walk(Anchor::of_genesis(genesis), hops)
}

/// The hop's own checks, from one moment to the next, whatever its tier.
///
/// # Errors
///
/// Why it does not pass.
pub fn hop(from: &Anchor, hop: &Hop) -> Result<Anchor, HopRefusal> {
    verify::hop(from, hop)
}

/// Whether a proof's statement is in its head: what can be told of check 5 without the challenge.
pub fn is_in_head(proof: &Proof) -> bool {
    proof.head().is_some_and(|head| verify::is_in(head, proof))
}

/// The lineage's id of a genesis's body.
///
/// # Errors
///
/// What about the bytes is not a genesis.
pub fn lineage_of(body: &[u8]) -> Result<LineageId, ParseError> {
    Genesis::parse(body).map(|genesis| genesis.lineage())
}
