//! The service manager's watchdog hears that the keeper answers, and not only that the runtime turns.

use std::time::Duration;

use selfsame_dbus::{AGENT_BUS_NAME, Identity1Proxy};
use selfsame_tests::{AgentOptions, Manager, PrivateBus, wait_for_name};
use tempfile::NamedTempFile;

use crate::held::Held;

const PING: &str = "WATCHDOG=1";

fn pings(manager: &Manager) -> usize {
    manager.said().iter().filter(|said| said.contains(PING)).count()
}

#[tokio::test]
async fn a_keeper_that_hangs_stops_the_pings_while_the_runtime_serves_on() {
    let bus = PrivateBus::start();
    let config = NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "require = []\nsources = [\"rdseed\", \"kernel\"]\n").unwrap();
    let options = AgentOptions {
        beat: Duration::from_secs(3600),
        config: Some(config.path().to_owned()),
        // a ping is due every 20 ms
        env: vec![("WATCHDOG_USEC".into(), "80000".into())],
        ..AgentOptions::new(bus.address())
    };
    let manager = Manager::start();
    let process = manager.spawn(&options);
    let connection = bus.connect().await;
    let limit = Duration::from_secs(60);
    wait_for_name(&connection, AGENT_BUS_NAME, Some(process.pid()), limit).await.unwrap();
    manager.wait_for("READY=1", 1).await;
    manager.wait_for(PING, 3).await;

    let held = Held::thread(process.pid(), "keeper");
    let before = pings(&manager);
    let identity = Identity1Proxy::uncached(&connection).await.unwrap();
    // several times as long as several pings take, and the runtime turns all the while
    for _ in 0..100 {
        identity.index().await.unwrap();
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    let during = pings(&manager) - before;
    // the one whose answer was on its way
    assert!(during <= 1, "{during} pings of a keeper that stands still");

    drop(held);
    manager.wait_for(PING, before + during + 3).await;
}
