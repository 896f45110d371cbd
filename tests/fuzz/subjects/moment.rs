//! Section 5: a moment, a genesis, the evidence and origin in them; and a hop, which is a moment with its opening.

use selfsame::hazmat::{self, Purpose};
use selfsame::{
    Anchor, Condition, Digest, Evidence, Genesis, Hop, LineageId, Moment, OPENING_BYTES, Pledge, Reason,
};

/// Bytes of a body at most.
const MAX_BODY_BYTES: usize = 2048;

/// Indices and wall times are below this.
const LIMIT: u64 = 1 << 63;

/// Any bytes as a moment, as a genesis and as a hop: at most one of them.
pub fn moment(data: &[u8]) {
    let (moment, genesis, hop) = (Moment::parse(data), Genesis::parse(data), Hop::parse(data));
    assert!([moment.is_ok(), genesis.is_ok(), hop.is_ok()].iter().filter(|ok| **ok).count() <= 1);
    if let Ok(moment) = moment {
        assert_eq!(moment.body(), data);
        is_moment(&moment);
    }
    if let Ok(genesis) = genesis {
        assert_eq!(genesis.body(), data);
        is_genesis(&genesis);
    }
    if let Ok(hop) = hop {
        assert_eq!(hop.encode(), data);
        is_hop(&hop);
    }
}

/// What holds for every moment that was parsed.
pub fn is_moment(moment: &Moment) {
    let body = moment.body();
    assert!(body.len() <= MAX_BODY_BYTES);
    assert_eq!(Moment::parse(body).as_ref(), Ok(moment));
    assert_eq!(*moment.digest(), Digest::new(Purpose::Moment.hash(body)));
    assert_eq!((moment.head().index, moment.head().digest), (moment.index(), *moment.digest()));
    let (p, y) = (moment.previous().index, moment.index());
    assert!(p < y && y < LIMIT && moment.wall_ms() < LIMIT && moment.statements() <= 65_536);
    let turned = |k: &u8| p / 4u64.pow(u32::from(*k)) != y / 4u64.pow(u32::from(*k));
    assert_eq!(Some(moment.tier()), (0..16).rev().find(turned), "the highest digit that has turned");
    is_evidence(moment.evidence(), body);
    let holds = |bytes: &[u8; 32]| is_in(bytes, body);
    assert!(holds(moment.lineage().as_bytes()) && holds(moment.previous().digest.as_bytes()));
    assert!(moment.pledges().iter().map(Pledge::as_bytes).all(holds));
}

/// What holds for every genesis that was parsed.
pub fn is_genesis(genesis: &Genesis) {
    let body = genesis.body();
    assert!(body.len() <= MAX_BODY_BYTES && genesis.wall_ms() < LIMIT);
    assert_eq!(Genesis::parse(body).as_ref(), Ok(genesis));
    let lineage = LineageId::new(Purpose::Moment.hash(body));
    assert_eq!((genesis.lineage(), hazmat::lineage_of(body)), (lineage, Ok(lineage)));
    assert_eq!(lineage.to_string().parse(), Ok(lineage));
    let anchor = Anchor::of_genesis(genesis);
    assert_eq!((anchor.index(), anchor.lineage(), anchor.salt()), (0, &lineage, genesis.salt()));
    assert_eq!(anchor.pledges(), genesis.pledges());
    assert!(is_in(genesis.salt().as_bytes(), body));
    is_evidence(genesis.evidence(), body);
    let origin = genesis.origin();
    assert_eq!(Reason::from_text(origin.reason().as_str()), Some(origin.reason()));
    if let Some(before) = origin.predecessor() {
        assert!(before.head.index < LIMIT && is_in(before.lineage.as_bytes(), body));
    }
}

/// What holds for every hop that was parsed.
pub fn is_hop(hop: &Hop) {
    let encoded = hop.encode();
    assert!(hop.tier() < 16 && hop.opening().as_bytes().len() == OPENING_BYTES);
    assert!(encoded.len() <= OPENING_BYTES + MAX_BODY_BYTES + 8);
    assert_eq!(Hop::parse(&encoded).as_ref(), Ok(hop));
    is_moment(hop.moment());
}

fn is_evidence(evidence: &Evidence, body: &[u8]) {
    let (encoded, fields) = (evidence.as_bytes(), evidence.fields());
    assert!(encoded.len() <= 1024 && is_in(encoded, body));
    if let Some(condition) = fields.condition {
        assert_eq!(Condition::from_text(condition.as_str()), Some(condition));
    }
    // without the keys that this version doesn't know it is no longer, and says the same
    let known = Evidence::new(fields.clone()).expect("what was read is short enough to write");
    assert!(known.as_bytes().len() <= encoded.len() && known.fields() == fields);
    assert!(known.as_bytes().len() < encoded.len() || known.as_bytes() == encoded);
}

fn is_in(part: &[u8], whole: &[u8]) -> bool {
    whole.windows(part.len().max(1)).any(|window| window == part)
}
