//! Choices that are read from a fuzzer's bytes; at their end all are 0, which is to be the plainest.

/// What is left of the bytes.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// The choices that these bytes make.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    /// A number below `n`, 0 where there is none.
    pub fn below(&mut self, n: usize) -> usize {
        let wide = if n > 256 { usize::from(self.byte()) << 8 } else { 0 };
        (wide + usize::from(self.byte())).checked_rem(n).unwrap_or(0)
    }

    /// Whether the rare thing is chosen: not at the end of the bytes.
    pub fn rarely(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// A number of any size, mostly of those at which something turns.
    pub fn number(&mut self) -> u64 {
        let byte = self.byte();
        let bit = 1u64 << (byte / 4);
        match byte % 4 {
            0 => (byte / 4).into(),
            1 => bit,
            2 => bit - 1,
            _ => (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte())),
        }
    }

    /// One of these.
    pub fn pick<'b, T>(&mut self, of: &'b [T]) -> Option<&'b T> {
        of.get(self.below(of.len()))
    }
}
