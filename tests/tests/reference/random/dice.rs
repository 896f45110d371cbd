//! Chance from a seed.

use selfsame_tests::play::host::Draws;

/// Dice: of one seed they always fall the same.
pub struct Dice(Draws);

impl Dice {
    pub fn of(seed: u64) -> Self {
        Self(Draws::new(seed))
    }

    pub fn hash(&mut self) -> [u8; 32] {
        self.0.draw()
    }

    pub fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.hash()[..8].try_into().unwrap())
    }

    /// A number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        (self.number() % count as u64) as usize
    }

    /// Whether it happens, once in so many.
    pub fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// A number of 1 to `bits` bits, each as likely; at least 1.
    pub fn up_to_bits(&mut self, bits: usize) -> u64 {
        let bits = 1 + self.below(bits);
        (self.number() >> (64 - bits)).max(1)
    }

    pub fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }

    /// Or nothing.
    pub fn maybe<T>(&mut self, value: T) -> Option<T> {
        self.once_in(2).then_some(value)
    }
}
