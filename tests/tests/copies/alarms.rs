//! After a copy has answered, the host's next answer is an alarm.

use proptest::prelude::*;
use selfsame::{ProveRefusal, Refusal};
use selfsame_tests::play::count::check;
use selfsame_tests::play::sparse::Beat;

use super::scene::{PEER, SECOND, Scene, Times, WAY};

/// Ticks, all orders of magnitude alike.
fn ticks(bits: core::ops::Range<u32>) -> impl Strategy<Value = u64> {
    (bits, any::<u64>()).prop_map(|(bits, r)| (1 << bits) + r % (1 << bits))
}

fn beat() -> impl Strategy<Value = Beat> {
    (ticks(12..17), 1..SECOND).prop_map(|(every, phase)| Beat { every, phase })
}

fn times() -> impl Strategy<Value = Times> {
    (ticks(10..32), ticks(0..30)).prop_map(|(met, later)| Times { met, copied: met + later })
}

#[test]
fn the_hosts_next_answer_is_an_alarm_whenever_the_copy_was_used() {
    // (copies, and answers of each, long and short before the host is asked)
    let uses = prop::collection::vec((ticks(0..30), 1u8..4), 1..4);
    check(300, (any::<u32>(), times(), beat(), uses, ticks(0..32)), |(seed, times, beat, uses, later)| {
        let mut scene = Scene::until_copied(seed.into(), times, beat);
        let mut t = times.copied + 2 * WAY;
        let copied = scene.host.lineage.head();
        let mut clone = scene.clone_of_host(u64::from(seed) + 1_000_000);
        for (after, answers) in uses {
            t += after + 2 * WAY;
            for _ in 0..answers {
                t += WAY;
                let challenge = scene.asked(t);
                let proof = clone.prove(t, &[challenge]).remove(0).encode();
                let verdict = scene.party.verify(PEER, &proof, t).unwrap();
                assert_eq!(verdict.known, Some(true), "a copy that answers alone is the host");
            }
        }
        let asked = t + later + 2 * WAY;
        scene.beats(copied.index, asked, 4);
        let before = scene.host.lineage.head();
        let alarm = scene.host_answers(asked);
        let Err(ProveRefusal::ForeignAnchor { head }) = alarm else { panic!("{alarm:?}") };
        assert_eq!(head, clone.lineage.head(), "it names the copy's");
        assert_eq!(scene.host.lineage.head(), before, "the refusal made no moment");
        // and so it stays, however often it is asked
        assert!(matches!(scene.host_answers(asked + 2 * WAY), Err(ProveRefusal::ForeignAnchor { .. })));
    });
}

#[test]
fn of_two_that_answer_challenges_which_were_out_at_once_the_later_is_refused_or_the_next_is_an_alarm() {
    // from an anchor of long ago both lead over one hop; from one just before the copy they may not
    let far = (times(), ticks(0..17), prop_oneof![ticks(0..8), ticks(0..17)]);
    let near = (ticks(10..32), ticks(0..10), 0u64..1024, ticks(12..18));
    let near =
        near.prop_map(|(met, copied, later, apart)| (Times { met, copied: met + copied }, later, apart));
    let strategy = (any::<u32>(), prop_oneof![far, near], beat(), any::<bool>());
    let (refused, overtook) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    check(300, strategy, |(seed, (times, later, apart), beat, copy_first)| {
        let mut scene = Scene::until_copied(seed.into(), times, beat);
        let mut clone = scene.clone_of_host(u64::from(seed) + 1_000_000);
        let first = times.copied + later + 2 * WAY;
        let second = first + apart.min(59 * SECOND - WAY);
        let challenges = [scene.asked(first), scene.asked(first)];
        let head = scene.host.lineage.head().index;
        let at = if copy_first { [first, second] } else { [second, first] };
        let by_copy = clone.prove(at[0], &challenges[..1]).remove(0).encode();
        scene.beats(head, at[1], 4);
        let by_host = scene.host.prove(at[1], &challenges[1..]).remove(0).encode();
        let answers = if copy_first { [by_copy, by_host] } else { [by_host, by_copy] };
        scene.party.verify(PEER, &answers[0], first).unwrap();
        match scene.party.verify(PEER, &answers[1], second) {
            Err(Refusal::Forked { .. } | Refusal::Contradiction { .. }) => refused.set(refused.get() + 1),
            Ok(_) => {
                overtook.set(overtook.get() + 1);
                let alarm = scene.host_answers(second + 2 * WAY);
                assert!(matches!(alarm, Err(ProveRefusal::ForeignAnchor { .. })), "{alarm:?}");
            }
            other => panic!("{other:?}"),
        }
    });
    println!("refused at once: {}, an alarm at the next challenge: {}", refused.get(), overtook.get());
    assert!(refused.get() > 0 && overtook.get() > 0, "both happen");
}
