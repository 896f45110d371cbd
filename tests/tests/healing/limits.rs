//! Just outside of the bound a copy is accepted: so what refuses it inside is the bound, and nothing else.

use selfsame::{Refusal, Timing};
use selfsame_tests::play::{Chance, Party};

use super::attack::{Attack, Strategy};
use super::clocked::{Answer, LIFE, bound, most_ahead};
use super::pure::{Shape, history};
use super::scene::{PEER, SECOND, Scene};
use super::tally::check;

/// Stolen right after a digit of this tier turned, and met again right before it turns once more: 4^tier − 1 later.
fn tight(tier: u32) -> Scene {
    let seed = u64::from(tier) + 2_000_000;
    let (stolen, anchor) = Shape::Tight.indices(tier - 1, &mut Chance::new(seed));
    // the anchor's challenge is answered at once, and its proof arrives when the challenge is about to die
    history(seed, (stolen, anchor), anchor - 1 + LIFE, 1)
}

/// What a relying party says to a head that is so far ahead of the anchor, by the one way.
fn answered(scene: &mut Scene, Answer { issued, at }: Answer, gap: u64) -> Result<Timing, Refusal> {
    let challenge = scene.party.ask(PEER, issued).unwrap();
    let attack = Attack::new(scene, &challenge, scene.anchor.head.index + gap);
    let proof = attack.proof(Strategy::TheWay).unwrap();
    scene.party.verify(PEER, &proof, at).map(|verdict| {
        assert_eq!((verdict.known, verdict.lag), (Some(true), 0));
        verdict.timing
    })
}

#[test]
fn just_outside_of_the_bound_a_copy_is_accepted() {
    for tier in 9..=15 {
        let mut scene = tight(tier);
        let span = 4u64.pow(tier);
        assert_eq!(scene.healed(), span - 1);
        // the first tick in which the head may be so far ahead that the pledge of this tier may be used
        let first = (span - SECOND) * 1000 / 1001 - 2;
        let elapsed = (first..).find(|elapsed| most_ahead(*elapsed) >= span).unwrap();
        let at = scene.anchor.head.index - 1 + elapsed;
        let answer = Answer { issued: at - (at - scene.when.accepted).min(LIFE), at };
        let beyond = at - scene.when.accepted - bound(span - 1).unwrap();
        assert!((1..=3).contains(&beyond), "the bound is {beyond} ticks less than what is accepted");
        let early = answered(&mut scene, Answer { at: at - 1, issued: answer.issued - 1 }, span);
        assert!(matches!(early, Err(Refusal::Clock { ahead: 1, .. })), "{early:?}");
        let nearer = answered(&mut scene, answer, span - 1).unwrap_err();
        assert!(check(&nearer).starts_with('3'), "{nearer}");
        assert_eq!(answered(&mut scene, answer, span), Ok(Timing::Checked));
        println!(
            "tier {tier}: accepted {beyond} ticks after the bound of {} ticks",
            bound(span - 1).unwrap()
        );
    }
}

#[test]
fn by_wall_time_it_is_ten_minutes_in_place_of_the_second() {
    const MINUTES: u64 = 600 * SECOND;
    for tier in 11..=15 {
        let mut scene = tight(tier);
        let (span, accepted) = (4u64.pow(tier), scene.when.accepted);
        scene.party.clocks.reboot(accepted);
        scene.party.restart();
        let bound_by_wall = (span - 1 - MINUTES) * 1000 / 1001 - LIFE;
        // wall times are whole milliseconds
        let (last, first) = (accepted + bound_by_wall - 5, accepted + bound_by_wall + 10);
        assert!(first < accepted + bound(span - 1).unwrap(), "the bound with the second does not hold here");
        let answer = |at: u64| Answer { issued: at - (at - accepted).min(LIFE), at };
        scene.assailed_in_vain(answer(last), span - 20);
        // beyond what time allows it is time that refuses, before check 3 is come to
        for gap in [span - 1, span] {
            let mut by_time = 0;
            scene.assailed(answer(last), gap, |refusal| by_time += u32::from(check(refusal) == "6 Clock"));
            assert!(by_time > 0, "none over {gap}");
        }
        let in_time = answered(&mut scene, answer(last), span - 20).unwrap_err();
        assert!(check(&in_time).starts_with('3'), "{in_time}");
        assert_eq!(answered(&mut scene, answer(first), span), Ok(Timing::CheckedByWall));
    }
}

#[test]
fn the_bound_does_not_hold_where_time_can_not_be_judged() {
    let mut scene = tight(15);
    let at = scene.when.accepted + SECOND;
    let answer = Answer { issued: at, at };
    let refusal = answered(&mut scene, answer, 4u64.pow(15)).unwrap_err();
    assert!(matches!(refusal, Refusal::Clock { alarm: false, .. }), "{refusal}");
    // after a reboot, with a wall clock that was set back by an hour
    scene.party.clocks.reboot(at);
    scene.party.clocks.set_wall(-3_600_000);
    scene.party.restart();
    assert_eq!(answered(&mut scene, answer, 4u64.pow(15)), Ok(Timing::Unjudged), "said, and left to policy");
}

#[test]
fn the_bound_does_not_hold_where_there_is_no_head_to_compare_with() {
    let mut scene = tight(15);
    assert_eq!(scene.host.lineage.head(), scene.anchor.head);
    let introduction = scene.host.lineage.introduce();
    scene.party = Party::default();
    scene.party.meet(PEER, &introduction, scene.when.accepted).unwrap();
    let at = scene.when.accepted + SECOND;
    let answer = Answer { issued: at, at };
    let healed = scene.healed();
    let nearer = answered(&mut scene, answer, healed).unwrap_err();
    assert!(check(&nearer).starts_with('3'), "the cap holds still: {nearer}");
    assert_eq!(answered(&mut scene, answer, 4u64.pow(15)), Ok(Timing::First), "said, and left to policy");
}
