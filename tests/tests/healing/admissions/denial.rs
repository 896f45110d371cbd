//! What a used copy does beside passing for the host: nothing shows, or all is denied.

use selfsame::{Fork, ForkStart, HopAnswer, Judgement, Ordinary, ProveRefusal, Refusal, Timing};
use selfsame_store::StoreError;
use selfsame_tests::play::crafted::Made;
use selfsame_tests::play::host::Host;
use selfsame_tests::play::item::{Item, bytes, map, uint};
use selfsame_tests::play::{copied, hop_item};

use super::{COPIED, Copied};
use crate::scene::{PEER, SECOND};
use crate::tally::check;

/// Two moments of the thief's own under one pledge that it holds: nothing is needed but the copy, which goes on by itself
/// as a lineage, and is asked for one of them and for the way there.
fn fork_of(stolen: &Made, mut copy: Host<Ordinary>, tier: u8) -> Fork {
    let turns = ((stolen.head.index >> (2 * tier)) + 1) << (2 * tier);
    copy.moment(turns);
    let HopAnswer { hop, way } = copy.lineage.hop(stolen.head.index, tier, true).unwrap();
    let fork = map([
        (1, Some(uint(1u8))),
        (2, Some(bytes(stolen.lineage.as_bytes()))),
        (3, Some(bytes(&stolen.genesis))),
        (4, Some(Item::Array(way.iter().map(hop_item).collect()))),
        (5, Some(hop_item(&hop))),
        (6, Some(stolen.hop(tier, &stolen.then("thief", turns)))),
    ]);
    Fork::parse(&fork.encode()).unwrap()
}

#[test]
fn denial_an_old_copy_can_still_make_a_fork_of_the_pledges_it_holds() {
    let mut scene = Copied::new(10);
    let copy = copied(&scene.host, 1);
    let healed = COPIED + 6 * 3600 * SECOND;
    scene.host_answers(healed).unwrap();
    // six hours later it can't pass for the host any more
    let refusal = scene.thief_answers(healed + 60 * SECOND, healed + 60 * SECOND).unwrap_err();
    assert!(check(&refusal).starts_with('3'), "{refusal}");
    let mut thief = Copied::new(10).thief;
    let fork = fork_of(thief.last(), copy, 12);
    // anyone takes it for what it is
    assert_eq!(fork.check([]), Ok(ForkStart::Genesis));
    let reported = scene.party.store().report_fork(&fork).unwrap();
    assert!(reported.is_new);
    // and from then on neither is accepted
    let t = healed + 120 * SECOND;
    let refusal = scene.host_answers(t).unwrap_err();
    assert_eq!(refusal, Refusal::KnownFork);
    let challenge = scene.party.ask(PEER, t + 1).unwrap();
    assert_eq!(scene.party.verify(PEER, &thief.answer(&challenge, t + 2), t + 2), Err(Refusal::KnownFork));
    let introduction = scene.host.lineage.introduce();
    let meet = scene.party.meet("web1-once-more", &introduction, t + 3);
    assert!(matches!(meet, Err(StoreError::Forked { .. })), "{meet:?}");
}

#[test]
fn a_copy_used_and_the_host_silenced_shows_nothing() {
    let mut copied = Copied::new(11);
    let mut t = COPIED;
    for n in 0..20 {
        t += 97 * SECOND + n * n;
        let verdict = copied.thief_answers(t, t).unwrap();
        assert_eq!((verdict.known, verdict.lag, verdict.timing), (Some(true), 0, Timing::Checked));
    }
    assert!(copied.party.store().forks(Some(PEER)).unwrap().is_empty());
    // all that differs from the host's own is what the host would say
    let unheard = copied.party.ask(PEER, t + 1).unwrap();
    assert!(matches!(copied.host.lineage.judge(unheard.since()), Judgement::Foreign(_)));
}

#[test]
fn a_machine_that_was_rolled_back_is_a_copy_and_says_that_the_anchor_is_not_its_own() {
    let mut scene = Copied::new(12);
    let mut restored = copied(&scene.host, 77);
    let healed = COPIED + 3600 * SECOND;
    scene.host_answers(healed).unwrap();
    for t in [healed + 1000, healed + 60 * SECOND] {
        let challenge = scene.party.ask(PEER, t - 1).unwrap();
        let answer = restored.try_prove(t, &[challenge]).unwrap().remove(0);
        assert!(matches!(answer, Err(ProveRefusal::ForeignAnchor { .. })), "{answer:?}");
        restored.moment(t);
    }
    // one who has not met the host since can't tell: the same as with a copy
    let t = healed + 120 * SECOND;
    let mut other = Copied::new(12);
    let challenge = other.party.ask(PEER, t - 1).unwrap();
    let proof = restored.prove(t, &[challenge]).remove(0);
    assert_eq!(other.party.verify(PEER, &proof.encode(), t).unwrap().known, Some(true));
}
