//! Section 3, pledges and openings: a Winternitz one-time scheme with w = 16 on BLAKE3.

use core::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::hash::{Digest, Pledge, Purpose, Salt, keyed};
use crate::state::Secret;

/// Chains of a pledge: 64 half-bytes of a digest and three of its checksum.
pub const CHAINS: usize = 67;

/// Steps of a chain.
pub const STEPS: u8 = 15;

/// Bytes of an opening: one value of 32 bytes a chain.
pub const OPENING_BYTES: usize = CHAINS * 32;

/// The opening of a pledge for one digest: what only the holder of its secret could make.
#[derive(Clone, PartialEq, Eq, Zeroize)]
pub struct Opening([[u8; 32]; CHAINS]);

impl Opening {
    /// The opening with these bytes; `None` where they are not 2,144.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (values, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() {
            return None;
        }
        values.try_into().ok().map(Self)
    }

    /// Its 2,144 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_flattened()
    }

    /// The pledge that this opens, if it was made for `digest`: each value carried on from its digit to the
    /// end of its chain, and the ends hashed. About 500 hashes.
    pub(crate) fn pledge(&self, salt: &Salt, digest: &Digest) -> Pledge {
        let mut hasher = Purpose::Pledge.hasher();
        for (chain, (value, digit)) in (0u8..).zip(self.0.iter().zip(digits(digest))) {
            let mut link = Link::new(value, chain);
            link.carry(salt, digit, STEPS);
            hasher.update(link.value());
        }
        Pledge::new(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({OPENING_BYTES} bytes)")
    }
}

/// The pledge to `secret`: 1,072 hashes.
pub(crate) fn pledge(secret: &Secret, salt: &Salt) -> Pledge {
    let mut hasher = Purpose::Pledge.hasher();
    for chain in 0..CHAINS as u8 {
        hasher.update(along(secret, salt, chain, STEPS).value());
    }
    Pledge::new(*hasher.finalize().as_bytes())
}

/// The opening of `secret`'s pledge for `digest`.
///
/// A secret that is opened for two digests is given away: only [`crate::Lineage`] calls this, once a secret.
pub(crate) fn open(secret: &Secret, salt: &Salt, digest: &Digest) -> Opening {
    let mut values = [[0; 32]; CHAINS];
    for (chain, (value, digit)) in (0u8..).zip(values.iter_mut().zip(digits(digest))) {
        value.copy_from_slice(along(secret, salt, chain, digit).value());
    }
    Opening(values)
}

/// The value `steps` along chain `chain` of `secret`.
fn along(secret: &Secret, salt: &Salt, chain: u8, steps: u8) -> Zeroizing<Link> {
    let mut start = keyed(secret.expose(), &[chain]);
    let mut link = Zeroizing::new(Link::new(&start, chain));
    start.zeroize();
    link.carry(salt, 0, steps);
    link
}

/// A value of a chain, as the input of its next step: `v ‖ [chain] ‖ [step]`.
#[derive(Zeroize)]
struct Link([u8; 34]);

impl Link {
    fn new(value: &[u8; 32], chain: u8) -> Self {
        let mut link = Self([0; 34]);
        let [to @ .., of, _] = &mut link.0;
        to.copy_from_slice(value);
        *of = chain;
        link
    }

    fn value(&self) -> &[u8] {
        let [value @ .., _, _] = &self.0;
        value
    }

    /// Carries the value from one step to another: `K(salt, v ‖ [chain] ‖ [step])`, each time.
    fn carry(&mut self, salt: &Salt, from: u8, to: u8) {
        for at in from..to {
            let [.., step] = &mut self.0;
            *step = at;
            let next = keyed(salt.as_bytes(), &self.0);
            let [value @ .., _, _] = &mut self.0;
            value.copy_from_slice(&next);
        }
    }
}

/// The 67 digits of a digest: its half-bytes, high half first, then their checksum's three.
pub(crate) fn digits(digest: &Digest) -> [u8; CHAINS] {
    let mut digits = [0; CHAINS];
    let mut checksum = 0u16;
    for (pair, byte) in digits.chunks_exact_mut(2).zip(digest.as_bytes()) {
        pair.copy_from_slice(&[byte >> 4, byte & 15]);
        checksum += u16::from(STEPS - (byte >> 4)) + u16::from(STEPS - (byte & 15));
    }
    let [.., high, middle, low] = &mut digits;
    *high = (checksum >> 8) as u8 & 15;
    *middle = (checksum >> 4) as u8 & 15;
    *low = checksum as u8 & 15;
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_is_for_one_digest_one_salt_and_one_secret() {
        let secret = Secret::new([1; 32]);
        let salt = Salt::new([2; 32]);
        let digest = Digest::new([3; 32]);
        let opening = open(&secret, &salt, &digest);
        let pledge = pledge(&secret, &salt);
        assert_eq!(opening.pledge(&salt, &digest), pledge);
        assert_ne!(opening.pledge(&salt, &Digest::new([4; 32])), pledge);
        assert_ne!(opening.pledge(&Salt::new([4; 32]), &digest), pledge);
        assert_ne!(open(&Secret::new([4; 32]), &salt, &digest).pledge(&salt, &digest), pledge);
    }

    #[test]
    fn a_higher_digit_somewhere_is_a_lower_one_elsewhere() {
        // the checksum is what keeps an opening from being carried on to another digest's
        for byte in 0..=255u8 {
            for other in 0..=255u8 {
                if byte != other {
                    let a = digits(&Digest::new([byte; 32]));
                    let b = digits(&Digest::new([other; 32]));
                    assert!(a.iter().zip(&b).any(|(a, b)| a > b), "{byte} carries on to {other}");
                }
            }
        }
    }

    #[test]
    fn an_opening_has_2144_bytes() {
        let opening = Opening::from_bytes(&[0; OPENING_BYTES]).expect("of that size");
        assert_eq!(format!("{opening:?}"), "Opening(2144 bytes)");
        for bytes in [0, 32, OPENING_BYTES - 1, OPENING_BYTES + 1, OPENING_BYTES + 32] {
            assert!(Opening::from_bytes(&vec![0; bytes]).is_none(), "{bytes}");
        }
    }
}
