//! Section 8, the secret state: how it is born, stirred and ratcheted, and the memory that holds it.

use core::convert::Infallible;
use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::hash::Purpose;
use crate::odometer::TIERS;
use crate::record::Entry;

/// 32 secret bytes: a secret state, or what opens a pledge. Erased when dropped; never copied nor shown.
#[derive(Zeroize, ZeroizeOnDrop)]
#[repr(transparent)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The secret with these bytes. The caller's copy is the caller's to erase.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    fn take(&mut self, other: &mut Self) {
        self.0.copy_from_slice(&other.0);
        other.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// All that is secret of a lineage, in one block that a [`Memory`] holds.
#[derive(Debug, Zeroize, ZeroizeOnDrop)]
#[repr(C)]
pub struct Secrets {
    /// S.
    state: Secret,
    /// The secrets of the 16 pledges that stand.
    pending: [Secret; TIERS],
    /// The secrets of the next moment's pledges, where they are made ahead.
    ahead: [Secret; TIERS],
    /// 1 where they are, else 0.
    is_ahead: u64,
    /// Index of the moment that the pledges which stand are in the list of. Not secret: it says where they belong.
    head: u64,
}

impl Secrets {
    /// No secrets: all zeroes.
    pub const fn blank() -> Self {
        const NONE: Secret = Secret::new([0; 32]);
        Self { state: NONE, pending: [NONE; TIERS], ahead: [NONE; TIERS], is_ahead: 0, head: 0 }
    }

    /// Makes this a copy of `other`: for a [`Memory`] that changes state in a second slot.
    pub fn copy_from(&mut self, other: &Self) {
        self.state.0.copy_from_slice(&other.state.0);
        for (to, from) in self.pending.iter_mut().zip(&other.pending) {
            to.0.copy_from_slice(&from.0);
        }
        for (to, from) in self.ahead.iter_mut().zip(&other.ahead) {
            to.0.copy_from_slice(&from.0);
        }
        self.is_ahead = other.is_ahead;
        self.head = other.head;
    }

    /// For [`crate::hazmat::bytes_of`].
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let all = core::iter::once(&self.state).chain(&self.pending).chain(&self.ahead);
        let mut bytes: Vec<u8> = all.flat_map(|secret| secret.0).collect();
        bytes.extend([self.is_ahead, self.head].map(u64::to_le_bytes).as_flattened());
        bytes
    }

    /// For [`crate::hazmat::secrets_of`].
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (all, rest) = bytes.split_at_checked(32 * (1 + 2 * TIERS))?;
        let (numbers, []) = rest.as_chunks::<8>() else { return None };
        let [is_ahead, head] = *numbers else { return None };
        let mut secrets = Self::blank();
        let places =
            core::iter::once(&mut secrets.state).chain(&mut secrets.pending).chain(&mut secrets.ahead);
        for (place, from) in places.zip(all.as_chunks::<32>().0) {
            place.0 = *from;
        }
        secrets.is_ahead = u64::from_le_bytes(is_ahead);
        secrets.head = u64::from_le_bytes(head);
        Some(secrets)
    }

    /// Begins: the first state, and the secrets of all 16 pledges.
    pub(crate) fn begin(&mut self, contributions: &[(&str, &[u8])], randomness: &[u8; 32]) {
        hash_framed(Purpose::Birth, &mut self.state, false, contributions);
        self.stir(&[(KERNEL, randomness)]);
        ratchet(&mut self.state, 0, &mut self.pending);
        self.head = 0;
        self.drop_ahead();
    }

    /// Mixes contributions in.
    pub(crate) fn stir(&mut self, contributions: &[(&str, &[u8])]) {
        hash_framed(Purpose::Stir, &mut self.state, true, contributions);
    }

    /// Makes the next moment's secrets ahead; `index` is the moment before's.
    pub(crate) fn make_ahead(&mut self, index: u64, randomness: &[u8; 32]) {
        self.stir(&[(KERNEL, randomness)]);
        ratchet(&mut self.state, index, &mut self.ahead);
        self.is_ahead = 1;
    }

    pub(crate) fn is_ahead(&self) -> bool {
        self.is_ahead == 1
    }

    /// Steps over the moment at `index`, of tier `tier`: its new pledges' secrets replace those that it opens, and what was made
    /// ahead for the tiers above is erased unused.
    pub(crate) fn step(&mut self, tier: u8, index: u64) {
        for (pending, ahead) in self.pending.iter_mut().zip(&mut self.ahead).take(usize::from(tier) + 1) {
            pending.take(ahead);
        }
        self.head = index;
        self.drop_ahead();
    }

    /// Index of the moment that these secrets go on from.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// The secrets of the pledges that stand, tier 0 first.
    pub(crate) fn pending(&self) -> &[Secret; TIERS] {
        &self.pending
    }

    /// The secrets that were made ahead, tier 0 first.
    pub(crate) fn ahead(&self) -> &[Secret; TIERS] {
        &self.ahead
    }

    fn drop_ahead(&mut self) {
        self.ahead.zeroize();
        self.is_ahead = 0;
    }
}

