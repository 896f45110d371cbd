//! The source `rdseed`: the processor's conditioned noise, by the instruction RDSEED.
#![allow(unsafe_code)] // One instruction that not every processor has.

use std::{arch::x86_64::_rdseed64_step, hint, is_x86_feature_detected};

use zeroize::Zeroizing;

use super::{Class, DrawError, EntropySource};

/// A processor that has RDSEED: there is no other way to this type than [`Rdseed::detect`].
pub(super) struct Rdseed(());

impl Rdseed {
    /// RDSEED, where this processor has it.
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("rdseed").then_some(Self(()))
    }

    /// One word. The instruction clears the carry flag where it has none ready, which is no fault.
    fn word(&self) -> Result<u64, DrawError> {
        for _ in 0..ATTEMPTS_MOST {
            let mut word = 0;
            // SAFETY: that the processor has RDSEED was checked in `detect`.
            let ready = unsafe { _rdseed64_step(&mut word) } == 1;
            // Processors that are broken, or were not set up again after suspend, say "ready" and give
            // one of these two; a sound one does so once in 2^63 words.
            if ready && word != 0 && word != u64::MAX {
                return Ok(word);
            }
            hint::spin_loop();
        }
        Err(DrawError::Exhausted { attempts: ATTEMPTS_MOST })
    }
}

impl EntropySource for Rdseed {
    fn name(&self) -> &str {
        "rdseed"
    }

    fn class(&self) -> Class {
        Class::Cpu
    }

    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        for chunk in out.chunks_mut(size_of::<u64>()) {
            let word = Zeroizing::new(self.word()?.to_le_bytes());
            for (to, from) in chunk.iter_mut().zip(word.iter()) {
                *to = *from;
            }
        }
        Ok(())
    }
}

/// Attempts at one word before the processor counts as broken.
///
/// Source: Botan, src/lib/entropy/rdseed: with every hyperthread of a Skylake in a tight loop of
/// RDSEED, 230 was the most that one word took.
const ATTEMPTS_MOST: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_rdseed_it_fills_any_length() {
        let Some(mut source) = Rdseed::detect() else {
            eprintln!("this processor has no RDSEED: nothing to test");
            return;
        };
        for length in [0, 1, 7, 8, 9, 32, 33] {
            let mut bytes = vec![0; length];
            source.draw(&mut bytes).unwrap();
            assert!(length < 8 || bytes.iter().any(|byte| *byte != 0));
        }
        let (mut first, mut second) = ([0; 32], [0; 32]);
        source.draw(&mut first).unwrap();
        source.draw(&mut second).unwrap();
        assert_ne!(first, second);
    }
}
