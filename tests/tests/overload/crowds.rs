//! Many callers, and callers that vanish.

use futures_util::future::join_all;
use selfsame_dbus::Identity1Proxy;

use crate::{
    callers::{Answer, Question, USERS, connect},
    held::Held,
    scene::{Scene, Taken, count},
};

/// What the agent may take more than before, at its most. A moment answers 2,048 calls, each first proof is some 30 KiB, and is
/// there as hops and as bytes until the bus has taken it; measured: 150 MiB.
const GROWTH_MOST_KIB: u64 = 256 * 1024;

/// Waits until the agent takes no more files and threads than before, and looks at its memory.
async fn back_to(scene: &Scene, before: Taken) -> Taken {
    let wait = async {
        loop {
            let now = scene.taken();
            if now.files <= before.files && now.threads <= before.threads {
                return now;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let after = tokio::time::timeout(std::time::Duration::from_secs(60), wait).await;
    let after = after.unwrap_or_else(|_| panic!("{:?}, and before {before:?}", scene.taken()));
    assert!(after.resident_most_kib <= before.resident_kib + GROWTH_MOST_KIB, "{before:?} {after:?}");
    after
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_are_answered_or_told_that_it_is_busy() {
    let (calls, each) = (count(10_000), 5);
    let scene = Scene::start().await;
    let lineage = scene.lineage().await;
    // once, so that what is made at first is made
    assert!(matches!(Question::new(lineage).ask(&scene.identity().await).await, Answer::Moment(_)));
    let before = scene.taken();
    let mut identities = Vec::new();
    for number in 0..calls / each {
        // of ten users
        let uid = USERS[number % USERS.len()];
        let connection = connect(scene.bus.address(), uid).await;
        identities.push(Identity1Proxy::uncached(&connection).await.unwrap());
    }
    let asked = identities.iter().flat_map(|identity| {
        (0..each).map(|_| {
            let identity = identity.clone();
            tokio::spawn(async move { Question::new(lineage).ask(&identity).await })
        })
    });
    let answers: Vec<Answer> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    let answered = answers.iter().filter(|answer| matches!(answer, Answer::Moment(_))).count();
    assert_eq!(answers.len(), calls);
    assert!(answered > 0);
    let most = scene.taken();
    drop(identities);
    let after = back_to(&scene, before).await;
    println!(
        "{calls} calls by {} connections of ten users: {answered} answered, {} busy",
        calls / each,
        calls - answered
    );
    println!("{before:?} before, {most:?} at the end of it, {after:?} after");
    // all is as it was for whoever comes then
    assert!(matches!(Question::new(lineage).ask(&scene.identity().await).await, Answer::Moment(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_vanish_leave_nothing_behind() {
    let (connections, each) = (count(500), 10);
    let scene = Scene::start().await;
    let lineage = scene.lineage().await;
    assert!(matches!(Question::new(lineage).ask(&scene.identity().await).await, Answer::Moment(_)));
    let before = scene.taken();
    for round in 0..3 {
        let held = Held::thread(scene.agent.pid(), "keeper");
        let mut calls = Vec::new();
        for number in 0..connections {
            let uid = USERS[number % USERS.len()];
            let connection = connect(scene.bus.address(), uid).await;
            let identity = Identity1Proxy::uncached(&connection).await.unwrap();
            let in_flight = (0..each).map(|_| {
                let identity = identity.clone();
                tokio::spawn(async move { Question::new(lineage).ask(&identity).await })
            });
            calls.extend(in_flight.collect::<Vec<_>>());
            // what is read by the same connection after them says that they are on their way
            identity.index().await.unwrap();
        }
        // with each call goes the last that holds its connection
        calls.iter().for_each(tokio::task::JoinHandle::abort);
        drop(join_all(calls).await);
        drop(held);
        // its own call is answered all the same, after or with what nobody waits for
        let answer = Question::new(lineage).ask(&scene.identity().await).await;
        assert!(matches!(answer, Answer::Moment(_)), "round {round}");
    }
    let after = back_to(&scene, before).await;
    println!("3 times {connections} connections with {each} calls each: {before:?} before, {after:?} after");
}
