//! Check 3 once more, in plain code after `docs/protocol.md`, section 7, with the cap as a parameter: what would be
//! accepted if there were none.

use blake3::Hasher;
use selfsame::{Digest, Hop, Pledge, Proof, Salt};
use selfsame_tests::play::crafted::Made;

/// The largest tier that a gap allows.
pub type Cap = fn(u64) -> u32;

/// The protocol's: the largest k ≤ 15 with 4^k ≤ gap.
pub fn real(gap: u64) -> u32 {
    (0..=15).rev().find(|k| 4u64.pow(*k) <= gap).unwrap_or(0)
}

/// None: every tier, whatever the gap.
pub fn none(_gap: u64) -> u32 {
    15
}

/// The highest digit that turns between two indices.
fn turned(from: u64, to: u64) -> u32 {
    (0..=15).rev().find(|k| from / 4u64.pow(*k) != to / 4u64.pow(*k)).unwrap_or(0)
}

/// Follows a proof's hops from an anchor. In an error, what the first wrong one breaks, as [`super::tally`] names it.
pub fn follow(anchor: &Made, proof: &Proof, cap: Cap) -> Result<(), &'static str> {
    let head = proof.head().unwrap().index();
    let cap = cap(head - anchor.head.index);
    let (mut x, mut pledges) = (anchor.head, anchor.pledges);
    for hop in proof.hops() {
        let (y, p, k) = (hop.moment().index(), *hop.moment().previous(), u32::from(hop.tier()));
        let tier = turned(p.index, y);
        let list = hop.moment().pledges();
        let changes = (0..16).find(|n| (list[*n] == pledges[*n]) == (*n as u32 <= tier));
        let broken = [
            (*hop.moment().lineage() != anchor.lineage, "3 OtherLineage"),
            (y <= x.index, "3 NotForward"),
            (y > head, "3 BeyondHead"),
            (k > cap, "3 TierTooOld"),
            (k != cap.min(turned(x.index, head)), "3 NotTheWay"),
            (p.index < x.index || p.index / 4u64.pow(k) != x.index / 4u64.pow(k), "3 Between"),
            (p.index == x.index && p.digest != x.digest, "3 OtherPrevious"),
            (tier < k, "3 NotTurned"),
            (opened(hop, &anchor.salt) != pledges[k as usize], "3 Opening"),
            (changes.is_some_and(|n| n as u32 <= tier), "3 PledgeStands"),
            (changes.is_some(), "3 PledgeChanged"),
        ];
        if let Some((_, part)) = broken.into_iter().find(|(is_broken, _)| *is_broken) {
            return Err(part);
        }
        (x, pledges) = (hop.moment().head(), *list);
    }
    Ok(())
}

/// Section 3: the pledge that a hop's opening opens.
fn opened(hop: &Hop, salt: &Salt) -> Pledge {
    let mut pledge = Hasher::new_derive_key("selfsame 2026 v1 pledge");
    let values = hop.opening().as_bytes().chunks_exact(32);
    for ((i, value), digit) in (0u8..).zip(values).zip(digits(hop.moment().digest())) {
        let mut value: [u8; 32] = value.try_into().unwrap();
        for step in digit..15 {
            let mut hasher = Hasher::new_keyed(salt.as_bytes());
            value = *hasher.update(&value).update(&[i, step]).finalize().as_bytes();
        }
        pledge.update(&value);
    }
    Pledge::new(*pledge.finalize().as_bytes())
}

/// 64 half-bytes, and their checksum's three.
fn digits(digest: &Digest) -> Vec<u8> {
    let mut digits: Vec<u8> = digest.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
    let sum: u16 = digits.iter().map(|digit| 15 - u16::from(*digit)).sum();
    digits.extend([8, 4, 0].map(|shift| (sum >> shift & 15) as u8));
    digits
}
