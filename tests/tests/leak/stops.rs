//! Stopped at random under load: the secrets are in the page alone.

use std::{path::Path, time::Duration};

use crate::{built, scene::Scene, tally::Tally};

/// Looks at an agent when its lineage was born, and when it goes on after a crash; then stops it at random until the keeper was
/// seen waiting, half of `waits` times while nobody asks and `waits` times under load; then looks into what was written and
/// sent.
async fn stopped(memory: &str, program: &Path, waits: u64) -> Tally {
    let mut scene = Scene::start(memory, program).await;
    let mut tally = Tally::default();
    tally.add(scene.look());
    scene.crash().await;
    tally.add(scene.look());
    stop(&scene, memory, &mut tally, waits / 2).await;
    scene.load().await;
    stop(&scene, memory, &mut tally, waits).await;
    scene.look_at_what_was_written(&mut tally).await;
    println!("\nmemory = {memory}: {tally}");
    for place in ["heap", "anonymous", "file-backed", "stack:keeper", "registers", "helper:registers", "bus"]
    {
        assert!(tally.has(place), "{place} was not looked at");
    }
    tally
}

async fn stop(scene: &Scene, memory: &str, tally: &mut Tally, waits: u64) {
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    let [seen, works] = tally.stops;
    while tally.stops[0] < seen + waits {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // from the middle of a proof to several proofs and a beat later
        tokio::time::sleep(Duration::from_micros((chance >> 33) % 100_000)).await;
        let look = scene.look();
        assert_eq!(look.page_is_readable, memory == "locked", "the page through /proc/PID/mem");
        tally.add(look);
        assert!(tally.stops[1] < works + 50 * waits.max(10), "the keeper never waits");
    }
}

/// All are 100 in each mode, and 50 while nobody asks.
fn waits() -> u64 {
    let full = std::env::var_os("SELFSAME_FULL").is_some_and(|value| value == "1");
    if full { 100 } else { 10 }
}

async fn nothing_is_found(memory: &str) {
    let tally = stopped(memory, built::optimised_agent(), waits()).await;
    assert_eq!(tally.left_behind(), 0, "left behind: {tally}");
    assert_eq!(tally.strayed(), 0, "elsewhere than with the keeper: {tally}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_in_secret_memory_are_nowhere_else() {
    nothing_is_found("secret").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_in_locked_memory_are_nowhere_else() {
    nothing_is_found("locked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_wiping_they_are_found() {
    let tally = stopped("locked", built::unwiped_agent(), 10).await;
    assert!(
        tally.left_behind() > 0,
        "nothing is left without wiping, so this could not have found it: {tally}"
    );
    // the bytes that agent/src/page/stack.rs wipes and locks
    assert!(tally.depth <= 96 * 1024, "the keeper's stack goes deeper than it is wiped: {tally}");
}
