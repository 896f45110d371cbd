//! Section 7: an introduction, and the peer that comes of it.

use selfsame::{Boot, Introduction, Now, Peer};

use super::moment::{is_genesis, is_moment};

/// Any bytes as an introduction.
pub fn introduction(data: &[u8]) {
    let Ok(introduction) = Introduction::parse(data) else { return };
    assert!(data.len() <= 16 * 1024);
    assert_eq!(introduction.encode(), data);
    let genesis = introduction.genesis();
    is_genesis(genesis);
    let anchor = introduction.anchor();
    assert_eq!((*anchor.lineage(), anchor.salt()), (genesis.lineage(), genesis.salt()));
    match introduction.moment() {
        Some(moment) => {
            is_moment(moment);
            assert_eq!(*moment.lineage(), genesis.lineage());
            assert_eq!((anchor.head(), anchor.pledges()), (moment.head(), moment.pledges()));
        }
        None => assert_eq!((anchor.index(), anchor.pledges()), (0, genesis.pledges())),
    }
    is_peer(&introduction);
}

/// Whoever is introduced can be asked, and kept.
fn is_peer(introduction: &Introduction) {
    let anchor = introduction.anchor();
    let now = Now { boot: Boot([1; 16]), ticks: 1 << 40, wall_ms: 1 << 41 };
    let mut peer = Peer::introduced(introduction, &now);
    assert_eq!((peer.anchor(), peer.lineage()), (Some(&anchor), Some(anchor.lineage())));
    let challenge = peer.challenge("relying.example", &[1; 32], &now).expect("none is out yet");
    assert_eq!((challenge.lineage(), challenge.start()), (Some(anchor.lineage()), anchor.index()));
    let record = peer.record();
    assert_eq!(Peer::restore(&record).map(|restored| restored.record()), Ok(record));
    peer.replace(introduction, &now).expect("a person may introduce it again");
    assert_eq!(peer.anchor(), Some(&anchor));
}
