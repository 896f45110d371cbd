//! What the TPM answers: codes, garbage, too little, what somebody on the wire has altered.

use selfsame_tpm_sim::{CommandCode, How, When};

use crate::scene::Scene;

/// Plays a fault in which `when` is disturbed by `how`, as often as it is asked.
async fn played(fault: &str, when: When, how: How) {
    let mut scene = Scene::start().await;
    scene.tapped.tap.disturb(when, how);
    let during = scene.until_degraded().await;
    scene.tapped.tap.calm();
    scene.recovers(fault, during).await;
}

const RANDOM: When = When::Command(CommandCode::GET_RANDOM);

// TPM 2.0 Part 2, 6.6.3.
const TPM_RC_FAILURE: u32 = 0x101;
const TPM_RC_LOCKOUT: u32 = 0x921;
const TPM_RC_RETRY: u32 = 0x922;

#[tokio::test]
async fn rc_retry() {
    played("TPM_RC_RETRY", RANDOM, How::Code(TPM_RC_RETRY)).await;
}

#[tokio::test]
async fn rc_failure() {
    played("TPM_RC_FAILURE", When::Every, How::Code(TPM_RC_FAILURE)).await;
}

#[tokio::test]
async fn rc_lockout() {
    played("TPM_RC_LOCKOUT", RANDOM, How::Code(TPM_RC_LOCKOUT)).await;
}

#[tokio::test]
async fn garbage() {
    played("garbage", When::Every, How::Garbage(7)).await;
}

#[tokio::test]
async fn short_answers() {
    played("short answers", RANDOM, How::Truncate(20)).await;
}

#[tokio::test]
async fn answers_that_are_cut_off() {
    played("answers cut off, and the connection closed", When::Every, How::Cut(14)).await;
}

#[tokio::test]
async fn altered_session_answers() {
    played("altered session answers", RANDOM, How::Flip { byte: 20 }).await;
}

#[tokio::test]
async fn commands_that_are_swallowed() {
    played("commands swallowed", When::Every, How::Drop).await;
}
