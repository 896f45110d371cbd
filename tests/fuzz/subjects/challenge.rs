//! Section 7: a challenge; and the text form of a lineage's id, which stands beside it on a command line.

use selfsame::hazmat::Purpose;
use selfsame::{Challenge, Digest, LineageId};

use super::item;

/// Any bytes as a challenge, and as a lineage's text.
pub fn challenge(data: &[u8]) {
    if let Ok(challenge) = Challenge::parse(data) {
        is_challenge(&challenge, data);
    }
    if let Ok(text) = str::from_utf8(data)
        && let Ok(lineage) = text.parse::<LineageId>()
    {
        assert_eq!(lineage.to_string(), text.to_ascii_lowercase(), "a lineage has one text, in either case");
    }
}

fn is_challenge(challenge: &Challenge, data: &[u8]) {
    assert_eq!(challenge.as_bytes(), data);
    assert!(data.len() <= 4096);
    assert_eq!(challenge.digest(), Digest::new(Purpose::Challenge.hash(data)));
    let (audience, nonce) = (challenge.audience(), challenge.nonce());
    let (lineage, since) = (challenge.lineage(), challenge.since());
    assert!((1..=255).contains(&audience.len()) && (16..=64).contains(&nonce.len()));
    assert!(since.len() <= 64 && (since.is_empty() || lineage.is_some()));
    assert!(since.is_sorted_by(|a, b| a.index < b.index));
    assert!(since.iter().all(|head| (1..1 << 63).contains(&head.index)));
    assert_eq!(challenge.start(), since.last().map_or(0, |head| head.index));
    // what it says, written anew, is the same bytes
    assert_eq!(item::challenge(audience, nonce, lineage, since), *challenge);
}
