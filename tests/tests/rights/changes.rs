//! Answers of polkit's are kept a short while, and not beyond what may make them wrong.

use std::{
    fs,
    time::{Duration, Instant},
};

use selfsame_dbus::{CallError, Error, Identity1Proxy};
use selfsame_tests::{MEMBERS, Users, connect_as};
use tokio::time::timeout;

use crate::{
    heard::Heard,
    polkit::{RULES, RULES_WITHDRAWN},
    scene::{LIMIT, MEMBER, PROVER, STRANGER, Scene},
};

/// As long as an answer is kept: KEEP in agent/src/service/rights/polkit.rs. Beyond it there is one more question.
const KEPT: Duration = Duration::from_secs(5);

fn is_refused<T>(answer: &Result<T, CallError>) -> bool {
    matches!(answer, Err(CallError::Refused(Error::NotAuthorized(_), _)))
}

#[tokio::test]
async fn an_answer_is_kept_for_the_connection_and_the_action() {
    let (scene, _polkit) = Scene::with_polkit().await;
    let mut heard = Heard::on(&scene).await;
    let mut begun = Instant::now();
    let prover = scene.identity(PROVER).await;
    let stranger = scene.identity(STRANGER).await;
    assert_eq!(heard.questions().await, 0);
    // those that come while it is asked wait for the same answer
    let answers = futures_util::future::join_all((0..20).map(|_| prover.genesis())).await;
    assert!(answers.iter().all(Result::is_ok));
    prover.introduce().await.unwrap();
    let questions = heard.questions().await;
    assert!(questions == 1 || begun.elapsed() > KEPT, "{questions}");
    begun = Instant::now();
    for _ in 0..20 {
        assert!(is_refused(&stranger.genesis().await));
    }
    let questions = heard.questions().await;
    assert!(questions == 1 || begun.elapsed() > KEPT, "a refusal is kept, too: {questions}");
    scene.identity(PROVER).await.genesis().await.unwrap();
    assert_eq!(heard.questions().await, 1, "another connection of the same user is asked for anew");
}

#[tokio::test]
async fn of_root_and_of_members_nobody_is_asked_once_they_are_known() {
    let (scene, _polkit) = Scene::with_polkit().await;
    let mut heard = Heard::on(&scene).await;
    let member = connect_as(scene.bus.address(), MEMBER.uid, &[MEMBERS]).await;
    for connection in [member, scene.bus.connect().await] {
        let identity = Identity1Proxy::uncached(&connection).await.unwrap();
        identity.genesis().await.unwrap();
        assert!(heard.calls().await.contains(&"GetConnectionCredentials".to_owned()));
        identity.genesis().await.unwrap();
        identity.introduce().await.unwrap();
        identity.callers().await.unwrap();
        assert_eq!(heard.calls().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_rule_that_is_changed_counts_at_once() {
    let (scene, polkit) = Scene::with_polkit().await;
    let prover = scene.identity(PROVER).await;
    prover.genesis().await.unwrap();
    polkit.change_rules(RULES_WITHDRAWN).await;
    // the bus has told the agent before this gets to it
    prover.index().await.unwrap();
    assert!(is_refused(&prover.genesis().await), "an answer was kept beyond a change of the rules");
    polkit.change_rules(RULES).await;
    prover.index().await.unwrap();
    prover.genesis().await.unwrap();
}

#[tokio::test]
async fn who_joins_the_group_is_a_member_from_their_next_connection_on() {
    let scene = Scene::start().await;
    let before = scene.identity(MEMBER).await;
    assert!(is_refused(&before.genesis().await));
    let after = connect_as(scene.bus.address(), MEMBER.uid, &[MEMBERS]).await;
    Identity1Proxy::uncached(&after).await.unwrap().genesis().await.unwrap();
    assert!(is_refused(&before.genesis().await), "its groups are those of when it connected");
}

#[tokio::test]
async fn a_group_that_is_made_while_the_agent_runs_counts() {
    let with = fs::read_to_string(Users::with(&[]).path("group")).unwrap();
    let without: String =
        with.lines().filter(|line| !line.starts_with("selfsame:")).map(|line| format!("{line}\n")).collect();
    let scene = Scene::start_with(|users| fs::write(users.path("group"), &without).unwrap()).await;
    let member = connect_as(scene.bus.address(), MEMBER.uid, &[MEMBERS]).await;
    let member = Identity1Proxy::uncached(&member).await.unwrap();
    assert!(is_refused(&member.genesis().await));
    // in the same file: another in its place would not be seen where this one is mounted
    fs::write(scene.users.path("group"), &with).unwrap();
    let counts = async {
        while is_refused(&member.genesis().await) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LIMIT, counts).await.expect("the group is looked for again");
}
