//! Check 1: the one way may have 45 hops, and one for every whole span of the top tier; and so many are taken.

use selfsame::{Wanted, verify};

use super::crafted::{AUDIENCE, Made, Proof, genesis, leaf, statement, way};
use crate::item;

/// Ticks of the span of tier 15.
const SPAN: u64 = 1 << 30;

/// The moments at which the one way from index 1 turns, to where every digit below 15 is a 3.
fn turns(spans: u64) -> Vec<u64> {
    let mut indices: Vec<u64> = (1..=spans).map(|n| n * SPAN).collect();
    for tier in (0..15).rev() {
        let last = indices[indices.len() - 1];
        indices.extend((1..=3).map(|digit| last + (digit << (2 * tier))));
    }
    indices
}

#[test]
fn the_longest_ways_are_taken() {
    for spans in [1, 2, 3] {
        let anchor = genesis("host").then("host", 1);
        let challenge = item::challenge(AUDIENCE, &[1; 32], Some(&anchor.lineage), &[anchor.head]);
        let said = statement(&challenge).encode();
        let mut chain: Vec<Made> = vec![anchor.clone()];
        for index in turns(spans) {
            let made = chain[chain.len() - 1].then_saying("host", index, |says| {
                says.statements = Some((1, leaf(&said)));
            });
            chain.push(made);
        }
        let hops = way(&chain);
        assert_eq!(hops.len() as u64, 45 + spans);
        let proof = Proof::from(&anchor, hops, &said).encode();
        let verified = verify(Some(&anchor.anchor()), &challenge, &proof, &Wanted::default());
        assert_eq!(verified.expect("it is the one way").hops as u64, 45 + spans);
    }
}
