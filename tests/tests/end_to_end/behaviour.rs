//! What the host was doing: in moments, in an audit, and as drift.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    process::{Child, Command},
    time::Duration,
};

use futures_util::StreamExt;
use selfsame::{Behaviour, Introduction, Moment};
use selfsame_dbus::{AuditReply, CallError, Error};
use selfsame_tests::{Agent, AgentOptions, Host, PrivateBus, Relying};
use selfsame_tpm_sim::Simulator;

/// The newest moment, as the host introduces itself by it.
async fn newest(host: &Host) -> Moment {
    let introduction = host.identity().await.introduce().await.unwrap();
    Introduction::parse(&introduction).unwrap().moment().expect("the genesis was not the last").clone()
}

fn told(moment: &Moment) -> Behaviour {
    moment.evidence().fields().behaviour.expect("each moment says it")
}

/// The next moment that commits to a sample; nobody else asks this host.
async fn committed(host: &Host) -> Moment {
    host.wait_for_moments(1).await;
    let moment = newest(host).await;
    assert!(told(&moment).commitment.is_some(), "a beat made it");
    moment
}

#[tokio::test]
async fn an_audit_shows_what_a_moment_commits_to() {
    let (tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
    let options = AgentOptions { beat: Duration::from_secs(1), ..Host::options(&bus, &tpm) };
    let agent = Agent::start(options).await.unwrap();
    let host = Host::of(agent, bus, tpm).await;
    let identity = host.identity().await;
    for _ in 0..3 {
        let moment = committed(&host).await;
        let AuditReply { body, blind, sample } = identity.audit(moment.index()).await.unwrap();
        // the moment itself, whose digest whoever has met the host since can hold it against
        assert_eq!(Moment::parse(&body).unwrap(), moment);
        let blind: &[u8; 32] = blind.as_slice().try_into().unwrap();
        assert_eq!(Some(Behaviour::commitment_to(blind, &sample)), told(&moment).commitment);
        // a sample of version 1, with this very program among those that ran
        assert_eq!(sample.first(), Some(&1));
        let own = fs::read(format!("/proc/{}/comm", host.agent.pid())).unwrap();
        let own = own.trim_ascii_end();
        assert!(sample.windows(own.len()).any(|part| part == own));

        let wrong = identity.audit(moment.index() + 1).await;
        assert!(matches!(wrong, Err(CallError::Refused(Error::NotKept(_), _))), "{wrong:?}");
    }
    for index in [0, 1, u64::MAX] {
        let wrong = identity.audit(index).await;
        assert!(matches!(wrong, Err(CallError::Refused(Error::NotKept(_), _))), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_moment_that_is_asked_for_between_two_beats_commits_to_nothing() {
    let (tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
    let options = AgentOptions { beat: Duration::from_secs(1), ..Host::options(&bus, &tpm) };
    let agent = Agent::start(options).await.unwrap();
    let host = Host::of(agent, bus, tpm).await;
    let mut door = Relying::new("door");
    door.meet_first(&host).await;
    let mut blinds = BTreeSet::new();
    // a beat may come between
    let (beat, asked) = loop {
        let beat = committed(&host).await;
        let asked = door.ask(&host).await.unwrap().evidence.fields().behaviour.unwrap();
        let reply = host.identity().await.audit(beat.index()).await.unwrap();
        assert!(blinds.insert(reply.blind.to_vec()), "each blind is fresh");
        if told(&beat).samples == asked.samples {
            break (beat, asked);
        }
    };
    assert_eq!(asked, Behaviour { commitment: None, ..told(&beat) }, "what the last sample was, and no more");
}

#[tokio::test]
async fn when_the_lineage_ends_its_audit_does_and_the_profile_stays() {
    let host = Host::start().await;
    host.wait_until_steady().await;
    let (identity, before) = (host.identity().await, committed(&host).await);
    identity.audit(before.index()).await.unwrap();
    identity.end("ended").await.unwrap();
    let gone = identity.audit(before.index()).await;
    assert!(matches!(gone, Err(CallError::Refused(Error::NotKept(_), _))), "{gone:?}");
    assert_eq!(identity.condition().await.unwrap(), "steady", "it is the same host");
    let after = committed(&host).await;
    assert!(told(&after).samples > told(&before).samples && told(&after).drift.is_some());
    identity.audit(after.index()).await.unwrap();
}

/// Programs that sleep, each under a name that nobody has seen.
struct Strangers {
    directory: tempfile::TempDir,
    running: Vec<Child>,
}

impl Strangers {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), running: Vec::new() }
    }

    fn start(&mut self, count: usize) {
        for _ in 0..count {
            let name = self.directory.path().join(format!("stranger{}", self.running.len()));
            symlink("/bin/sleep", &name).unwrap();
            self.running.push(Command::new(&name).arg("1000").spawn().unwrap());
        }
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[tokio::test]
async fn programs_that_nobody_has_seen_are_told_as_drift() {
    let (tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
    let config = tempfile::NamedTempFile::new().unwrap();
    // after 40 samples one that is further out than any of them is one in twenty at least: that is 0.13
    fs::write(config.path(), "require = [\"tpm\"]\ndrift_threshold = 0.13\n").unwrap();
    let options = AgentOptions { config: Some(config.path().to_owned()), ..Host::options(&bus, &tpm) };
    let agent = Agent::start(options).await.unwrap();
    let host = Host::of(agent, bus, tpm).await;
    let identity = host.identity().await;
    let mut exceeded = identity.receive_drift_exceeded().await.unwrap();
    let (drift, moments) = (identity.drift().await.unwrap(), identity.moments().await.unwrap());
    assert!(drift == 0.0 || moments > 16, "too little was seen: {drift}");
    while told(&newest_after_a_beat(&host).await).samples < Some(60) {
        let drift = identity.drift().await.unwrap();
        assert!((0.0..=1.0).contains(&drift), "{drift}");
    }

    let mut strangers = Strangers::new();
    let signal = loop {
        // where the machine is busy with something else, more of them
        strangers.start(40);
        host.wait_for_moments(2).await;
        if let Ok(signal) = tokio::time::timeout(Duration::from_secs(1), exceeded.next()).await {
            break signal.unwrap();
        }
        assert!(strangers.running.len() < 400, "{}", host.agent.stderr());
    };
    let drift = signal.args().unwrap().drift;
    assert!((0.13..=1.0).contains(&drift), "{drift}");
    let log = host.agent.stderr();
    assert!(log.contains("the host behaves as it does not use to"), "{log}");
    assert!(log.contains(&format!("drift {drift:.3}")), "{log}");
}

async fn newest_after_a_beat(host: &Host) -> Moment {
    host.wait_for_moments(1).await;
    newest(host).await
}
