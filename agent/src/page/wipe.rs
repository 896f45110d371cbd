//! What a computation with secrets leaves on the stack, below the frames that are still in use.

use std::hint::black_box;

use zeroize::Zeroize;

/// Overwrites the stack below the caller, as deep as hashing, opening and drawing go. What a function left there that has
/// returned is gone.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut below = [0xff_u8; DEPTH_BYTES];
    black_box(&mut below);
    below.zeroize();
    black_box(&below);
}

/// Several times what BLAKE3 and an opening take: measured, a moment goes 9 KiB deep.
const DEPTH_BYTES: usize = 64 * 1024;
