//! The adaptive proportion test, SP 800-90B 4.4.2: finds a source in which one byte has become too common.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Samples in a window. Source: SP 800-90B 4.4.2, for samples that are no single bits.
pub(super) const WINDOW: u32 = 512;

/// How often the first byte of the window is in it so far. Erased when dropped: it is part of what was drawn.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Proportion {
    #[zeroize(skip)]
    cutoff: u32,
    first: u8,
    count: u32,
    /// Samples seen in this window: 0 before its first.
    seen: u32,
}

impl Proportion {
    /// A test that has seen nothing. A first byte that is there so often is an alarm.
    pub(super) fn new(cutoff: u32) -> Self {
        Self { cutoff, first: 0, count: 0, seen: 0 }
    }

    /// A first byte that is there so often is an alarm.
    pub(super) fn cutoff(&self) -> u32 {
        self.cutoff
    }

    /// Forgets what it has seen.
    pub(super) fn reset(&mut self) {
        self.zeroize();
    }

    /// Takes samples up to the first alarm, and says where that is.
    pub(super) fn watch(&mut self, samples: &[u8]) -> Option<usize> {
        for (position, sample) in samples.iter().enumerate() {
            if self.seen == 0 {
                self.first = *sample;
                self.count = 0;
            }
            self.seen = (self.seen + 1) % WINDOW;
            if *sample == self.first {
                self.count += 1;
                if self.count >= self.cutoff {
                    return Some(position);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_erased_and_the_cutoff_kept() {
        fn is_erased_when_dropped<T: ZeroizeOnDrop>(_: &T) {}
        let mut test = Proportion::new(16);
        is_erased_when_dropped(&test);
        assert_eq!(test.watch(&[201, 201]), None);
        assert_eq!((test.first, test.count, test.seen), (201, 2, 2));
        test.reset();
        assert_eq!((test.first, test.count, test.seen), (0, 0, 0));
        assert_eq!(test.cutoff(), 16);
    }
}
