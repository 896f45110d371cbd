//! Many reconnects, with the back-off at its least: nothing piles up, neither here nor in the TPM.

use std::time::Duration;

use selfsame_tests::Tapped;
use selfsame_tpm_sim::{CommandCode, Exchange, How, When};

use crate::scene::Scene;

#[tokio::test]
async fn no_handle_is_left_over_200_reconnects() {
    let full = std::env::var_os("SELFSAME_FULL").is_some_and(|value| value == "1");
    let reconnects = if full { 200 } else { 20 };
    let mut scene = Scene::start().await;
    for number in 1..reconnects {
        reconnect(&scene.tapped, number).await;
    }
    // the last one is what the caller sees
    scene.tapped.tap.disturb(When::Next(CommandCode::GET_RANDOM), fault(0));
    let during = scene.until_degraded().await;
    scene.recovers(&format!("the last of {reconnects} reconnects"), during).await;
}

/// Has a draw fail, and waits until the agent has a new session.
async fn reconnect(tapped: &Tapped, number: usize) {
    tapped.tap.take();
    if number.is_multiple_of(10) {
        // now and then the start fails too, and leaves its primary behind
        tapped.tap.disturb(When::Next(CommandCode::FLUSH_CONTEXT), How::HangUp);
    }
    tapped.tap.disturb(When::Next(CommandCode::GET_RANDOM), fault(number));
    let connected = async {
        while !has_started_anew(&tapped.tap.exchanges()) || !tapped.works().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), connected).await.is_ok();
    assert!(in_time, "reconnect {number}: {}", tapped.host.agent.stderr());
}

/// Whether a start has gone through to the end of a draw.
fn has_started_anew(exchanges: &[Exchange]) -> bool {
    let mut codes = exchanges.iter().map(Exchange::code);
    codes.any(|code| code == CommandCode::CREATE_PRIMARY) && codes.any(|code| code == CommandCode::READ_CLOCK)
}

/// A session is left in the TPM by each of these.
fn fault(number: usize) -> How {
    match number % 3 {
        0 => How::Flip { byte: 20 },
        1 => How::HangUp,
        // TPM_RC_FAILURE
        _ => How::Code(0x101),
    }
}
