//! The helper process: killed, stopped.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::scene::Scene;

async fn signalled(fault: &str, signal: Signal) {
    let mut scene = Scene::start().await;
    let helper = scene.tapped.helper();
    kill(Pid::from_raw(helper.cast_signed()), signal).unwrap();
    let during = scene.until_degraded().await;
    assert!(!scene.tapped.helpers().contains(&helper), "it was waited for");
    scene.recovers(fault, during).await;
}

#[tokio::test]
async fn helper_killed() {
    signalled("helper killed (SIGKILL)", Signal::SIGKILL).await;
}

#[tokio::test]
async fn helper_stopped() {
    signalled("helper stopped (SIGSTOP)", Signal::SIGSTOP).await;
}
