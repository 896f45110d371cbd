//! Section 7: the answer to the question for a hop, which a relying party holds against what it keeps.

use selfsame::{Fork, ForkStart, HopAnswer};

use super::copied::copied;
use super::moment::is_hop;

/// Any bytes as such an answer.
pub fn hop_answer(data: &[u8]) {
    let Ok(answer) = HopAnswer::parse(data) else { return };
    assert!(data.len() <= 4 * 1024 * 1024);
    assert_eq!(answer.encode(), data);
    answer.way.iter().chain([&answer.hop]).for_each(is_hop);
    let mut peer = copied().peer.clone();
    let before = peer.record();
    let Some(fork) = peer.confront(&answer) else {
        assert_eq!(peer.record(), before);
        return;
    };
    assert_eq!(peer.fork(), Some(&fork));
    assert_eq!(Fork::parse(&fork.encode()).as_ref(), Ok(&fork));
    let [kept, answered] = fork.hops();
    assert_eq!((answered, kept.tier()), (&answer.hop, answer.hop.tier()));
    assert_ne!(kept.moment().body(), answered.moment().body());
    if fork.is_for_anyone() {
        assert_eq!((fork.check([]), fork.way()), (Ok(ForkStart::Genesis), &answer.way[..]));
    } else {
        assert_eq!(fork.check(&copied().held), Ok(ForkStart::Held));
        assert!(fork.way().is_empty());
    }
}
