//! The stack that is computed on with secrets: it is locked, and what a computation leaves there, or in registers, is wiped.

use std::{hint::black_box, ptr};

use super::{
    region::{self, RegionError},
    registers,
};

/// Overwrites the stack below the caller, as deep as hashing, opening and drawing go, and the vector registers. What a
/// function left there that has returned is gone.
#[inline(never)]
pub(crate) fn wipe_stack() {
    if cfg!(not(feature = "no-wipe")) {
        overwrite();
        registers::clear();
    }
}

/// Locks as much of this thread's stack, from the caller down: what it computes with is not swapped either. What the caller
/// then computes has to be in calls of their own, since its own frame is not below it.
///
/// # Errors
/// Where the limit on locked memory is too low.
#[inline(never)]
pub(crate) fn lock_stack() -> Result<(), RegionError> {
    if cfg!(feature = "no-wipe") {
        return Ok(());
    }
    // the main thread's stack is mapped as far as it was used
    overwrite();
    let here = 0_u8;
    let bottom = ptr::from_ref(&here).addr().saturating_sub(DEPTH_BYTES);
    region::lock(bottom, DEPTH_BYTES + FRAME_BYTES)
}

#[inline(never)]
fn overwrite() {
    // whoever looks at it can't be known, so it has to be written
    black_box(&mut [0_u8; DEPTH_BYTES]);
}

#[cfg(all(feature = "no-wipe", not(debug_assertions)))]
compile_error!("a release build wipes: `no-wipe` is for the test target `leak` alone");

/// More than this function's own frame takes, which others begin where it begins: a page may end between.
const FRAME_BYTES: usize = 512;

/// More than the keeper's whole stack takes: 67,336 bytes in a debug build, 20,544 in a release build. Source: the test
/// target `leak`, in an agent that wipes nothing.
const DEPTH_BYTES: usize = 96 * 1024;
