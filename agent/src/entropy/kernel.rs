//! The source `kernel`: getrandom. Always mixed in, never counted as hardware.

use super::{Class, DrawError, EntropySource};

/// The kernel's generator. Blocks only until it has been seeded, early in the boot.
pub(super) struct Kernel;

impl EntropySource for Kernel {
    fn name(&self) -> &str {
        "kernel"
    }

    fn class(&self) -> Class {
        Class::Kernel
    }

    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        getrandom::fill(out).map_err(|error| DrawError::Kernel { text: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let (mut first, mut second) = ([0; 32], [0; 32]);
        Kernel.draw(&mut first).unwrap();
        Kernel.draw(&mut second).unwrap();
        assert_ne!(first, [0; 32]);
        assert_ne!(first, second);
    }
}
