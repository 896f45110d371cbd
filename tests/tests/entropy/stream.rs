//! What a generator gives: good bytes, and the kinds of bad ones.

/// Bytes without an end, or none at all.
pub struct Stream(Fill);

/// Fills what it is given; false where there is nothing to fill it with.
type Fill = Box<dyn FnMut(&mut [u8]) -> bool + Send>;

impl Stream {
    /// What no test can tell from randomness, and the same each time.
    pub fn good(seed: u8) -> Self {
        let mut bytes = blake3::Hasher::new().update(&[seed]).finalize_xof();
        Self::of(move |out| bytes.fill(out))
    }

    /// Nothing but zeros: a generator that was never switched on.
    pub fn constant() -> Self {
        Self::of(|out| out.fill(0))
    }

    /// One byte that was good when it came first: a generator that stands still.
    pub fn stuck() -> Self {
        Self::of(|out| out.fill(0xa5))
    }

    /// Two bytes in turn.
    pub fn repeating() -> Self {
        let mut high = false;
        Self::of(move |out| {
            for byte in out {
                *byte = if high { 0x5a } else { 0xc3 };
                high = !high;
            }
        })
    }

    /// At random one of four bytes: a generator that has lost most of its bits.
    pub fn biased(seed: u8) -> Self {
        let mut bytes = blake3::Hasher::new().update(&[seed]).finalize_xof();
        Self::of(move |out| {
            bytes.fill(out);
            out.iter_mut().for_each(|byte| *byte &= 3);
        })
    }

    /// Nothing: a read from the generator blocks.
    pub fn none() -> Self {
        Self(Box::new(|_| false))
    }

    /// So many bytes of this one, and then `next`.
    pub fn first(mut self, mut count: usize, mut next: Self) -> Self {
        Self(Box::new(move |out| {
            let (ours, theirs) = out.split_at_mut(count.min(out.len()));
            count -= ours.len();
            (ours.is_empty() || self.fill(ours)) && (theirs.is_empty() || next.fill(theirs))
        }))
    }

    /// Fills `out`; false where there is nothing to fill it with.
    pub fn fill(&mut self, out: &mut [u8]) -> bool {
        (self.0)(out)
    }

    fn of(mut fill: impl FnMut(&mut [u8]) + Send + 'static) -> Self {
        Self(Box::new(move |out| {
            fill(out);
            true
        }))
    }
}
