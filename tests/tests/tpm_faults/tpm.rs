//! The TPM itself: killed, restarted, stopped, slow.

use std::time::Duration;

use selfsame_tpm_sim::{CommandCode, How, When};

use crate::scene::Scene;

#[tokio::test]
async fn killed() {
    let mut scene = Scene::start().await;
    scene.tapped.host.tpm.kill().unwrap();
    let during = scene.until_degraded().await;
    scene.tapped.host.tpm.restart().unwrap();
    scene.recovers("killed, and started again", during).await;
}

#[tokio::test]
async fn restarted() {
    let mut scene = Scene::start().await;
    scene.tapped.host.tpm.restart().unwrap();
    let during = scene.until_degraded().await;
    scene.recovers("restarted at once", during).await;
}

/// SIGSTOP: the call into the TPM's stack blocks for ever.
#[tokio::test]
async fn stopped() {
    let mut scene = Scene::start().await;
    let helper = scene.tapped.helper();
    scene.tapped.host.tpm.freeze().unwrap();
    let during = scene.until_degraded().await;
    assert!(!scene.tapped.helpers().contains(&helper), "the helper that hung was killed");
    scene.tapped.host.tpm.thaw().unwrap();
    scene.recovers("stopped (SIGSTOP)", during).await;
}

/// A second for each command: slower than any hardware, and still not failed.
#[tokio::test]
async fn slow() {
    let scene = Scene::start().await;
    scene.tapped.tap.take();
    scene.tapped.tap.disturb(When::Every, How::Delay(Duration::from_secs(1)));
    let (tap, identity) = (&scene.tapped.tap, scene.tapped.host.identity().await);
    let draws = || tap.exchanges().iter().filter(|found| found.code() == CommandCode::READ_CLOCK).count();
    let over = async || {
        assert_ne!(identity.condition().await.unwrap(), "degraded", "slow is not failed");
        draws() >= 2
    };
    let mut caller = crate::phases::Caller::new(scene.tapped.host.lineage().await);
    let during = caller.phase(&scene.tapped.host, over).await;
    scene.tapped.tap.calm();
    scene.recovers("slow: 1 s a command", during).await;
}
