//! What the journal hears of refusals: enough to know of them, and not more than a user can make of it.

use crate::scene::{MEMBER, STRANGER, Scene};

#[tokio::test]
async fn of_each_user_who_is_refused_it_hears_once_a_minute() {
    let scene = Scene::start().await;
    for _ in 0..20 {
        scene.identity(STRANGER).await.genesis().await.unwrap_err();
    }
    // not as a member: its connection has not the group
    scene.identity(MEMBER).await.callers().await.unwrap_err();
    let log = scene.agent.stderr();
    for user in [STRANGER, MEMBER] {
        let of_user = format!("user {} is neither root nor in group selfsame", user.uid);
        assert_eq!(log.lines().filter(|line| line.contains(&of_user)).count(), 1, "{log}");
    }
}
