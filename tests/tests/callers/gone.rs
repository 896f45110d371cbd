//! Those who end, and whose connection goes on elsewhere.

use crate::scene::{Scene, only, user};

#[tokio::test]
async fn of_a_process_that_has_ended_only_the_user_is_told() {
    let scene = Scene::start().await;
    let (mut caller, connection) = scene.connected(&user!(5)).await;
    assert_eq!(scene.told_of(&connection).await.pid, Some(caller.pid()));
    // not waited for: its pid is still its own
    caller.end();
    assert_eq!(scene.told_of(&connection).await, only(5));
    caller.go();
    assert_eq!(scene.told_of(&connection).await, only(5));
}

#[tokio::test]
async fn so_it_is_where_it_ended_before_it_was_looked_at() {
    let scene = Scene::start().await;
    // before its first call
    let (mut caller, connection) = scene.connected(&user!(5)).await;
    caller.go();
    assert_eq!(scene.told_of(&connection).await, only(5));
    // and before it was on the bus at all
    let mut caller = scene.connecting(&user!(5));
    caller.go();
    let connection = caller.hello(5).await;
    assert_eq!(scene.told_of(&connection).await, only(5));
}

/// The connection lives on in this process, which is another user's and never connected by it: as after a fork.
#[tokio::test]
async fn who_has_the_connection_now_is_not_told_in_place_of_who_made_it() {
    let scene = Scene::start().await;
    let (mut caller, connection) = scene.connected(&user!(5)).await;
    let subject = scene.told_of(&connection).await;
    assert_eq!((subject.uid, subject.pid), (Some(5), Some(caller.pid())));
    assert_eq!(subject.exe.as_deref(), scene.connects().to_str());
    caller.go();
    let subject = scene.told_of(&connection).await;
    assert_eq!(subject, only(5), "nothing of process {}", std::process::id());
}

#[tokio::test]
async fn one_that_was_on_the_bus_before_the_agent_is_known_only_where_it_is_pinned() {
    let by = user!(5);
    let (scene, there) = Scene::start_after(&[&by], |_| None).await;
    let (caller, connection) = &there[0];
    let subject = scene.told_of(connection).await;
    if scene.pins().await {
        assert_eq!((subject.uid, subject.pid), (Some(5), Some(caller.pid())));
    } else {
        assert_eq!(subject, only(5));
    }
    // one that comes later is known to both
    let (later, connection) = scene.connected(&by).await;
    assert_eq!(scene.told_of(&connection).await.pid, Some(later.pid()));
}
