//! The state directory: full, unwritable or corrupt, proofs go on, and the condition says so.

use std::{fs, path::PathBuf, time::Duration};

use futures_util::StreamExt;
use selfsame::Condition;
use selfsame_dbus::Identity1Proxy;
use selfsame_tests::{Agent, AgentOptions, Host, PrivateBus, Relying, binary, write_program};
use selfsame_tpm_sim::Simulator;
use tempfile::TempDir;

/// A host, and the directory that its agent has a mount of its own for.
struct Mounted {
    host: Host,
    /// The state directory, as the agent sees it.
    inside: PathBuf,
    _directory: TempDir,
}

impl Mounted {
    /// Starts an agent whose state directory is a tmpfs, by these options, in a mount namespace of its own: it goes with
    /// the agent. `prepare` is a shell's line, run in the directory before the agent starts.
    async fn start(options: &str, prepare: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (state, program) = (directory.path().join("state"), directory.path().join("agent"));
        fs::create_dir(&state).unwrap();
        let agent = binary("selfsame-agent");
        let script = format!(
            "#!/bin/sh\nexec unshare --mount sh -ec 'mount -t tmpfs -o size=8k none {state}\n(cd {state}; {prepare})\n\
             mount -o remount,{options} {state}\nexec {agent} \"$@\"' sh \"$@\"\n",
            state = state.display(),
            agent = agent.display(),
        );
        write_program(&program, &script);
        let (tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
        let options = AgentOptions {
            state_dir: Some(state.clone()),
            program: Some(program),
            ..Host::options(&bus, &tpm)
        };
        let agent = Agent::start(options).await.unwrap();
        let inside = format!("/proc/{}/root{}", agent.pid(), state.display()).into();
        Self { host: Host::of(agent, bus, tpm).await, inside, _directory: directory }
    }

    /// How often the agent has said that it can't write.
    fn complaints(&self) -> usize {
        self.host.agent.stderr().matches("the last head can't be written").count()
    }
}

/// Waits until the agent tells that this is its condition.
async fn until(identity: &Identity1Proxy<'_>, condition: &str) {
    let mut changes = identity.receive_condition_changed().await;
    if identity.condition().await.unwrap() == condition {
        return;
    }
    let told = async {
        while let Some(change) = changes.next().await {
            if change.get().await.unwrap() == condition {
                return;
            }
        }
    };
    // it tries once a minute
    tokio::time::timeout(Duration::from_secs(90), told).await.expect("the change is told");
}

/// What the next moment says of the agent's condition.
async fn proven(door: &mut Relying, host: &Host) -> Option<Condition> {
    door.ask(host).await.unwrap().evidence.fields().condition
}

#[tokio::test]
async fn a_full_disk_degrades_until_there_is_space() {
    let mounted = Mounted::start("rw", "head -c 8192 /dev/zero > filler").await;
    let host = &mounted.host;
    let identity = Identity1Proxy::new(&host.connection).await.unwrap();
    let mut door = Relying::new("door");
    door.meet_first(host).await;
    until(&identity, "degraded").await;
    assert_eq!(proven(&mut door, host).await, Some(Condition::Degraded), "proofs go on, and say so");
    host.agent.logged("No space left on device").await;
    let checks = identity.diagnose().await.unwrap();
    let check = checks.iter().find(|check| check.check == "last head").expect("it is a finding");
    assert_eq!((&*check.state, check.remedy.contains("make room")), ("fail", true), "{check:?}");

    fs::remove_file(mounted.inside.join("filler")).unwrap();
    until(&identity, "steady").await;
    assert_eq!(proven(&mut door, host).await, Some(Condition::Steady));
    assert!(mounted.inside.join("last-head.json").exists());
    assert_eq!(fs::read_dir(&mounted.inside).unwrap().count(), 1, "nothing half written is left");
    assert_eq!(mounted.complaints(), 1, "{}", host.agent.stderr());
    host.agent.logged("can be written again").await;
    assert!(identity.diagnose().await.unwrap().iter().all(|check| check.check != "last head"));
}

#[tokio::test]
async fn an_unwritable_directory_degrades_and_is_told_once() {
    let mounted = Mounted::start("ro", "true").await;
    let identity = Identity1Proxy::new(&mounted.host.connection).await.unwrap();
    let mut door = Relying::new("door");
    door.meet_first(&mounted.host).await;
    until(&identity, "degraded").await;
    assert_eq!(proven(&mut door, &mounted.host).await, Some(Condition::Degraded));
    assert_eq!(identity.origin().await.unwrap().reason, "install");
    let ended = mounted.host.agent.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    // it has tried at its end, too
    assert_eq!(ended.stderr.matches("the last head can't be written").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("Read-only file system"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_corrupt_file_names_nobody_is_told_once_and_is_replaced() {
    let (tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("last-head.json");
    fs::write(&file, "{\"version\":2,\"lineage\":\"selfsa").unwrap();
    let options = AgentOptions { state_dir: Some(state.path().to_owned()), ..Host::options(&bus, &tpm) };
    let agent = Agent::start(options).await.unwrap();
    let host = Host::of(agent, bus, tpm).await;
    let identity = Identity1Proxy::new(&host.connection).await.unwrap();
    let origin = identity.origin().await.unwrap();
    assert_eq!((&*origin.reason, &*origin.predecessor), ("lost", ""));
    let mut door = Relying::new("door");
    door.meet_first(&host).await;
    host.wait_until_steady().await;
    assert_eq!(proven(&mut door, &host).await, Some(Condition::Steady));
    let ended = host.agent.terminate().await;
    assert_eq!(ended.stderr.matches("the last head can't be read").count(), 1, "{}", ended.stderr);
    let record: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(record["version"], 2, "{record}");
}

#[tokio::test]
async fn what_can_not_be_replaced_degrades_too() {
    let mounted = Mounted::start("rw", "mkdir -p last-head.json/in-the-way").await;
    let identity = Identity1Proxy::new(&mounted.host.connection).await.unwrap();
    until(&identity, "degraded").await;
    assert_eq!(identity.origin().await.unwrap().reason, "lost", "what is there can't be read");
    let mut door = Relying::new("door");
    door.meet_first(&mounted.host).await;
    assert_eq!(proven(&mut door, &mounted.host).await, Some(Condition::Degraded));
    assert_eq!(mounted.complaints(), 1, "{}", mounted.host.agent.stderr());
}
