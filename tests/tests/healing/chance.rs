//! Numbers from a seed.

use selfsame_tests::play::host::Draws;

/// Numbers from a seed: other ones at each draw.
#[derive(Debug)]
pub struct Chance(Draws);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(Draws::new(seed))
    }

    /// A number from `from` up to `to`, both included.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        let drawn = self.0.draw();
        from + u64::from_le_bytes(drawn[..8].try_into().unwrap()) % (to - from + 1)
    }

    /// A number from `from`, at least 1, up to `to`, all orders of magnitude alike.
    pub fn scaled(&mut self, from: u64, to: u64) -> u64 {
        let unit = self.between(0, 1 << 52) as f64 / (1u64 << 52) as f64;
        let (low, high) = ((from as f64).ln(), (to as f64).ln());
        ((low + (high - low) * unit).exp() as u64).clamp(from, to)
    }
}
