//! Section 3, pledges and openings: 67 chains of 15 steps.

use super::hash::{Hash, h, k};

/// `v(i,0) = K(secret, [i])`
fn start(secret: &Hash, i: u8) -> Hash {
    k(secret, &[i])
}

/// `v(i,s+1) = K(salt, v(i,s) ‖ [i] ‖ [s])`
fn step(salt: &Hash, value: &Hash, i: u8, s: u8) -> Hash {
    k(salt, &[value.as_slice(), &[i], &[s]].concat())
}

/// The value of chain i at step `to`, from the one at step `from`.
fn carried(salt: &Hash, value: &Hash, i: u8, from: u8, to: u8) -> Hash {
    let mut value = *value;
    for s in from..to {
        value = step(salt, &value, i, s);
    }
    value
}

/// `H("pledge", v(0,15) ‖ … ‖ v(66,15))`
pub fn pledge(secret: &Hash, salt: &Hash) -> Hash {
    let mut ends = Vec::new();
    for i in 0..67 {
        ends.extend(carried(salt, &start(secret, i), i, 0, 15));
    }
    h("pledge", &ends)
}

/// 64 half-bytes, high half first, then the checksum as three.
pub fn digits(m: &Hash) -> Vec<u8> {
    let mut digits = Vec::new();
    for byte in m {
        digits.push(byte / 16);
        digits.push(byte % 16);
    }
    let checksum: u16 = digits.iter().map(|digit| 15 - u16::from(*digit)).sum();
    for half_byte in [checksum / 256, checksum / 16 % 16, checksum % 16] {
        digits.push(half_byte as u8);
    }
    digits
}

/// `v(0,d0) ‖ … ‖ v(66,d66)`
pub fn opening(secret: &Hash, salt: &Hash, m: &Hash) -> Vec<u8> {
    let mut opening = Vec::new();
    for (i, digit) in (0..67).zip(digits(m)) {
        opening.extend(carried(salt, &start(secret, i), i, 0, digit));
    }
    opening
}

/// The pledge that an opening of m is of: each value carried on from its digit to 15, and hashed.
pub fn opened(opening: &[u8], salt: &Hash, m: &Hash) -> Hash {
    assert_eq!(opening.len(), 2144);
    let mut ends = Vec::new();
    for (i, digit) in (0..67).zip(digits(m)) {
        let value: Hash = opening[usize::from(i) * 32..][..32].try_into().unwrap();
        ends.extend(carried(salt, &value, i, digit, 15));
    }
    h("pledge", &ends)
}
