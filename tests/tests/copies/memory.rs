//! The alarm's range: all heads that the host remembers handing out. Beyond it the verdict is *unconfirmed*.

use selfsame::{Head, Judgement, Ordinary, ProveRefusal};
use selfsame_tests::play::Thief;
use selfsame_tests::play::host::Host;
use selfsame_tests::play::sparse::Beat;

use super::scene::{PEER, SECOND, Scene, Times, WAY};

/// Heads that a host remembers (protocol section 4).
const REMEMBERED: u64 = 16_384;

/// A thief answers by a moment that has the host's own pledges in it, so that the host's next proofs would lead on
/// from it. Gives the scene, and the head that the relying party took for the host's.
fn grafted() -> (Scene, Head) {
    let beat = Beat { every: 8 * SECOND, phase: 1 };
    let met = 1 << 20;
    let mut scene = Scene::until_copied(7, Times { met, copied: met + 600 }, beat);
    let mut thief = Thief::of(&scene.host.lineage, "thief");
    // the host goes on, and its moment becomes known: it shows it to somebody else
    let shown = met + 1200;
    scene.host.moment(shown);
    let public = scene.host.lineage.introduce();
    let own = *public.moment().unwrap().pledges();
    let index = shown + 1;
    let challenge = scene.asked(index);
    let proof = thief.answer_saying(&challenge, index, |says| says.pledges = own);
    scene.party.verify(PEER, &proof, index).unwrap();
    (scene, thief.last().head)
}

fn hand_out(host: &mut Host<Ordinary>, index: u64) {
    host.moment(index);
    host.lineage.introduce();
}

#[test]
fn a_head_that_is_not_its_own_is_foreign_over_the_whole_range_that_it_remembers() {
    let (mut scene, foreign) = grafted();
    let host = &mut scene.host;
    let first = foreign.index + 1;
    // the heads handed out before it count, too: the genesis's successors that were proven and shown
    for n in 0..REMEMBERED - 1 {
        assert_eq!(host.lineage.judge(&[foreign]), Judgement::Foreign(foreign), "after {n} heads");
        hand_out(host, first + n);
    }
    assert_eq!(
        host.lineage.judge(&[foreign]),
        Judgement::Foreign(foreign),
        "while it remembers the head before"
    );
    let own = Head { index: first, ..host.lineage.head() };
    assert_eq!(host.lineage.judge(&[own]), Judgement::Foreign(own), "another digest at an own index");
    hand_out(host, first + REMEMBERED - 1);
    hand_out(host, first + REMEMBERED);
    assert_eq!(host.lineage.judge(&[foreign]), Judgement::Unknown, "it can't judge what is older");
    println!("judged after each of {} heads", REMEMBERED + 1);
}

#[test]
fn grafted_pledges_do_not_help_while_the_host_remembers() {
    let (mut scene, foreign) = grafted();
    let t = foreign.index + 5000;
    for index in foreign.index + 1..foreign.index + 300 {
        hand_out(&mut scene.host, index);
    }
    let alarm = scene.host_answers(t);
    assert_eq!(alarm, Err(ProveRefusal::ForeignAnchor { head: foreign }));
}

#[test]
fn beyond_what_it_remembers_a_grafted_head_is_only_unconfirmed() {
    let (mut scene, foreign) = grafted();
    for n in 1..=REMEMBERED + 2 {
        hand_out(&mut scene.host, foreign.index + n);
    }
    let t = foreign.index + REMEMBERED + 2 * WAY;
    let proof = scene.host_answers(t).expect("it can't judge so old a head").encode();
    let verdict =
        scene.party.verify(PEER, &proof, t).expect("both share pledges, and the thief put the host's in");
    assert_eq!(verdict.known, Some(false), "unconfirmed: the relying party is told");
}
