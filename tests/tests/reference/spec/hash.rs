//! Section 2, hashing.

/// 32 bytes; none is ever cut.
pub type Hash = [u8; 32];

/// `H(purpose, x)`: BLAKE3 in derive-key mode.
pub fn h(purpose: &str, x: &[u8]) -> Hash {
    blake3::derive_key(&format!("selfsame 2026 v1 {purpose}"), x)
}

/// `K(key, x)`: BLAKE3 keyed.
pub fn k(key: &Hash, x: &[u8]) -> Hash {
    *blake3::keyed_hash(key, x).as_bytes()
}
