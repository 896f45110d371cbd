//! What was handed a lineage never ends over its settings, nor over `require`.

use crate::unit::{PLAIN, Unit};

#[tokio::test]
async fn bad_settings_end_no_lineage_that_was_handed_over() {
    let mut unit = Unit::start(PLAIN).await;
    let lineage = unit.lineage().await;
    for bad in ["beat_s = \"soon\"\n", "no TOML at all [", "colour = 1\n"] {
        unit.set_settings(bad);
        unit.crash().await;
        assert_eq!(unit.lineage().await, lineage);
        unit.manager.logged("going on with the last settings that worked").await;
        assert_eq!(unit.identity().await.condition().await.unwrap(), "degraded");
    }
    unit.set_settings(PLAIN);
    unit.crash().await;
    assert_eq!(unit.lineage().await, lineage);
    assert!(!unit.manager.stderr().contains("last settings"), "{}", unit.manager.stderr());
}

#[tokio::test]
async fn a_require_that_is_not_met_ends_no_lineage_that_was_handed_over() {
    let mut unit = Unit::start(PLAIN).await;
    let lineage = unit.lineage().await;
    unit.set_settings("require = [\"tpm\"]\ntcti = \"device:/nonexistent/tpm\"\n");
    unit.crash().await;
    assert_eq!(unit.lineage().await, lineage);
    assert_eq!(unit.identity().await.condition().await.unwrap(), "degraded");
}

#[tokio::test]
async fn the_same_bad_settings_end_an_agent_that_was_handed_nothing() {
    let mut unit = Unit::start(PLAIN).await;
    unit.process.end();
    unit.manager.forget();
    unit.set_settings("beat_s = \"soon\"\n");
    let mut process = unit.manager.spawn(&unit.options);
    assert!(process.ended(std::time::Duration::from_secs(60)).await);
    assert_eq!(process.end().status.code(), Some(78));
}
