//! For whom a copy is alive, and who is the host.

use selfsame::{Proof, Refusal, Timing, hazmat};
use selfsame_store::ChallengeOptions;
use selfsame_tests::play::{Party, Thief};

use super::{COPIED, Copied, MET};
use crate::loot::{Loot, public, public_genesis};
use crate::scene::{PEER, SECOND, Scene, When};
use crate::tally::check;

#[test]
fn alive_for_one_that_has_not_met_the_host_since() {
    let mut copied = Copied::new(1);
    let t = COPIED + 600 * SECOND;
    let verdict = copied.thief_answers(t, t).unwrap();
    assert_eq!((verdict.known, verdict.lag, verdict.timing), (Some(true), 0, Timing::Checked));
    // one that has met the host since does not take it
    let mut copied = Copied::new(1);
    copied.host_answers(t - 60 * SECOND).unwrap();
    let refusal = copied.thief_answers(t, t).unwrap_err();
    assert!(check(&refusal).starts_with('3'), "{refusal}");
}

/// A host that goes on after its memory was copied, and the thief.
fn copied_and_gone_on(seed: u64) -> (Scene, Thief) {
    let anchor = COPIED + 1200 * SECOND;
    let when =
        When { met: MET, stolen: COPIED, anchor, accepted: anchor, until: anchor + 1, every: super::BEAT };
    let mut thief = None;
    let scene = Scene::play_with(seed, when, None, |host| thief = Some(Thief::of(&host.lineage, "thief")));
    (scene, thief.unwrap())
}

#[test]
fn a_copy_meets_newcomers_by_a_bare_id() {
    let (scene, mut thief) = copied_and_gone_on(2);
    let mut newcomer = Party::default();
    let lineage = Some(*scene.host.lineage.id());
    let t = scene.when.accepted + 60 * SECOND;
    let options = ChallengeOptions { lineage, ..ChallengeOptions::default() };
    let challenge = newcomer.ask_with(PEER, t - 1, &options).unwrap();
    let proof = thief.answer(&challenge, t);
    let verdict = newcomer.enrol(PEER, &Proof::parse(&proof).unwrap(), t).unwrap();
    assert!(verdict.first_meeting && verdict.lag == 0 && verdict.timing == Timing::CheckedByWall);
    // and so it is the host, for this one, from then on
    let challenge = newcomer.ask(PEER, t + 99).unwrap();
    let proof = thief.answer(&challenge, t + 100);
    assert_eq!(newcomer.verify(PEER, &proof, t + 100).unwrap().known, Some(true));
}

#[test]
fn a_newcomer_with_an_introduction_of_a_newer_moment_refuses_it() {
    let (mut scene, _) = copied_and_gone_on(3);
    let introduction = scene.host.lineage.introduce();
    scene.party = Party::default();
    scene.party.meet(PEER, &introduction, scene.when.accepted).unwrap();
    for gap in [1, 60 * SECOND, 600 * SECOND, scene.healed()] {
        let at = scene.when.accepted + gap;
        let answer = crate::clocked::Answer { issued: at - 1, at };
        scene.assailed(answer, gap, |refusal| assert!(!check(refusal).starts_with('6'), "{refusal}"));
    }
}

#[test]
fn no_moment_up_to_the_last_before_the_copy_can_be_forged() {
    let mut copied = Copied::new(4);
    let loot = Loot::of(&copied.host.lineage);
    let genesis = copied.host.lineage.genesis().clone();
    // every moment before the copy that the host still keeps, and the genesis
    let mut moments = vec![public_genesis(&genesis)];
    while let Ok(answer) = copied.host.lineage.hop(moments.last().unwrap().head.index, 0, false) {
        moments.push(public(&genesis, answer.hop.moment()));
    }
    assert_eq!(moments.last().unwrap().head, copied.host.lineage.head());
    let (mut opened, mut standing) = (0, 0);
    for moment in moments.iter().map(|moment| loot.on(moment)) {
        let x = moment.head.index;
        for tier in 0..16u8 {
            // the pledge is opened once its digit has turned: then nothing up to the copy can be made with it
            let is_opened = hazmat::tier(x, COPIED) >= tier && x < COPIED;
            assert_eq!(loot.opens(&moment.pledges[usize::from(tier)]), !is_opened, "{x}, tier {tier}");
            let turns = ((x >> (2 * tier)) + 1) << (2 * tier);
            if is_opened {
                for y in [turns, turns.midpoint(COPIED), COPIED] {
                    let forged = moment.then("thief", y);
                    let hop = selfsame::Hop::parse(&moment.hop(tier, &forged).encode()).unwrap();
                    let refusal = hazmat::hop(&moment.anchor(), &hop).unwrap_err();
                    assert_eq!(refusal, selfsame::HopRefusal::Opening { tier });
                    opened += 1;
                }
            } else {
                assert!(turns > COPIED, "what it can open leads beyond the copy");
                standing += 1;
            }
        }
    }
    println!("{} moments, {opened} forged openings refused, {standing} pledges stand", moments.len());
    // nor does a relying party take one that answers late, as of then
    let refusal = copied.thief_answers(COPIED + 100 * SECOND, COPIED + 1).unwrap_err();
    assert!(matches!(refusal, Refusal::Stalled { .. }), "{refusal}");
}

#[test]
fn root_on_the_live_host_is_the_host_and_a_copy_once_it_has_left() {
    let mut copied = Copied::new(5);
    let mut t = COPIED;
    for _ in 0..5 {
        // it reads the memory anew whenever it is asked, and the host's word is never heard
        t += 300 * SECOND;
        copied.host.moment(t - 2);
        let mut root = Thief::of(&copied.host.lineage, "root");
        let mut party = copied.party.twin();
        let challenge = party.ask(PEER, t - 1).unwrap();
        let verdict = party.verify(PEER, &root.answer(&challenge, t), t).unwrap();
        assert_eq!((verdict.known, verdict.lag, verdict.timing), (Some(true), 0, Timing::Checked));
        // or it has the agent answer, in any user's name
        copied.host_answers(t).unwrap();
    }
    let (mut scene, _) = copied_and_gone_on(6);
    let at = scene.when.accepted + 300 * SECOND;
    let answer = crate::clocked::Answer { issued: at - 1, at };
    scene.assailed_in_vain(answer, 300 * SECOND);
    // the same secrets, as of now
    let now = scene.host.lineage.head().index + 10;
    scene.host.moment(now);
    let mut root = Thief::of(&scene.host.lineage, "root");
    let challenge = scene.party.ask(PEER, now).unwrap();
    let verdict = scene.party.verify(PEER, &root.answer(&challenge, now + 1), now + 1).unwrap();
    assert_eq!(verdict.known, Some(true));
}
