//! Section 2, hashing: BLAKE3 in derive-key and keyed mode, and the 32-byte values that come of it.

use core::fmt;
use core::str::FromStr;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};

/// What a hash is for. Each purpose has one use, and its own context string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A pledge, over its chains' ends.
    Pledge,
    /// A moment's digest, over its body.
    Moment,
    /// A challenge's digest, over its bytes.
    Challenge,
    /// A leaf of a batch of statements.
    Statement,
    /// An inner node of a batch of statements.
    StatementNode,
    /// The public commitment to a sample of behaviour.
    Sample,
    /// The first secret state.
    Birth,
    /// A secret state with something mixed in.
    Stir,
    /// The step to the next secret state.
    Ratchet,
}

impl Purpose {
    /// The context string of BLAKE3's derive-key mode.
    pub const fn context(self) -> &'static str {
        match self {
            Self::Pledge => "selfsame 2026 v1 pledge",
            Self::Moment => "selfsame 2026 v1 moment",
            Self::Challenge => "selfsame 2026 v1 challenge",
            Self::Statement => "selfsame 2026 v1 statement",
            Self::StatementNode => "selfsame 2026 v1 statement node",
            Self::Sample => "selfsame 2026 v1 sample",
            Self::Birth => "selfsame 2026 v1 birth",
            Self::Stir => "selfsame 2026 v1 stir",
            Self::Ratchet => "selfsame 2026 v1 ratchet",
        }
    }

    /// A hasher for this purpose; its output is `H(purpose, what goes in)`.
    pub(crate) fn hasher(self) -> blake3::Hasher {
        blake3::Hasher::new_derive_key(self.context())
    }

    /// `H(purpose, x)`.
    pub fn hash(self, x: &[u8]) -> [u8; 32] {
        *self.hasher().update(x).finalize().as_bytes()
    }
}

/// `K(key, x)`.
pub(crate) fn keyed(key: &[u8; 32], x: &[u8]) -> [u8; 32] {
    *blake3::keyed_hash(key, x).as_bytes()
}

macro_rules! bytes32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The value with these bytes.
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), Hex(&self.0))
            }
        }
    };
}

bytes32! {
    /// A digest: of a moment, a challenge, a statement, a node of their tree, or a sample.
    Digest
}
bytes32! {
    /// A pledge: 32 public bytes that commit to a one-time secret.
    Pledge
}
bytes32! {
    /// A lineage's public salt, random, in its genesis.
    Salt
}
bytes32! {
    /// A lineage's id: the digest of its genesis. Its text form is bech32m, `selfsame1…`.
    LineageId
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl LineageId {
    /// Human-readable part of the text form (BIP 350).
    const HRP: Hrp = Hrp::parse_unchecked("selfsame");

    /// The id of the lineage whose genesis has this digest.
    pub const fn of_genesis(digest: Digest) -> Self {
        Self(digest.0)
    }

    /// The digest of the lineage's genesis.
    pub const fn genesis_digest(&self) -> Digest {
        Digest(self.0)
    }
}

impl fmt::Display for LineageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, Self::HRP, &self.0).map_err(|_| fmt::Error)
    }
}

/// Why a text is no lineage's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineageIdError {
    /// The text is no bech32m, or its checksum is wrong.
    #[error("no bech32m text: {reason}")]
    Text {
        /// What is wrong with it.
        reason: String,
    },
    /// The part before the last `1` is not `selfsame`.
    #[error("a lineage begins with `selfsame1`, this with `{found}1`")]
    Prefix {
        /// What stands there.
        found: String,
    },
    /// It does not hold 32 bytes.
    #[error("a lineage holds 32 bytes, this {found}")]
    Length {
        /// How many bytes it holds.
        found: usize,
    },
}

impl FromStr for LineageId {
    type Err = LineageIdError;

    fn from_str(text: &str) -> Result<Self, LineageIdError> {
        let checked = CheckedHrpstring::new::<Bech32m>(text)
            .map_err(|reason| LineageIdError::Text { reason: reason.to_string() })?;
        if checked.hrp() != Self::HRP {
            return Err(LineageIdError::Prefix { found: checked.hrp().to_string() });
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let found = bytes.len();
        bytes.try_into().map(Self).map_err(|_| LineageIdError::Length { found })
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineages_text_is_bech32m_and_comes_back() {
        let id = LineageId::new([7; 32]);
        let text = id.to_string();
        assert!(text.starts_with("selfsame1"), "{text}");
        assert_eq!(text.parse(), Ok(id));
    }

    #[test]
    fn other_texts_are_no_lineage() {
        let text = LineageId::new([7; 32]).to_string();
        let mut mistyped = text.clone().into_bytes();
        mistyped[12] = if mistyped[12] == b'q' { b'p' } else { b'q' };
        let mistyped = String::from_utf8(mistyped).expect("ascii");
        assert!(matches!(mistyped.parse::<LineageId>(), Err(LineageIdError::Text { .. })));
        let other = bech32::encode::<Bech32m>(Hrp::parse("other").expect("hrp"), &[7; 32]).expect("short");
        assert!(matches!(other.parse::<LineageId>(), Err(LineageIdError::Prefix { .. })));
        let short = bech32::encode::<Bech32m>(LineageId::HRP, &[7; 31]).expect("short");
        assert_eq!(short.parse::<LineageId>(), Err(LineageIdError::Length { found: 31 }));
        let old = bech32::encode::<bech32::Bech32>(LineageId::HRP, &[7; 32]).expect("short");
        assert!(old.parse::<LineageId>().is_err());
    }
}
