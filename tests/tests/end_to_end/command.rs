//! The `selfsame` command against the real agent: both sides, and the exit codes between them.

use base64::Engine;
use selfsame_tests::{Output, Run, binary};
use tempfile::TempDir;

use selfsame_tests::{Host, PrivateBus, Relying};

/// A relying party's file, and the host's bus.
pub struct Sides {
    directory: TempDir,
    bus: String,
}

impl Sides {
    fn of(host: &Host) -> Self {
        Self::on(&host.bus)
    }

    pub fn on(bus: &PrivateBus) -> Self {
        Self { directory: tempfile::tempdir().unwrap(), bus: bus.address().to_owned() }
    }

    pub async fn host(&self, args: &[&str]) -> Output {
        Run::selfsame().args(["--bus-address", &self.bus]).args(args).run().await
    }

    pub async fn door(&self, args: &[&str]) -> Output {
        Run::selfsame().arg("--store").arg(self.directory.path().join("door.db")).args(args).run().await
    }

    /// A challenge for `peer`, and the host's answer.
    pub async fn exchange(&self, peer: &str) -> (String, String) {
        let challenge = line(self.door(&["challenge", peer, "--audience", "door"]).await);
        let proof = line(self.host(&["prove", "--audience", "door", &challenge]).await);
        (challenge, proof)
    }
}

/// The one line that a successful run prints.
pub fn line(output: Output) -> String {
    assert_eq!(output.code(), Some(0), "{output:?}");
    let line = output.stdout.strip_suffix('\n').unwrap_or_else(|| panic!("{output:?}"));
    assert!(!line.contains('\n'), "{output:?}");
    line.to_owned()
}

#[tokio::test]
async fn met_verified_and_forgotten() {
    let host = Host::start().await;
    let sides = Sides::of(&host);
    let lineage = line(sides.host(&["id"]).await);
    assert_eq!(lineage, host.lineage().await.to_string());

    let (_, proof) = sides.exchange("web1").await;
    let enrolled = sides.door(&["--json", "enrol", "web1", &proof]).await;
    assert_eq!(enrolled.code(), Some(0), "{enrolled:?}");
    assert_eq!(enrolled.json()["lineage"], lineage);

    host.wait_for_moments(2).await;
    let (challenge, proof) = sides.exchange("web1").await;
    let verified = sides.door(&["--json", "verify", "web1", &proof]).await;
    assert_eq!(verified.code(), Some(0), "{verified:?}");
    let verdict = verified.json();
    assert_eq!(verdict["confirmed"], true);
    assert_eq!(verdict["time"], "checked");
    assert_eq!(verdict["stalled_ms"], 0);
    assert_eq!(verdict["subject"]["uid"], nix::unistd::geteuid().as_raw());
    let exe = verdict["subject"]["exe"].as_str().unwrap();
    assert!(exe.ends_with("/selfsame"), "the command asked, so it is the subject: {exe}");

    for text in [&challenge, &proof] {
        assert_eq!(sides.door(&["inspect", text]).await.code(), Some(0));
    }
    assert!(sides.door(&["peers"]).await.stdout.contains(&lineage));
    assert_eq!(sides.door(&["forget", "web1"]).await.code(), Some(0));
    assert!(!sides.door(&["peers"]).await.stdout.contains("web1"));
}

#[tokio::test]
async fn introduced_over_a_trusted_channel() {
    let host = Host::start().await;
    let sides = Sides::of(&host);
    host.wait_for_moments(2).await;
    let introduction = line(sides.host(&["introduce"]).await);
    assert_eq!(sides.door(&["meet", "web1", &introduction]).await.code(), Some(0));
    let (_, proof) = sides.exchange("web1").await;
    let verified = sides.door(&["--json", "verify", "web1", &proof]).await;
    assert_eq!(verified.code(), Some(0), "{verified:?}");
    assert_eq!(verified.json()["confirmed"], true);
}

#[tokio::test]
async fn what_the_agent_refuses_is_4_and_an_alarm_is_6() {
    let mut host = Host::start().await;
    let sides = Sides::of(&host);
    let (challenge, proof) = sides.exchange("web1").await;
    let other = sides.host(&["prove", "--audience", "gate", &challenge]).await;
    assert_eq!(other.code(), Some(4), "{other:?}");
    assert!(other.stderr.contains("gate"), "{}", other.stderr);
    assert_eq!(sides.door(&["enrol", "web1", &proof]).await.code(), Some(0));

    let challenge = line(sides.door(&["challenge", "web1", "--audience", "door"]).await);
    // what a relying party would ask that took an answer from somebody else
    let mut relying = Relying::new("door");
    relying.meet_first(&host).await;
    let mut foreign = relying.challenge().as_bytes().to_vec();
    *foreign.last_mut().unwrap() ^= 1;
    let foreign = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&foreign);
    let alarm = sides.host(&["prove", "--audience", "door", &foreign]).await;
    assert_eq!(alarm.code(), Some(6), "{alarm:?}");

    host.restart().await;
    let restarted = sides.host(&["prove", "--audience", "door", &challenge]).await;
    assert_eq!(restarted.code(), Some(4), "{restarted:?}");
    assert!(restarted.stderr.contains(&host.lineage().await.to_string()), "{}", restarted.stderr);
}

#[tokio::test]
async fn without_an_agent_it_is_3_and_a_relying_party_hears_of_the_store() {
    let mut host = Host::start().await;
    let sides = Sides::of(&host);
    assert_eq!(line(sides.host(&["peers"]).await), "no peers");
    host.bus.stop();
    for (ask, names_store) in [("id", false), ("peers", true)] {
        let gone = sides.host(&[ask]).await;
        assert_eq!(gone.code(), Some(3), "{gone:?}");
        assert!(gone.stderr.contains("next:"), "it says what to do: {}", gone.stderr);
        assert_eq!(gone.stderr.contains("--store"), names_store, "{}", gone.stderr);
    }
}

#[tokio::test]
async fn the_doctor_asks_the_agent_and_without_one_its_program() {
    let host = Host::start().await;
    let agents = host.identity().await.diagnose().await.unwrap();
    let doctor = Run::selfsame().args(["--bus-address", host.bus.address(), "--json", "doctor"]);
    let names = |run: &Output| -> Vec<String> {
        let checks = run.json()["checks"].as_array().unwrap().clone();
        checks.iter().map(|check| check["check"].as_str().unwrap().to_owned()).collect()
    };
    let run = doctor.run().await;
    let fails = agents.iter().any(|check| check.state == "fail");
    assert_eq!(run.code(), Some(fails.into()), "{run:?}");
    assert_eq!(names(&run), agents.iter().map(|check| check.check.clone()).collect::<Vec<_>>());

    let Host { agent, bus, .. } = host;
    agent.terminate().await;
    let doctor = Run::selfsame().args(["--bus-address", bus.address(), "--json", "doctor"]);
    let run = doctor.env("SELFSAME_AGENT", binary("selfsame-agent")).run().await;
    assert_eq!(run.code(), Some(1), "{run:?}");
    assert_eq!((&*names(&run)[0], &run.json()["checks"][0]["state"]), ("agent", &"fail".into()));
    assert!(names(&run).iter().any(|name| name == "source kernel"), "{run:?}");
}
