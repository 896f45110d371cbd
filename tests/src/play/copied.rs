//! A second host with the memory of the first: a cloned machine, say.

use selfsame::{Memory, Ordinary, hazmat};

use super::host::{Draws, Host};

/// A copy of a host, which goes on by itself with the randomness of another seed.
pub fn copied<M: Memory>(host: &Host<M>, seed: u64) -> Host<Ordinary> {
    let Ok(lineage) = hazmat::copy(&host.lineage, Ordinary::default());
    Host { lineage, draws: Draws::new(seed) }
}