/// Where a lineage's secrets live, and its public record: locked memory and a file in memory, in the agent.
pub trait Memory {
    /// Why a change can't be committed.
    type Error: core::error::Error + Send + Sync + 'static;

    /// The secrets as they were last committed.
    fn secrets(&self) -> &Secrets;

    /// Changes the secrets in one step: after it, and after a crash at any instant in it, either all of the
    /// change is there or none. What the change replaces is erased before this returns.
    ///
    /// # Errors
    ///
    /// Where the change can't be committed; then nothing has changed.
    fn update(&mut self, change: impl FnOnce(&mut Secrets)) -> Result<(), Self::Error>;

    /// Records what is public, before the change of the secrets that goes with it. A memory that outlives no crash need
    /// not keep it.
    ///
    /// # Errors
    ///
    /// Where it can't be recorded; then it counts as not recorded, and what is recorded next stands in its place.
    fn record(&mut self, entry: &Entry<'_>) -> Result<(), Self::Error> {
        let _ = entry;
        Ok(())
    }

    /// Whether so much is recorded that it should be written anew, with no more than is kept.
    fn is_long(&self) -> bool {
        false
    }

    /// Replaces all that was recorded by these entries, in one step.
    ///
    /// # Errors
    ///
    /// Where that can't be done; then what was recorded stands.
    fn rewrite<'a>(&mut self, entries: impl Iterator<Item = Entry<'a>>) -> Result<(), Self::Error> {
        drop(entries);
        Ok(())
    }
}

/// Ordinary memory, erased when dropped: not locked, not kept out of swap or dumps.
#[derive(Debug)]
pub struct Ordinary(Box<Secrets>);

impl Default for Ordinary {
    fn default() -> Self {
        Self(Box::new(Secrets::blank()))
    }
}

impl Memory for Ordinary {
    type Error = Infallible;

    fn secrets(&self) -> &Secrets {
        &self.0
    }

    fn update(&mut self, change: impl FnOnce(&mut Secrets)) -> Result<(), Infallible> {
        change(&mut self.0);
        Ok(())
    }
}

/// Name under which the kernel's randomness is stirred in at every moment.
const KERNEL: &str = "kernel";

/// `H("birth", …)` over all contributions.
pub(crate) fn birth(contributions: &[(&str, &[u8])]) -> Secret {
    let mut state = Secret::new([0; 32]);
    hash_framed(Purpose::Birth, &mut state, false, contributions);
    state
}

/// `H("stir", S ‖ …)`.
pub(crate) fn stir(state: &Secret, contributions: &[(&str, &[u8])]) -> Secret {
    let mut next = Secret::new(*state.expose());
    hash_framed(Purpose::Stir, &mut next, true, contributions);
    next
}

/// The next state and the secrets of new pledges, from `state` and the index of the moment before; `state` is
/// erased.
pub(crate) fn ratchet(state: &mut Secret, index: u64, secrets: &mut [Secret]) {
    let mut hasher = Purpose::Ratchet.hasher();
    hasher.update(state.expose()).update(&index.to_le_bytes());
    let mut output = hasher.finalize_xof();
    for secret in core::iter::once(state).chain(secrets) {
        output.fill(&mut secret.0);
    }
    output.zeroize();
    hasher.zeroize();
}

