//! What `org.selfsame.Identity1` answers is what the contract says.

use std::time::Duration;

use futures_util::StreamExt;
use selfsame::{Genesis, HopAnswer, Introduction, Moment};
use selfsame_dbus::Identity1Proxy;
use selfsame_tests::Host;

#[tokio::test]
async fn properties_tell_what_is() {
    let host = Host::start().await;
    let identity = host.identity().await;
    let genesis = Genesis::parse(&identity.genesis().await.unwrap()).unwrap();
    assert_eq!(identity.lineage().await.unwrap(), genesis.lineage().to_string());
    assert_eq!(identity.born().await.unwrap(), genesis.wall_ms());
    let origin = identity.origin().await.unwrap();
    assert_eq!((origin.reason.as_str(), origin.predecessor.as_str()), ("install", ""));
    // at its birth it has not seen enough of the host
    assert_eq!(genesis.evidence().fields().condition, Some(selfsame::Condition::Warming));
    host.wait_until_steady().await;
    // which of them is this machine's affair; that each is what was asked for, target `crash` shows
    let memory = identity.memory().await.unwrap();
    assert!(["secret", "locked"].contains(&memory.as_str()), "{memory}");
    assert_eq!(identity.version().await.unwrap(), env!("CARGO_PKG_VERSION"));
    let sources = identity.sources().await.unwrap();
    assert!(sources.iter().any(|source| source.class == "tpm" && source.healthy), "{sources:?}");
    assert!(sources.iter().any(|source| source.class == "kernel" && source.healthy), "{sources:?}");

    let (index, moments) = (identity.index().await.unwrap(), identity.moments().await.unwrap());
    host.wait_for_moments(2).await;
    assert!(identity.index().await.unwrap() > index);
    assert!(identity.moments().await.unwrap() >= moments + 2);
}

#[tokio::test]
async fn moments_say_which_sources_and_samples_went_into_them() {
    let host = Host::start().await;
    host.wait_for_moments(3).await;
    let introduction = Introduction::parse(&host.identity().await.introduce().await.unwrap()).unwrap();
    let fields = introduction.genesis().evidence().fields().clone();
    let sources = fields.sources.unwrap();
    assert!(["kernel", "tpm"].iter().all(|name| sources.iter().any(|source| source == name)), "{sources:?}");
    let fields = introduction.moment().unwrap().evidence().fields().clone();
    let sources = fields.sources.unwrap();
    assert!(
        ["behaviour", "kernel"].iter().all(|name| sources.iter().any(|source| source == name)),
        "{sources:?}"
    );
    assert!(fields.behaviour.unwrap().samples.unwrap() >= 3);
}

#[tokio::test]
async fn a_hop_leads_on_and_its_way_leads_there() {
    let host = Host::start().await;
    host.wait_for_moments(4).await;
    let identity = host.identity().await;
    let introduction = Introduction::parse(&identity.introduce().await.unwrap()).unwrap();
    let anchor = introduction.anchor();
    host.wait_for_moments(2).await;
    let reply = identity.hop(anchor.index(), 0, true).await.unwrap();
    let hop = selfsame::Hop::parse(&reply.hop).unwrap();
    let way: Vec<_> = reply.way.iter().map(|hop| selfsame::Hop::parse(hop).unwrap()).collect();
    let made = selfsame::hazmat::walk(introduction.genesis(), &way).unwrap();
    let reached = selfsame::hazmat::hop(&made, &hop).unwrap();
    assert!(reached.index() > anchor.index());
    assert_eq!(Moment::parse(hop.moment().body()).unwrap().index(), reached.index());
    let answer = HopAnswer { hop, way };
    assert_eq!(HopAnswer::parse(&answer.encode()).unwrap(), answer);
}

#[tokio::test]
async fn a_tpm_that_goes_is_told_and_proofs_go_on() {
    use selfsame_tests::Relying;
    let tpm = selfsame_tpm_sim::Simulator::start().unwrap();
    let bus = selfsame_tests::PrivateBus::start();
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "tpm_interval_s = 1\nrequire = [\"tpm\"]\n").unwrap();
    let options =
        selfsame_tests::AgentOptions { config: Some(config.path().to_owned()), ..Host::options(&bus, &tpm) };
    let agent = selfsame_tests::Agent::start(options).await.unwrap();
    let mut host = Host::of(agent, bus, tpm).await;
    let identity = Identity1Proxy::new(&host.connection).await.unwrap();
    let mut changes = identity.receive_condition_changed().await;
    host.wait_until_steady().await;
    let mut door = Relying::new("door");
    let lineage = door.meet_first(&host).await.verdict.lineage;

    host.tpm.kill().unwrap();
    let degraded = async {
        while let Some(change) = changes.next().await {
            if change.get().await.unwrap() == "degraded" {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(90), degraded).await.expect("the change is told");
    let verdict = door.ask(&host).await.unwrap();
    assert_eq!(verdict.evidence.fields().condition, Some(selfsame::Condition::Degraded));
    assert_eq!(verdict.lineage, lineage, "the same lineage throughout");

    let mut sources = identity.receive_sources_changed().await;
    host.tpm.restart().unwrap();
    let works = async {
        while let Some(change) = sources.next().await {
            if change.get().await.unwrap().iter().all(|source| source.healthy) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(90), works).await.expect("it recovers by itself");
    // one that comes back reset is marked: the lineage goes on, and says so until it ends
    assert_eq!(door.ask(&host).await.unwrap().lineage, lineage);
    assert_eq!(identity.condition().await.unwrap(), "degraded");
}
