//! How it starts and ends, and what it says where it can't.

use std::time::Duration;

use selfsame_dbus::Identity1Proxy;
use selfsame_tests::{Agent, AgentOptions, PrivateBus, Run, StartError, binary, processes};
use selfsame_tpm_sim::Simulator;

use selfsame_tests::Host;

fn no_tpm(bus: &PrivateBus) -> AgentOptions {
    AgentOptions {
        tcti: Some("swtpm:path=/nonexistent/tpm".into()),
        beat: Duration::from_millis(200),
        ..AgentOptions::new(bus.address())
    }
}

#[tokio::test]
async fn without_a_bus_it_ends_with_69_and_says_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let run = Run::program(binary("selfsame-agent"))
        .args(["--bus-address", "unix:path=/nonexistent/bus", "--state-dir"])
        .arg(state.path());
    let ended = run.run().await;
    assert_eq!(ended.code(), Some(69), "{ended:?}");
    assert!(ended.stderr.contains("check that a bus listens"), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0, "no lineage was born");
}

#[tokio::test]
async fn when_the_bus_goes_it_ends_with_69_and_says_what_to_do() {
    let mut host = Host::start().await;
    host.bus.stop();
    let ended = host.agent.ended().await;
    assert_eq!(ended.status.code(), Some(69), "{}", ended.stderr);
    assert!(ended.stderr.contains("check that a bus listens"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_second_agent_on_a_bus_ends_with_69() {
    let host = Host::start().await;
    let Err(StartError::Ended(ended)) = Agent::start(Host::options(&host.bus, &host.tpm)).await else {
        panic!("two agents have one name");
    };
    assert_eq!(ended.status.code(), Some(69), "{}", ended.stderr);
    assert!(ended.stderr.contains("another agent runs there"), "{}", ended.stderr);
}

#[tokio::test]
async fn without_a_tpm_it_starts_degraded_and_says_so() {
    let bus = PrivateBus::start();
    // nothing is required: not even a CPU with RDSEED, which not every machine has
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "require = []\n").unwrap();
    let options = AgentOptions { config: Some(config.path().to_owned()), ..no_tpm(&bus) };
    let agent = Agent::start(options).await.unwrap();
    let identity = Identity1Proxy::uncached(&bus.connect().await).await.unwrap();
    // a birth does not wait for long until the TPM's helper says that there is none
    while identity.condition().await.unwrap() == "warming" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(identity.condition().await.unwrap(), "degraded");
    let sources = identity.sources().await.unwrap();
    assert!(sources.iter().any(|source| source.name == "tpm" && !source.healthy), "{sources:?}");
    agent.logged("/nonexistent/tpm").await;
}

#[tokio::test]
async fn without_a_tpm_that_is_required_it_ends_with_78_and_says_what_to_do() {
    let bus = PrivateBus::start();
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "require = [\"tpm\"]\n").unwrap();
    let options = AgentOptions { config: Some(config.path().to_owned()), ..no_tpm(&bus) };
    let Err(StartError::Ended(ended)) = Agent::start(options).await else { panic!("it started") };
    assert_eq!(ended.status.code(), Some(78), "{}", ended.stderr);
    for part in ["`require` is not met", "/nonexistent/tpm", "group tss", "tpm-udev", "out of `require`"] {
        assert!(ended.stderr.contains(part), "{part} is not in {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_64_and_a_bad_configuration_78() {
    let agent = || Run::program(binary("selfsame-agent"));
    assert_eq!(agent().arg("--session").arg("--system").run().await.code(), Some(64));
    assert_eq!(agent().args(["--beat", "0"]).run().await.code(), Some(64));
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "beat_s = 8\nrequir = [\"tpm\"]\n").unwrap();
    let check = agent().arg("--check-config").arg("--config").arg(config.path()).run().await;
    assert_eq!(check.code(), Some(78), "{check:?}");
    assert!(check.stderr.contains(":2:") && check.stderr.contains("require"), "{}", check.stderr);
    std::fs::write(config.path(), "beat_s = 8\n").unwrap();
    assert_eq!(agent().arg("--check-config").arg("--config").arg(config.path()).run().await.code(), Some(0));
}

#[tokio::test]
async fn told_to_end_it_ends_cleanly_and_the_next_names_it() {
    let (tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
    let state = tempfile::tempdir().unwrap();
    let options = AgentOptions { state_dir: Some(state.path().to_owned()), ..Host::options(&bus, &tpm) };
    let agent = Agent::start(options.clone()).await.unwrap();
    let connection = bus.connect().await;
    let identity = Identity1Proxy::uncached(&connection).await.unwrap();
    let first = identity.lineage().await.unwrap();
    let pid = agent.pid();
    let ended = agent.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(processes::children(pid).is_empty());
    let files: Vec<_> =
        std::fs::read_dir(state.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["last-head.json"], "nothing else is written");

    let _second = Agent::start(options).await.unwrap();
    let origin = identity.origin().await.unwrap();
    assert_eq!((origin.reason.as_str(), origin.predecessor), ("lost", first));
}

#[tokio::test]
async fn nothing_is_left_running() {
    let host = Host::start().await;
    let (agent, swtpm, bus) = (host.agent.pid(), host.tpm.pid().unwrap(), host.bus.pid());
    let socket = std::path::Path::new(host.tpm.tcti().strip_prefix("swtpm:path=").unwrap());
    let place = socket.parent().unwrap().to_owned();
    assert!(!processes::mentioning(&place).is_empty());
    drop(host);
    for pid in [agent, swtpm, bus] {
        let gone = || !std::path::Path::new(&format!("/proc/{pid}")).exists();
        assert!(gone(), "process {pid} is still there");
    }
    // the kernel kills the TPM's helper some time after its agent is gone
    let gone = async {
        while !processes::mentioning(&place).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), gone).await.is_ok();
    assert!(in_time, "{:?}", processes::mentioning(&place));
}

#[tokio::test]
async fn those_who_wait_when_it_is_told_to_end_get_an_answer() {
    let host = Host::start().await;
    let mut door = selfsame_tests::Relying::new("door");
    let challenges: Vec<_> = (0..100).map(|_| door.challenge()).collect();
    let identity = host.identity().await;
    let options = selfsame_dbus::Options::new();
    let asked = challenges.iter().map(|challenge| {
        let (challenge, payload) =
            (selfsame_dbus::Bytes::new(challenge.as_bytes()), selfsame_dbus::Bytes::new(b""));
        identity.prove("door", challenge, payload, &options)
    });
    let (answers, ()) = futures_util::future::join(futures_util::future::join_all(asked), async {
        // the calls are on their way
        tokio::time::sleep(Duration::from_millis(5)).await;
        host.agent.signal(nix::sys::signal::Signal::SIGTERM);
    })
    .await;
    let ended = host.agent.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let answered = answers.iter().filter(|answer| answer.is_ok()).count();
    println!("{answered} of {} were answered", answers.len());
    for answer in answers {
        use selfsame_dbus::{CallError, Error};
        // whoever came too late is told that nobody is there
        let is_told =
            matches!(answer, Ok(_) | Err(CallError::Unreachable(_) | CallError::Refused(Error::Busy(_), _)));
        assert!(is_told, "{answer:?}");
    }
}

#[tokio::test]
async fn an_agent_that_never_served_is_nobodys_predecessor() {
    let (tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
    let state = tempfile::tempdir().unwrap();
    let options = AgentOptions { state_dir: Some(state.path().to_owned()), ..Host::options(&bus, &tpm) };
    let first = Agent::start(options.clone()).await.unwrap();
    let connection = bus.connect().await;
    let identity = Identity1Proxy::uncached(&connection).await.unwrap();
    let lineage = identity.lineage().await.unwrap();
    assert!(matches!(Agent::start(options.clone()).await, Err(StartError::Ended(_))), "the name is taken");
    // the first one's is written just after it has its name: a slow disk may take longer than a refused start
    while !state.path().join("last-head.json").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.kill();
    let _third = Agent::start(options).await.unwrap();
    assert_eq!(identity.origin().await.unwrap().predecessor, lineage);
}

#[tokio::test]
async fn told_to_end_while_the_tpm_hangs_it_ends_cleanly() {
    let (tpm, bus) = (Simulator::start().unwrap(), PrivateBus::start());
    tpm.freeze().unwrap();
    let options = Host::options(&bus, &tpm);
    let state = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(binary("selfsame-agent"));
    command.args(["--bus-address", bus.address(), "--tcti", tpm.tcti(), "--state-dir"]).arg(state.path());
    command.arg("--config").arg(options.config.unwrap()).kill_on_drop(true);
    let mut agent = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    let pid = nix::unistd::Pid::from_raw(agent.id().unwrap().try_into().unwrap());
    // once it asks the TPM it has long been listening to signals
    while !processes::threads(pid.as_raw().unsigned_abs()).iter().any(|name| name.contains("tpm")) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), agent.wait()).await.expect("it ends at once");
    assert_eq!(ended.unwrap().code(), Some(0));
    tpm.thaw().unwrap();
}

#[tokio::test]
async fn told_to_end_while_the_bus_hangs_it_ends_all_the_same() {
    let host = Host::start().await;
    let bus = nix::unistd::Pid::from_raw(host.bus.pid().try_into().unwrap());
    nix::sys::signal::kill(bus, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let ended = host.agent.terminate().await;
    nix::sys::signal::kill(bus, nix::sys::signal::Signal::SIGCONT).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
}
