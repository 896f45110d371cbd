//! What a thief may try beside answering: none of it keeps the host's next answer from being an alarm.

use proptest::prelude::*;
use selfsame::{Challenge, ProveRefusal, Refusal};
use selfsame_tests::play::count::check;
use selfsame_tests::play::host::AUDIENCE;
use selfsame_tests::play::sparse::Beat;
use selfsame_tests::play::{Thief, item};

use super::scene::{PEER, SECOND, Scene, Times, WAY};

/// Met after 256 s, copied five minutes later.
fn scene(seed: u64) -> Scene {
    let times = Times { met: 1 << 20, copied: (1 << 20) + 300 * SECOND };
    Scene::until_copied(seed, times, Beat { every: 8 * SECOND, phase: 77 })
}

fn is_foreign(scene: &mut Scene, t: u64) {
    let alarm = scene.host_answers(t);
    assert!(matches!(alarm, Err(ProveRefusal::ForeignAnchor { .. })), "{alarm:?}");
}

/// The challenge, as it would be without the heads that the host does not know.
fn rewritten(challenge: &Challenge, keep: usize) -> Challenge {
    let (nonce, since) = (challenge.nonce(), &challenge.since()[..keep]);
    item::challenge(AUDIENCE, nonce, challenge.lineage(), since)
}

#[test]
fn a_challenge_whose_since_is_rewritten_on_its_way_is_answered_in_vain() {
    let mut scene = scene(2);
    let t = scene.host.lineage.head().index + 40 * SECOND;
    let mut thief = Thief::of(&scene.host.lineage, "thief");
    let challenge = scene.asked(t);
    let proof = thief.answer(&challenge, t);
    scene.party.verify(PEER, &proof, t).unwrap();
    let later = t + 60 * SECOND;
    let challenge = scene.asked(later);
    assert!(!challenge.since().is_empty());
    for keep in 0..challenge.since().len() {
        let told = rewritten(&challenge, keep);
        let answer = scene.host.prove(later + 1 + keep as u64, &[told]).remove(0).encode();
        let taken = scene.party.verify(PEER, &answer, later + 10);
        assert_eq!(taken, Err(Refusal::UnknownChallenge), "the statement binds the whole challenge");
    }
    is_foreign(&mut scene, later + 2 * WAY);
}

#[test]
fn moments_are_backdated_up_to_the_lag_and_no_further() {
    let mut scene = scene(3);
    let copied = scene.host.lineage.head().index;
    let t = copied + 400 * SECOND;
    let thief = || Thief::of(&scene.host.lineage, "thief");
    let (mut by_a_minute, mut by_more, mut ahead) = (thief(), thief(), thief());
    let asked = [scene.asked(t), scene.asked(t), scene.asked(t)];
    let mut take = |proof: &[u8]| scene.party.verify(PEER, proof, t);
    let proof = by_more.answer(&asked[0], t - 63 * SECOND);
    assert!(matches!(take(&proof), Err(Refusal::Stalled { .. })));
    let proof = ahead.answer(&asked[1], t + 3 * SECOND);
    assert!(matches!(take(&proof), Err(Refusal::Clock { .. })));
    let proof = by_a_minute.answer(&asked[2], t - 60 * SECOND);
    let verdict = take(&proof).unwrap();
    assert!(verdict.lag > 57 * SECOND, "reported: {}", verdict.lag);
    scene.beats(copied, t + SECOND, 8);
    is_foreign(&mut scene, t + SECOND);
}

#[test]
fn a_stale_challenge_is_refused_or_its_head_goes_out_with_the_next() {
    // soon after the copy, so that the thief's head may lie where no moment of the host's contradicts it; and later
    let soon = (0..SECOND / 64, 2 * WAY..50 * SECOND);
    let later = (0..20 * SECOND, 2 * WAY..20 * SECOND);
    let when = prop_oneof![soon, later];
    let strategy = (any::<u32>(), when, WAY..8 * SECOND, 0u64..58 * SECOND);
    let (refused, taken) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    check(300, strategy, |(seed, (later, met_again), held, back)| {
        let mut scene = scene(seed.into());
        let copied = scene.host.lineage.head().index;
        let mut thief = Thief::of(&scene.host.lineage, "thief");
        let t = copied + 2 * WAY + later;
        let stale = scene.asked(t);
        // the relying party meets the host once more, before the challenge that was held back is answered
        scene.beats(copied, t + met_again, 1);
        scene.meets(t + met_again).unwrap();
        let at = t + met_again + held;
        // at least one tick after the copy
        let proof = thief.answer(&stale, (at - back.min(at)).max(copied + 1));
        match scene.party.verify(PEER, &proof, at) {
            Err(
                Refusal::Forked { .. }
                | Refusal::Contradiction { .. }
                | Refusal::Clock { .. }
                | Refusal::Stalled { .. },
            ) => {
                refused.set(refused.get() + 1);
            }
            Ok(_) => {
                taken.set(taken.get() + 1);
                is_foreign(&mut scene, at + 2 * WAY);
            }
            other => panic!("{other:?}"),
        }
    });
    println!("stale answers refused: {}, taken, and an alarm after: {}", refused.get(), taken.get());
    assert!(refused.get() > 0 && taken.get() > 0, "both happen");
}

#[test]
fn answering_many_times_flushes_what_is_kept_but_not_the_alarm() {
    let mut scene = scene(4);
    let copied = scene.host.lineage.head().index;
    let mut thief = Thief::of(&scene.host.lineage, "thief");
    let mut t = copied + 300 * SECOND;
    let asked = |scene: &mut Scene| scene.party.store().questions(PEER).unwrap();
    let own = asked(&mut scene);
    for n in 0..200 {
        // ever longer apart, so that hops of ever higher tiers are flushed
        t += 2 * WAY + ((SECOND / 8) << (n / 20));
        let challenge = scene.asked(t);
        let proof = thief.answer(&challenge, t);
        scene.party.verify(PEER, &proof, t).unwrap();
    }
    let kept = asked(&mut scene);
    let left = own.iter().filter(|question| kept.contains(question)).count();
    println!("of {} questions about the host's moments {left} are left, of {} in all", own.len(), kept.len());
    assert!(left < own.len(), "what was kept is flushed");
    assert!((0..16).all(|tier| kept.iter().filter(|(_, k)| *k == tier).count() <= 8), "eight a tier");
    scene.beats(copied, t + SECOND, 64);
    is_foreign(&mut scene, t + SECOND);
}
