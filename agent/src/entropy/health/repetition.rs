//! The repetition count test, SP 800-90B 4.4.1: finds a source that is stuck.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// How often the last byte has come in a row. Erased when dropped: it is part of what was drawn.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Repetition {
    #[zeroize(skip)]
    cutoff: u32,
    previous: u8,
    /// 0 before the first sample.
    count: u32,
}

impl Repetition {
    /// A test that has seen nothing. So many equal bytes in a row are an alarm.
    pub(super) fn new(cutoff: u32) -> Self {
        Self { cutoff, previous: 0, count: 0 }
    }

    /// So many equal bytes in a row are an alarm.
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
            if *sample == self.previous {
                self.count = self.count.saturating_add(1);
                if self.count >= self.cutoff {
                    return Some(position);
                }
            } else {
                self.previous = *sample;
                self.count = 1;
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
        let mut test = Repetition::new(5);
        is_erased_when_dropped(&test);
        assert_eq!(test.watch(&[201, 201]), None);
        assert_eq!((test.previous, test.count), (201, 2));
        test.reset();
        assert_eq!((test.previous, test.count), (0, 0));
        assert_eq!(test.cutoff(), 5);
    }
}
