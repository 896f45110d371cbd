//! Section 6: a proof, as far as it stands by itself. What it takes to be accepted is `verify`'s matter.

use selfsame::{Genesis, Proof, VerifyRefusal, Wanted, hazmat, verify};

use super::item;
use super::moment::{is_genesis, is_hop};
use super::statement::is_statement;

/// Bytes of a proof at most.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Any bytes as a proof.
pub fn proof(data: &[u8]) {
    let nobodys = item::challenge("relying.example", &[0; 32], None, &[]);
    let verified = verify(None, &nobodys, data, &Wanted::default());
    let proof = match Proof::parse(data) {
        Ok(proof) => proof,
        Err(why) => {
            assert_eq!(verified.expect_err("it is no proof"), VerifyRefusal::Malformed(why));
            return;
        }
    };
    assert!(verified.is_err(), "nothing answers a challenge that nobody has seen");
    assert!(data.len() <= MAX_BYTES);
    assert_eq!(proof.encode(), data);
    assert!(proof.since() < 1 << 63);
    proof.hops().iter().for_each(is_hop);
    let last = proof.hops().last().expect("a proof has hops");
    assert_eq!(proof.head(), Some(last.moment()));
    is_statement(proof.statement(), proof.statement_bytes());
    let inclusion = proof.inclusion();
    assert!(inclusion.position() < inclusion.count() && inclusion.count() <= 65_536);
    let high = inclusion.path().len();
    assert!(high == 0 || 1 << (high - 1) < inclusion.count(), "a path is no longer than the tree is high");
    if let Some(genesis) = proof.genesis() {
        is_genesis(genesis);
        follows(genesis, &proof);
    }
}

/// Its hops, followed from its genesis whatever their tiers.
fn follows(genesis: &Genesis, proof: &Proof) {
    match hazmat::walk(genesis, proof.hops()) {
        Ok(end) => assert_eq!(Some(end.index()), proof.head().map(|head| head.index())),
        Err((number, _)) => assert!((1..=proof.hops().len()).contains(&number)),
    }
}
