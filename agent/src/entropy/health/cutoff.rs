//! The cutoffs of both tests, from the claimed min-entropy H of a byte and the chance of a false alarm α.
//!
//! The proportion test's is the standard's own formula. It is a little too low: it counts as if the first byte
//! of a window could differ from itself. So a source that has just what is claimed gives an alarm more often than α,
//! 3.5 times as often for H = 8 and α = 2^-30; `each_cutoff_gives_about_the_chance_it_is_for` has the bounds.
//! (jitterentropy corrects it, by one in most places; this errs towards an alarm, and keeps to the standard.)

use super::{Claim, proportion::WINDOW};

#[cfg(test)]
mod tests;

/// C = 1 + ⌈-log2 α / H⌉: so many equal bytes in a row are an alarm. α is 2^-`alpha_bits`.
///
/// Source: SP 800-90B 4.4.1.
pub(super) fn repetition(claim: Claim, alpha_bits: u32) -> u32 {
    1 + (1000 * alpha_bits).div_ceil(claim.millibits)
}

/// C = 1 + CRITBINOM(W, 2^-H, 1 - α), at most W: a window's first byte this often in it is an alarm.
///
/// CRITBINOM is the least k such that more than k of W bytes are a given one with a chance of α or less. The
/// chances are added up from the smallest, as powers of two: so nothing is lost beside a 1. Where the formula says
/// W + 1, a test that can't fail, it is W, as in jitterentropy (which cites FIPS 140-2 IG 7.19, resolution 16).
///
/// Source: SP 800-90B 4.4.2.
pub(super) fn proportion(claim: Claim, alpha_bits: u32) -> u32 {
    let alpha = (-f64::from(alpha_bits)).exp2();
    let one = -f64::from(claim.millibits) / 1000.0;
    let other = (-(one * std::f64::consts::LN_2).exp_m1()).log2();
    let mut ways = 0.0;
    let mut at_least = 0.0;
    for equal in (1..=WINDOW).rev() {
        let others = WINDOW - equal;
        at_least += (ways + f64::from(equal) * one + f64::from(others) * other).exp2();
        if at_least > alpha {
            return (1 + equal).min(WINDOW);
        }
        ways += (f64::from(equal) / f64::from(others + 1)).log2();
    }
    // Not for a byte and an α under 1/2: then it is in a window at all with a greater chance. A window of its
    // first byte alone is no alarm.
    2
}
