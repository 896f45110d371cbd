//! Numbers from a seed.

/// Numbers from a seed, by SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Of one seed always the same.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, at least 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// A number from `from` up to `to`, both included.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// Whether what happens once in so many times happens.
    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// The place of one of so many.
    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap()
    }

    /// From `-most` to `most`.
    pub fn around(&mut self, most: i64) -> i64 {
        i64::try_from(self.below(2 * most.unsigned_abs() + 1)).unwrap() - most
    }

    /// From 1 up to `most`, all powers of 2 alike.
    pub fn up_to(&mut self, most: u64) -> u64 {
        let bits = self.below(u64::from(most.ilog2()) + 1);
        (self.below(1 << bits) + (1 << bits)).min(most)
    }

    /// A number from `from`, at least 1, up to `to`, all orders of magnitude alike.
    pub fn scaled(&mut self, from: u64, to: u64) -> u64 {
        let unit = self.between(0, 1 << 52) as f64 / (1u64 << 52) as f64;
        let (low, high) = ((from as f64).ln(), (to as f64).ln());
        ((low + (high - low) * unit).exp() as u64).clamp(from, to)
    }
}
