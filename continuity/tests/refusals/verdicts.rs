//! What a peer says of proofs that it accepts, and what it keeps of them.

use selfsame::{Genesis, Hop, HopAnswer, Peer, PeerRecord, Timing, hazmat};

use super::crafted::{Made, Proof, genesis, leaf, statement, way};
use super::party::{Party, answer, at};
use crate::item::{self, Item, bytes};

/// Each with its own challenge and its own place among the statements.
#[test]
fn two_answers_of_one_moment_move_the_anchor_once() {
    let (mut party, anchor) = Party::with_anchor(16);
    let asked = [party.ask(20), party.ask(20)];
    let said = asked.each_ref().map(|challenge| statement(challenge).encode());
    let tree = |position| hazmat::merkle(said.iter().map(|said| leaf(said)).collect(), position);
    let (root, _) = tree(0).expect("there are two");
    let head = anchor.then_saying("host", 20, |says| says.statements = Some((2, root)));
    let hops = way(&[anchor.clone(), head]);
    let mut verdicts = [0, 1].map(|position| {
        let (_, inclusion) = tree(position).expect("there are two");
        let inclusion = item::inclusion(inclusion.position(), inclusion.count(), inclusion.path());
        let proof = Proof { inclusion, ..Proof::from(&anchor, hops.clone(), &said[position]) };
        party.take(&proof.encode(), 20).expect("it is right")
    });
    assert_eq!(verdicts.each_ref().map(|verdict| verdict.moved), [true, false]);
    // else they differ in what was said
    assert_ne!(verdicts[0].statement, verdicts[1].statement);
    verdicts[1].statement = verdicts[0].statement.clone();
    verdicts[1].moved = true;
    assert_eq!(verdicts[0], verdicts[1]);
    let verdict = &verdicts[0];
    assert_eq!((verdict.lineage, verdict.index, verdict.gap, verdict.hops), (anchor.lineage, 20, 4, 1));
    assert_eq!((verdict.lag, verdict.known, verdict.first_meeting), (0, Some(true), false));
    assert_eq!(verdict.wall_ms, at(20).wall_ms);
}

#[test]
fn a_peer_tells_its_genesis_and_the_challenges_that_are_out() {
    let (mut party, anchor) = Party::with_anchor(16);
    assert_eq!(party.peer.genesis().map(Genesis::body), Some(&anchor.genesis[..]));
    assert_eq!(Peer::expecting(anchor.lineage).genesis(), None);
    assert!(party.peer.challenges().next().is_none(), "the one of the meeting is used up");
    let asked = [party.ask(20), party.ask(20)].map(|challenge| challenge.digest());
    assert!(party.peer.challenges().eq(&asked));
}

/// Of the lag by the age clock since it was introduced, and of the growth by the moment's wall time.
#[test]
fn an_introduced_host_is_held_against_the_time_of_its_introduction() {
    const MINUTE: u64 = 60 * 4096;
    let made = genesis("host").then("host", 30 * MINUTE);
    let meet = |index: u64, t: u64| {
        let mut party = Party::of(Peer::introduced(&made.introduction(), &at(30 * MINUTE)));
        let challenge = party.ask(t);
        let verdict = party.take(&answer(&challenge, std::slice::from_ref(&made), "host", index).1, t);
        verdict.map(|verdict| (verdict.timing, verdict.lag)).expect("neither is refused")
    };
    let t = 31 * MINUTE;
    assert_eq!(meet(t, t), (Timing::CheckedByWall, 0));
    let least = t - MINUTE / 1000 - 4096;
    assert_eq!(meet(least - 7, t), (Timing::CheckedByWall, 7));
    let most = t + MINUTE / 1000 + 10 * MINUTE;
    assert_eq!((meet(most, t).0, meet(most + 1, t).0), (Timing::CheckedByWall, Timing::First));
}

/// The copy's answer was refused by check 7: so the fork is for who holds its start. The host's own answer is no news,
/// but brings the way.
#[test]
fn an_answer_makes_a_fork_that_was_found_one_for_anyone() {
    let (mut party, sixteen) = Party::with_anchor(16);
    let stale = party.ask(16);
    let seventeen = party.meet(std::slice::from_ref(&sixteen), 17);
    let (_, copys) = answer(&stale, std::slice::from_ref(&sixteen), "copy", 18);
    party.take(&copys, 18).expect_err("a pledge is opened twice");
    assert!(party.peer.fork().is_some_and(|fork| !fork.is_for_anyone()));

    let hop = |item: Item| Hop::parse(&item.encode()).expect("well-formed");
    let way = vec![hop(genesis("host").hop(2, &sixteen))];
    let own = HopAnswer { hop: hop(sixteen.hop(0, &seventeen)), way: way.clone() };
    // another of its hops shows nothing
    let other = HopAnswer { hop: hop(seventeen.hop(0, &seventeen.then("host", 18))), way: way.clone() };
    assert_eq!(party.peer.confront(&other), None);
    let fork = party.peer.confront(&own).expect("the one that was found, and the way to it");
    assert_eq!((fork.is_for_anyone(), fork.way()), (true, &way[..]));
    assert_eq!(party.peer.fork(), Some(&fork));
}

/// A hop in a peer's record leads from an earlier moment of its lineage: a store that has another is damaged.
#[test]
fn a_kept_hop_that_does_not_lead_on_is_not_read() {
    let (host, other) = (genesis("host"), genesis("other"));
    let (five, six) = (host.then("host", 5), host.then("host", 6));
    let restore = |start: &Made, hop: &Item| {
        let pledges = start.pledges.map(|pledge| *pledge.as_bytes()).concat();
        let (lineage, salt) = (bytes(start.lineage.as_bytes()), bytes(start.salt.as_bytes()));
        let anchor = Item::Array(vec![lineage, salt, item::head(&start.head), bytes(pledges)]);
        let hops = vec![Item::Array(vec![anchor, bytes(hop.encode())]).encode()];
        Peer::restore(&PeerRecord { hops, ..Peer::unknown().record() }).map(|peer| peer.questions())
    };
    let hop = host.hop(0, &five);
    assert_eq!(restore(&host, &hop), Ok(vec![(0, 0)]));
    for start in [&other, &five, &six] {
        restore(start, &hop).expect_err("another lineage's, or not earlier");
    }
}

/// Over 1 MiB: what a store may keep of a peer is bounded by the largest fork.
#[test]
fn a_peer_that_knows_a_large_fork_comes_back() {
    let genesis = genesis("host");
    let mut chain = vec![genesis.clone()];
    for index in 1..=400 {
        chain.push(chain[chain.len() - 1].then("host", index));
    }
    let end = &chain[chain.len() - 1];
    let way = chain.windows(2).map(|pair| pair[0].hop(0, &pair[1])).collect();
    let hops = ["host", "copy"].map(|who| end.hop(0, &end.then(who, 401)));
    let fork = super::forks::fork_of(&genesis, way, hops);
    assert!(fork.encode().len() > 1 << 20);
    let mut peer = Peer::expecting(genesis.lineage);
    peer.learn(&fork).expect("it shows a fork");
    let restored = Peer::restore(&peer.record()).expect("what is kept comes back");
    assert_eq!(restored.fork(), Some(&fork));
}
