//! Section 7: a fork, checked by who holds nothing, by who holds some of the moments, and by a peer.

use selfsame::hazmat;
use selfsame::{Anchor, Fork, ForkStart, Genesis};

use super::copied::copied;
use super::moment::is_hop;
use super::tree;

/// Any bytes as a fork.
pub fn fork(data: &[u8]) {
    let Ok(fork) = Fork::parse(data) else { return };
    assert!(data.len() <= 4 * 1024 * 1024);
    assert_eq!(fork.encode(), data);
    fork.way().iter().chain(fork.hops()).for_each(is_hop);
    match fork.check([]) {
        Ok(start) => {
            assert_eq!(start, ForkStart::Genesis);
            assert!(fork.is_for_anyone());
            let genesis = genesis(data).expect("it leads from one");
            assert_eq!(genesis.lineage(), *fork.lineage());
            shows(Anchor::of_genesis(&genesis), &fork).expect("it leads from the genesis");
        }
        Err(_) if fork.is_for_anyone() => assert!(fork.check(&copied().held).is_err(), "whatever is held"),
        Err(_) => {}
    }
    if fork.check(&copied().held) == Ok(ForkStart::Held) {
        assert!(!fork.is_for_anyone());
        let mut held = copied().held.iter();
        assert!(held.any(|start| shows(start.clone(), &fork).is_some()), "it leads from one that is held");
    }
    is_learnt(&fork);
}

/// Whether both hops lead on from where the way leads: by the hop's check and nothing else.
fn shows(start: Anchor, fork: &Fork) -> Option<()> {
    let [first, second] = fork.hops();
    assert_eq!(first.tier(), second.tier());
    assert_ne!(first.moment().body(), second.moment().body());
    let end = fork.way().iter().try_fold(start, |from, hop| hazmat::hop(&from, hop)).ok()?;
    let (one, other) = (hazmat::hop(&end, first).ok()?, hazmat::hop(&end, second).ok()?);
    assert!(one.index() > end.index() && other.index() > end.index());
    Some(())
}

fn genesis(data: &[u8]) -> Option<Genesis> {
    let fork = tree::read(data)?;
    Genesis::parse(tree::bytes(tree::get(&fork, 3)?)?).ok()
}

/// A peer of that lineage learns it if and only if it shows one.
fn is_learnt(fork: &Fork) {
    let mut peer = copied().peer.clone();
    let before = peer.record();
    match peer.learn(fork) {
        Ok(start) => {
            assert_eq!(peer.fork(), Some(fork));
            assert_eq!(fork.check(&copied().held), Ok(start), "what it holds is among these");
        }
        Err(_) => assert_eq!(peer.record(), before),
    }
    if fork.lineage() == copied().held[0].lineage() && fork.check(&copied().held).is_ok() {
        assert_eq!(peer.fork(), Some(fork), "what it holds includes these");
    }
}
