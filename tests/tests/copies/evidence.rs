//! A fork, once shown: who believes it, and what it outlives.

use selfsame::{Fork, ForkStart, HopAnswer, ProveRefusal};
use selfsame_store::{ChallengeOptions, StoreError};
use selfsame_tests::play::sparse::Beat;
use selfsame_tests::play::{Party, asked_for_hop};

use super::scene::{PEER, SECOND, Scene, Times, WAY, convinces_anyone};

/// The copy answered, the host was asked next and refused; then the relying party asks its questions.
fn used() -> Scene {
    let times = Times { met: 1 << 24, copied: (1 << 24) + 3600 * SECOND };
    let mut scene = Scene::until_copied(11, times, Beat { every: 8 * SECOND, phase: 99 });
    let mut clone = scene.clone_of_host(12);
    let copied = scene.host.lineage.head().index;
    let used = times.copied + 600 * SECOND;
    let challenge = scene.asked(used);
    let proof = clone.prove(used, &[challenge]).remove(0).encode();
    scene.party.verify(PEER, &proof, used).unwrap();
    let asked = used + 600 * SECOND;
    scene.beats(copied, asked, 64);
    assert!(matches!(scene.host_answers(asked), Err(ProveRefusal::ForeignAnchor { .. })));
    scene
}

/// One who met the host before it was copied, by an introduction.
fn elsewhere(scene: &mut Scene) -> Party {
    let mut other = Party::default();
    let introduction = scene.host.lineage.introduce();
    other.meet("the web server", &introduction, 2 << 24).unwrap();
    other
}

#[test]
fn questions_make_of_the_alarm_a_fork_that_convinces_anyone() {
    let mut scene = used();
    let lineage = *scene.host.lineage.id();
    let fork = scene.questioned().expect("it is soon enough");
    assert!(convinces_anyone(&fork, &lineage));
    // known now: nothing of this lineage is accepted again, from neither
    let t = 3 << 24;
    let challenge = scene.asked(t);
    assert_ne!(challenge.since(), []);
    let stored = scene.party.store().forks(Some(PEER)).unwrap();
    assert_eq!(stored, std::slice::from_ref(&fork));
    // and it outlives the peer
    let introduction = scene.host.lineage.introduce();
    scene.party.store().forget(PEER).unwrap();
    scene.party.restart();
    assert_eq!(scene.party.store().forks(None).unwrap(), [fork]);
    let met = scene.party.meet("by another name", &introduction, t);
    assert!(matches!(met, Err(StoreError::Forked { .. })), "{met:?}");
    let expected = ChallengeOptions { lineage: Some(lineage), anew: false };
    let challenge = scene.party.ask_with("by a third", t, &expected).unwrap();
    let proof = scene.host.prove(t, &[challenge]).remove(0);
    let enrolled = scene.party.enrol("by a third", &proof, t + WAY);
    assert!(matches!(enrolled, Err(StoreError::Forked { .. })), "{enrolled:?}");
}

#[test]
fn a_fork_from_anyone_is_checked_from_the_genesis_before_it_is_believed() {
    let mut scene = used();
    let mut other = elsewhere(&mut scene);
    let fork = scene.questioned().unwrap();
    // one that lies is not believed, and changes nothing
    let mut bytes = fork.encode();
    let mut wrong = 0;
    for at in (0..bytes.len()).step_by(bytes.len() / 200) {
        bytes[at] ^= 0x40;
        if let Ok(altered) = Fork::parse(&bytes) {
            wrong += 1;
            let reported = other.store().report_fork(&altered);
            assert!(
                matches!(reported, Err(StoreError::NoFork(_) | StoreError::UnknownLineage { .. })),
                "{reported:?}"
            );
        }
        bytes[at] ^= 0x40;
    }
    println!("{wrong} altered forks that parse");
    assert!(wrong > 50 && other.store().forks(None).unwrap().is_empty());
    let reported = other.store().report_fork(&Fork::parse(&bytes).unwrap()).unwrap();
    assert_eq!((reported.start, reported.is_new), (ForkStart::Genesis, true));
    let t = 3 << 24;
    let challenge = other.ask("the web server", t).unwrap();
    assert_eq!(other.store().forks(Some("the web server")).unwrap().len(), 1);
    // the host itself would answer: it is refused, as nobody can tell which it is
    let proof = scene.host.prove(t, &[challenge]).remove(0).encode();
    let refused = other.verify("the web server", &proof, t + WAY);
    assert_eq!(refused.unwrap_err(), selfsame::Refusal::KnownFork);
    // who never heard of the lineage has nothing to hold it against
    let reported = Party::default().store().report_fork(&fork);
    assert!(matches!(reported, Err(StoreError::UnknownLineage { .. })), "{reported:?}");
}

#[test]
fn one_without_the_way_convinces_only_who_holds_the_moment() {
    let mut scene = used();
    let mut other = elsewhere(&mut scene);
    let Scene { party, host, .. } = &mut scene;
    // the host no longer has the way, say: it answers with the bare hop
    let fork = party.questioned(PEER, |index, tier| {
        let answer = asked_for_hop(host, index, tier)?;
        Some(HopAnswer { hop: answer.hop, way: Vec::new() })
    });
    let fork = fork.expect("for who asks");
    assert!(!fork.is_for_anyone() && fork.check([]).is_err());
    assert_eq!(
        party.store().forks(Some(PEER)).unwrap(),
        std::slice::from_ref(&fork),
        "who asked holds the moment"
    );
    let reported = other.store().report_fork(&fork);
    assert!(matches!(reported, Err(StoreError::NoFork(_))), "{reported:?}");
    // a fork that was found so can be made one for anyone
    let better = scene.questioned().expect("with the way");
    assert!(convinces_anyone(&better, scene.host.lineage.id()));
    assert_eq!(scene.party.store().forks(Some(PEER)).unwrap(), [better]);
}

#[test]
fn an_honest_host_that_is_asked_shows_no_fork() {
    let times = Times { met: 1 << 22, copied: 1 << 23 };
    let mut scene = Scene::until_copied(5, times, Beat { every: 8 * SECOND, phase: 5 });
    scene.meets(times.copied).unwrap();
    let questions = scene.party.store().questions(PEER).unwrap();
    let answered = questions.iter().filter(|(x, k)| asked_for_hop(&scene.host, *x, *k).is_some()).count();
    assert!(
        answered > 0 && scene.questioned().is_none(),
        "of {} questions {answered} answered",
        questions.len()
    );
}
