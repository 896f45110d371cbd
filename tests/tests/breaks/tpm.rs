//! A TPM that is reset under the living agent.

use selfsame_tpm_sim::Simulator;

use crate::scene::{Scene, Setting, next_end};

fn settings(on_tpm_reset: &str) -> String {
    format!(
        "require = []\nsources = [\"tpm\", \"kernel\"]\nmemory = \"locked\"\ntpm_interval_s = 1\n\
         on_tpm_reset = \"{on_tpm_reset}\"\n"
    )
}

/// A host whose first draw has told the TPM's counters.
async fn drawn(tpm: &Simulator, on_tpm_reset: &str) -> Scene {
    let settings = settings(on_tpm_reset);
    let setting = Setting { settings: &settings, tcti: Some(tpm.tcti()), ..Setting::default() };
    let scene = Scene::start(setting).await;
    let drawn = async || {
        let introduction = scene.identity().await.introduce().await.unwrap();
        let introduction = selfsame::Introduction::parse(&introduction).unwrap();
        let moment = introduction.moment().map(|moment| moment.evidence().fields().tpm_clock.is_some());
        introduction.genesis().evidence().fields().tpm_clock.is_some() || moment == Some(true)
    };
    scene.wait_until("the TPM's clock", drawn).await;
    scene
}

#[tokio::test]
async fn a_reset_of_the_tpm_is_marked_and_the_lineage_goes_on() {
    let mut tpm = Simulator::start().unwrap();
    let scene = drawn(&tpm, "mark").await;
    let lineage = scene.lineage().await;
    tpm.restart().unwrap();
    scene.manager.logged("the TPM was reset").await;
    // the source works again; what degrades it now is the mark
    let works = async || scene.identity().await.sources().await.unwrap().iter().all(|source| source.healthy);
    scene.wait_until("the TPM", works).await;
    assert_eq!(scene.identity().await.condition().await.unwrap(), "degraded");
    let check = scene.check("lineage").await;
    assert!(check.finding.contains("the TPM was reset: resetCount was"), "{check:?}");
    assert_eq!(scene.lineage().await, lineage);
    // until it ends
    scene.identity().await.end("ended").await.unwrap();
    let steady = async || scene.identity().await.condition().await.unwrap() == "steady";
    scene.wait_until("the condition", steady).await;
}

#[tokio::test]
async fn where_it_is_to_end_the_lineage_it_does() {
    let mut tpm = Simulator::start().unwrap();
    let scene = drawn(&tpm, "end").await;
    let old = scene.lineage().await.to_string();
    let mut ends = scene.ends().await;
    tpm.restart().unwrap();
    let (ended, reason, successor) = next_end(&mut ends).await;
    assert_eq!((ended, reason.as_str()), (old, "reset"));
    assert_eq!(scene.lineage().await.to_string(), successor);
}
