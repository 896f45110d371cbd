//! A polkit that does not answer, and one that comes and goes.

use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use selfsame_dbus::{CallError, Error, Identity1Proxy};
use zbus::fdo::DBusProxy;

use crate::{
    callers::Who,
    heard::Heard,
    polkit::NAME,
    scene::{CHECKER, MEMBER, PROVER, STRANGER, Scene},
};

fn refusal<T: std::fmt::Debug>(answer: Result<T, CallError>) -> String {
    match answer {
        Err(CallError::Refused(Error::NotAuthorized(text), _)) => text,
        other => panic!("{other:?}"),
    }
}

/// How many calls of a user may wait for polkit. Source: `WAITING_PER_UID` in agent/src/service/rights/polkit.rs.
const WAITING: usize = 64;

#[tokio::test]
async fn while_polkit_hangs_who_needs_it_waits_and_is_refused_and_others_go_on() {
    let (scene, polkit) = Scene::with_polkit().await;
    let member = scene.connect(Who { user: MEMBER, is_member: true }).await;
    let member = Identity1Proxy::uncached(&member).await.unwrap();
    let root = Identity1Proxy::uncached(&scene.bus.connect().await).await.unwrap();
    polkit.signal(Signal::SIGSTOP);

    let prover = scene.identity(PROVER).await;
    let waits = tokio::spawn(async move { prover.genesis().await });
    // a crowd of another user's, of which some are too many
    let stranger = scene.identity(STRANGER).await;
    let crowd = tokio::spawn(async move { join_all((0..2 * WAITING).map(|_| stranger.genesis())).await });
    for _ in 0..100 {
        member.introduce().await.unwrap();
        root.genesis().await.unwrap();
    }
    let text = refusal(waits.await.unwrap());
    assert!(text.contains("polkit does not answer"), "{text}");

    let answers = crowd.await.unwrap();
    let busy = answers.iter().filter(|answer| matches!(answer, Err(CallError::Refused(Error::Busy(_), _))));
    assert_eq!(busy.count(), WAITING);
    let silent =
        answers.into_iter().filter(|answer| !matches!(answer, Err(CallError::Refused(Error::Busy(_), _))));
    assert!(silent.map(refusal).all(|text| text.contains("polkit does not answer")));
    // what it did not answer is not held against anybody for longer than an answer would be
    polkit.signal(Signal::SIGCONT);
    scene.identity(PROVER).await.genesis().await.unwrap();
}

#[tokio::test]
async fn polkit_counts_from_when_it_is_there_to_when_it_has_gone() {
    let mut scene = Scene::start().await;
    let prover = scene.identity(PROVER).await;
    let text = refusal(prover.genesis().await);
    assert!(text.contains("there is no polkit to ask"), "{text}");
    let polkit = scene.start_polkit().await;
    // the bus tells the agent, too, and it looks at this after it: so its answer comes after that
    prover.index().await.unwrap();
    prover.genesis().await.unwrap();
    drop(polkit);
    // when it is heard of here, the agent is told, too
    let connection = scene.bus.connect().await;
    let bus = DBusProxy::new(&connection).await.unwrap();
    while bus.name_has_owner(NAME.try_into().unwrap()).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    prover.index().await.unwrap();
    let text = refusal(prover.genesis().await);
    assert!(text.contains("there is no polkit to ask"), "{text}");
}

/// How many questions to polkit may be open. Source: `OPEN_MOST` there.
const OPEN: usize = 32;

#[tokio::test]
async fn however_many_ask_few_questions_to_a_polkit_that_hangs_are_open() {
    let (scene, polkit) = Scene::with_polkit().await;
    let mut heard = Heard::on(&scene).await;
    polkit.signal(Signal::SIGSTOP);
    // one after the other gives up, and its question stays open
    for user in [STRANGER, CHECKER] {
        let callers = join_all((0..WAITING).map(|_| scene.identity(user))).await;
        let answers = join_all(callers.iter().map(|caller| caller.genesis())).await;
        assert!(answers.into_iter().map(refusal).all(|text| text.contains("polkit does not answer")));
    }
    assert_eq!(heard.questions().await, OPEN);
    polkit.signal(Signal::SIGCONT);
    scene.identity(PROVER).await.genesis().await.unwrap();
}
