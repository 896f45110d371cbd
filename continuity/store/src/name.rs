//! A peer's name.

use crate::error::StoreError;

/// Bytes of a name at most.
const MAX_BYTES: usize = 255;

/// What a person calls a peer: 1 to 255 bytes of UTF-8 without control characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'n>(&'n str);

impl<'n> Name<'n> {
    pub(crate) fn parse(name: &'n str) -> Result<Self, StoreError> {
        let (bytes, control) = (name.len(), name.chars().any(char::is_control));
        if (1..=MAX_BYTES).contains(&bytes) && !control {
            Ok(Self(name))
        } else {
            Err(StoreError::InvalidName { bytes, control })
        }
    }

    pub(crate) fn as_str(&self) -> &'n str {
        self.0
    }
}
