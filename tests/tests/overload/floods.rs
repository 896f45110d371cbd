//! Floods of some users, and one call of another.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use selfsame_dbus::Identity1Proxy;

use crate::{
    callers::{Answer, NOBODY, Question, USERS, connect},
    held::Held,
    scene::Scene,
};

/// How many Prove calls of one user may wait.
const WAITING: usize = 1024;

/// What one moment takes.
const BATCH: usize = 2048;

/// Users who flood, each with its queue full, while the keeper stands still; then one call of another user. What came of
/// the floods, and the moment of that one.
async fn flood(users: usize) -> (Vec<Answer>, u64) {
    let scene = Scene::start().await;
    let lineage = scene.lineage().await;
    let mut floods = Vec::new();
    for user in &USERS[..users] {
        let connection = connect(scene.bus.address(), *user).await;
        floods.push(Identity1Proxy::uncached(&connection).await.unwrap());
    }
    let other = connect(scene.bus.address(), NOBODY).await;
    let other = Identity1Proxy::uncached(&other).await.unwrap();
    // the agent knows who they are
    for identity in floods.iter().chain([&other]) {
        assert!(matches!(Question::new(lineage).ask(identity).await, Answer::Moment(_)));
    }

    let held = Held::thread(scene.agent.pid(), "keeper");
    let mut waits = Vec::new();
    for identity in &floods {
        let ask = || {
            let (identity, question) = (identity.clone(), Question::new(lineage));
            tokio::spawn(async move { question.ask(&identity).await })
        };
        let mut own: Vec<_> = (0..WAITING).map(|_| ask()).collect();
        // the keeper stands still: whatever is answered now is a refusal, and comes when the queue is full
        while !own.iter().any(tokio::task::JoinHandle::is_finished) {
            own.push(ask());
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        waits.extend(own);
    }
    let theirs = tokio::spawn({
        let (other, question) = (other.clone(), Question::new(lineage));
        async move { question.ask(&other).await }
    });
    // what is read by the same connection after it says that the agent has taken it in
    while !is_in(&other, &theirs).await {}
    drop(held);
    let answers: Vec<Answer> = join_all(waits).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        answers.iter().filter_map(moment).count(),
        WAITING * floods.len(),
        "so many may wait, and no more"
    );
    let Answer::Moment(head) = theirs.await.unwrap() else { panic!("busy, though it had nothing waiting") };
    (answers, head)
}

async fn is_in(identity: &Identity1Proxy<'_>, theirs: &tokio::task::JoinHandle<Answer>) -> bool {
    tokio::task::yield_now().await;
    for _ in 0..3 {
        identity.index().await.unwrap();
    }
    assert!(!theirs.is_finished(), "the keeper stands still");
    true
}

#[tokio::test]
async fn with_ones_queue_full_another_is_in_the_next_moment() {
    let (answers, head) = flood(1).await;
    let moments: BTreeSet<u64> = answers.iter().filter_map(moment).collect();
    assert_eq!(moments.first(), Some(&head), "{moments:?}");
    println!(
        "a flood of {} calls by one user, another user's call in moment 1 of {}",
        answers.len(),
        moments.len()
    );
}

#[tokio::test]
async fn with_more_waiting_than_a_moment_takes_another_is_in_the_next_one_still() {
    let (answers, head) = flood(4).await;
    let moments: BTreeSet<u64> = answers.iter().filter_map(moment).collect();
    let waiting = answers.iter().filter_map(moment).count();
    assert!(waiting > BATCH, "{waiting} waited");
    assert!(moments.len() >= 2, "{moments:?}");
    assert_eq!(moments.first(), Some(&head), "it came last, and is in the first of {moments:?}");
    let first = answers.iter().filter_map(moment).filter(|moment| *moment == head).count();
    assert_eq!(first, BATCH - 1, "all of that moment is used");
    println!("floods of {waiting} calls by four users, another user's call in moment 1 of {}", moments.len());
}

fn moment(answer: &Answer) -> Option<u64> {
    match answer {
        Answer::Moment(index) => Some(*index),
        Answer::Busy => None,
    }
}
