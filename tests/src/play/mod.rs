//! Hosts, copies of them, thieves and relying parties, in a world with a true time in ticks.
//!
//! A host here is the protocol's own [`selfsame::Lineage`] with randomness from a seed, a relying party is a real
//! [`selfsame_store::Store`] in a file. What the tests of `continuity` play with is taken from there.

#[allow(missing_docs, clippy::new_without_default)]
#[path = "../../../continuity/tests/properties/clocks.rs"]
pub mod clocks;
#[allow(missing_docs)]
#[path = "../../../continuity/tests/properties/count.rs"]
pub mod count;
#[allow(missing_docs)]
#[path = "../../../continuity/tests/refusals/crafted.rs"]
pub mod crafted;
#[allow(missing_docs)]
#[path = "../../../continuity/tests/properties/host.rs"]
pub mod host;
#[allow(missing_docs)]
#[path = "../../../continuity/tests/item/mod.rs"]
pub mod item;

mod chance;
mod copied;
mod hops;
mod party;
pub mod sparse;
mod thief;

pub use chance::Chance;
pub use copied::copied;
pub use hops::{asked_for_hop, hop_item};
pub use party::Party;
pub use thief::Thief;
