//! The lineage outlives the process.

use std::time::Duration;

use selfsame_tests::Relying;

use crate::unit::{PLAIN, Unit};

/// Asks, and takes the answer; the first time whoever comes.
async fn ask(door: &mut Relying, unit: &Unit, is_first: bool) {
    let challenge = door.challenge();
    let proof = unit.prove(&challenge).await.unwrap();
    if is_first {
        door.enrol(&proof).unwrap();
    } else {
        let verdict = door.verify(&proof).unwrap();
        assert_eq!(verdict.lineage, unit.lineage().await);
    }
}

#[tokio::test]
async fn a_lineage_goes_on_over_kills_and_restarts_in_both_kinds_of_memory() {
    for memory in ["locked", "secret"] {
        let mut unit = Unit::start(&format!("{PLAIN}memory = \"{memory}\"\n")).await;
        assert_eq!(unit.identity().await.memory().await.unwrap(), memory);
        let mut door = Relying::new("door");
        ask(&mut door, &unit, true).await;
        let (lineage, born) = (unit.lineage().await, unit.identity().await.born().await.unwrap());
        for number in 0..6 {
            let before = unit.identity().await.index().await.unwrap();
            if number % 2 == 0 {
                unit.crash().await
            } else {
                unit.restart().await
            }
            assert_eq!(unit.lineage().await, lineage, "{memory}: {}", unit.manager.stderr());
            let identity = unit.identity().await;
            assert_eq!(identity.memory().await.unwrap(), memory);
            assert_eq!(identity.born().await.unwrap(), born);
            assert!(identity.index().await.unwrap() >= before);
            ask(&mut door, &unit, false).await;
        }
        unit.manager.logged("gone on with").await;
    }
}

#[tokio::test]
async fn what_was_handed_out_before_a_crash_is_known_after_it() {
    let mut unit = Unit::start(PLAIN).await;
    let mut door = Relying::new("door");
    ask(&mut door, &unit, true).await;
    // heads that the door has not confirmed yet, and an introduction that is taken up only later
    for _ in 0..5 {
        ask(&mut door, &unit, false).await;
    }
    let introduction = unit.identity().await.introduce().await.unwrap();
    unit.crash().await;
    let challenge = door.challenge();
    let verdict = door.verify(&unit.prove(&challenge).await.unwrap()).unwrap();
    assert_eq!(verdict.statement.known(), Some(true));
    let mut gate = Relying::new("gate");
    gate.meet(&introduction);
    let challenge = gate.challenge();
    let verdict = gate.verify(&unit.prove(&challenge).await.unwrap()).unwrap();
    assert_eq!(verdict.statement.known(), Some(true));
}

#[tokio::test]
async fn without_its_descriptors_the_next_lineage_is_lost_and_names_the_one_before() {
    let mut unit = Unit::start(PLAIN).await;
    let lineage = unit.lineage().await;
    unit.wait_for_last_head().await;
    unit.process.end();
    // as `systemctl stop` does
    unit.manager.forget();
    unit.start_again().await;
    let origin = unit.identity().await.origin().await.unwrap();
    assert_eq!((origin.reason.as_str(), origin.predecessor), ("lost", lineage.to_string()));
    assert_ne!(unit.lineage().await, lineage);
}

#[tokio::test]
async fn a_second_live_agent_with_the_same_page_refuses_and_changes_nothing() {
    let unit = Unit::start(PLAIN).await;
    let lineage = unit.lineage().await;
    // on a bus of its own: the name is not what it ends over
    let other = selfsame_tests::PrivateBus::start();
    let mut options = unit.options.clone();
    options.bus_address = other.address().to_owned();
    let mut second = unit.manager.spawn(&options);
    assert!(second.ended(Duration::from_secs(60)).await);
    let exit = second.end();
    assert_eq!(exit.status.code(), Some(69), "{}", exit.stderr);
    let holder = format!("another live agent has the secret page: process {}", unit.process.pid());
    assert!(exit.stderr.contains(&holder), "{}", exit.stderr);
    let mut door = Relying::new("door");
    ask(&mut door, &unit, true).await;
    assert_eq!(unit.lineage().await, lineage);
}
