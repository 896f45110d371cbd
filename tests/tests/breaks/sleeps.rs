//! A suspend, as logind tells it; and the way back from a hibernation.

use selfsame_tests::{PrivateBus, manager::PAGE};

use crate::{
    logind::Logind,
    scene::{LIMIT, PLAIN, Scene, Setting, next_end},
};

/// A host with logind on its bus, which beats so rarely that each moment is one that was asked for.
async fn host(settings: &str) -> (Scene, Logind) {
    let bus = PrivateBus::start();
    let logind = Logind::start(&bus).await;
    (Scene::start(Setting { settings, bus: Some(bus), ..Setting::default() }).await, logind)
}

async fn moments(scene: &Scene) -> u64 {
    scene.identity().await.moments().await.unwrap()
}

#[tokio::test]
async fn a_suspend_waits_for_a_last_moment_and_is_followed_by_a_stirred_one() {
    let (scene, mut logind) = host(PLAIN).await;
    let lineage = scene.lineage().await;
    let inhibitor = logind.inhibitor().await;
    assert_eq!(inhibitor.arguments[..2], ["sleep", "selfsame"]);
    assert_eq!(inhibitor.arguments[3], "delay");
    scene.wait_until("the inhibitor", async || scene.check("sleep").await.state == "ok").await;

    let before = moments(&scene).await;
    logind.say(true).await;
    inhibitor.let_go().await;
    assert!(moments(&scene).await > before, "the moment is there before the machine may sleep");
    scene.manager.logged("a last moment is_made=true").await;
    assert_ne!(scene.check("sleep").await.state, "ok");

    logind.say(false).await;
    // taken again, for the next sleep
    let again = logind.inhibitor().await;
    let told = scene.manager.stderr();
    assert!(told.contains("awake again: stirred, and a moment is_made=true slept_ms=0"), "{told}");
    assert_eq!(scene.lineage().await, lineage, "a suspend ends nothing");
    logind.say(true).await;
    again.let_go().await;
}

#[tokio::test]
async fn after_a_hibernation_the_next_lineage_begins() {
    let (scene, mut logind) = host(PLAIN).await;
    let _inhibitor = logind.inhibitor().await;
    let old = scene.lineage().await.to_string();
    let mut ends = scene.ends().await;
    scene.identity().await.end("hibernate").await.unwrap();
    logind.say(true).await;
    assert!(scene.manager.kept(PAGE).is_none());
    logind.say(false).await;
    let (ended, reason, successor) = next_end(&mut ends).await;
    assert_eq!((ended, reason.as_str()), (old.clone(), "hibernate"));
    assert_eq!(scene.lineage().await.to_string(), successor);
    assert_eq!(scene.origin().await, ("hibernate".to_owned(), old));
    tokio::time::timeout(LIMIT, logind.inhibitor()).await.expect("taken again");
}

#[tokio::test]
async fn a_logind_that_comes_later_is_asked_then() {
    let scene = Scene::start(Setting::default()).await;
    scene.manager.logged("logind does not wait for a last moment").await;
    assert_eq!(scene.check("sleep").await.state, "info");
    let mut logind = Logind::start(&scene.bus).await;
    let inhibitor = logind.inhibitor().await;
    logind.say(true).await;
    inhibitor.let_go().await;
}