/// Hashes contributions, framed as `u64le(bytes of name) ‖ name ‖ u64le(bytes) ‖ bytes`, into the state in its own
/// place: after the state itself, where it is mixed in.
fn hash_framed(purpose: Purpose, state: &mut Secret, mixed_in: bool, contributions: &[(&str, &[u8])]) {
    let mut hasher = purpose.hasher();
    if mixed_in {
        hasher.update(state.expose());
    }
    for part in contributions.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]) {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let mut output = hasher.finalize_xof();
    output.fill(&mut state.0);
    output.zeroize();
    hasher.zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hazmat;

    #[test]
    fn a_contribution_can_not_pass_for_another() {
        let framed = |parts: &[(&str, &[u8])]| *birth(parts).expose();
        assert_ne!(framed(&[("ab", b"c")]), framed(&[("a", b"bc")]));
        assert_ne!(framed(&[("a", b""), ("b", b"")]), framed(&[("a", b"b")]));
        assert_ne!(framed(&[("a", b"b")]), *stir(&Secret::new([0; 32]), &[("a", b"b")]).expose());
    }

    #[test]
    fn every_source_counts() {
        let state = |tpm: &[u8], kernel: &[u8]| *birth(&[("tpm", tpm), ("kernel", kernel)]).expose();
        assert_ne!(state(&[1; 32], &[2; 32]), state(&[3; 32], &[2; 32]));
        assert_ne!(state(&[1; 32], &[2; 32]), state(&[1; 32], &[3; 32]));
    }

    #[test]
    fn a_step_keeps_the_secrets_above_its_tier_and_erases_what_was_made_ahead() {
        let mut secrets = Secrets::blank();
        secrets.begin(&[("test", b"x")], &[1; 32]);
        let before: Vec<_> = secrets.pending().iter().map(|secret| *secret.expose()).collect();
        secrets.make_ahead(0, &[2; 32]);
        let ahead: Vec<_> = secrets.ahead().iter().map(|secret| *secret.expose()).collect();
        secrets.step(3, 64);
        assert_eq!(secrets.head(), 64);
        for (tier, secret) in secrets.pending().iter().enumerate() {
            let expected = if tier <= 3 { ahead[tier] } else { before[tier] };
            assert_eq!(*secret.expose(), expected, "tier {tier}");
        }
        assert!(secrets.ahead().iter().all(|secret| *secret.expose() == [0; 32]));
        assert!(!secrets.is_ahead());
    }

    #[test]
    fn secrets_become_bytes_and_bytes_secrets() {
        let mut secrets = Secrets::blank();
        secrets.begin(&[], &[1; 32]);
        secrets.make_ahead(0, &[2; 32]);
        secrets.step(0, 0x0201);
        secrets.make_ahead(0x0201, &[3; 32]);
        let bytes = hazmat::bytes_of(&secrets);
        let all = [&secrets.state].into_iter().chain(&secrets.pending).chain(&secrets.ahead);
        let mut expected: Vec<u8> = all.flat_map(|secret| *secret.expose()).collect();
        expected.extend([1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes, expected);
        let again = hazmat::secrets_of(&bytes).expect("of that size");
        assert_eq!(again.to_bytes(), bytes);
        assert!(again.is_ahead() && again.head() == 0x0201);
        let more = [&bytes[..], &[0; 8]].concat();
        for bad in
            [&[][..], &bytes[..bytes.len() - 1], &bytes[..bytes.len() - 8], &more[..bytes.len() + 1], &more]
        {
            assert!(hazmat::secrets_of(bad).is_none(), "{} bytes", bad.len());
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let mut secrets = Secrets::blank();
        secrets.begin(&[], &[0x5a; 32]);
        let shown = format!("{secrets:?}");
        assert!(!shown.chars().any(|c| c.is_ascii_digit() && c != '0'), "{shown}");
        assert!(shown.contains("state: Secret(..), pending: [Secret(..), "), "{shown}");
    }
}
