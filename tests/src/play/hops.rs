//! Hops of a host's, as they travel.

use selfsame::{Hop, HopAnswer, Memory};

use super::host::Host;
use super::item::{self, Item};

/// A hop, as it stands in a proof.
pub fn hop_item(hop: &Hop) -> Item {
    let (opening, body) = (hop.opening().as_bytes(), hop.moment().body());
    Item::Array(vec![item::uint(hop.tier()), item::bytes(opening), item::bytes(body)])
}

/// What a host answers to a question, as it travels.
pub fn asked_for_hop<M: Memory>(host: &Host<M>, index: u64, tier: u8) -> Option<HopAnswer> {
    let answer = host.lineage.hop(index, tier, true).ok()?;
    Some(HopAnswer::parse(&answer.encode()).unwrap())
}
