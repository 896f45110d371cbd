//! Starting and ending an agent, the stand-in being one.

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;
use selfsame_dbus::Identity1Proxy;
use selfsame_tests::{Agent, AgentOptions, PrivateBus, StartError, processes};

use crate::STAND_IN;

fn options(bus: &PrivateBus) -> AgentOptions {
    AgentOptions { program: Some(STAND_IN.into()), ..AgentOptions::new(bus.address()) }
}

#[tokio::test]
async fn an_agent_has_its_name_once_it_is_started_and_ends_when_asked() {
    let bus = PrivateBus::start();
    let agent = Agent::start(options(&bus)).await.unwrap();
    let proxy = Identity1Proxy::uncached(&bus.connect().await).await.unwrap();
    assert_eq!(proxy.condition().await.unwrap(), "warming");
    assert!(processes::children(std::process::id()).iter().any(|child| child.pid == agent.pid()));

    let state_dir = agent.state_dir().to_owned();
    let running = processes::mentioning(&state_dir);
    assert_eq!(running.iter().map(|found| found.pid).collect::<Vec<_>>(), [agent.pid()]);
    let exit = agent.terminate().await;
    assert_eq!((exit.status.code(), exit.stderr.as_str()), (Some(0), "serving\nended\n"));
    assert_eq!(processes::mentioning(&state_dir), []);
    assert!(!state_dir.exists());
}

#[tokio::test]
async fn a_killed_agent_is_followed_by_another_in_the_same_place() {
    let bus = PrivateBus::start();
    let place = tempfile::tempdir().unwrap();
    let options = AgentOptions { state_dir: Some(place.path().to_owned()), ..options(&bus) };
    for _ in 0..3 {
        let agent = Agent::start(options.clone()).await.unwrap();
        assert_eq!(agent.state_dir(), place.path());
        assert_eq!(agent.kill().status.signal(), Some(Signal::SIGKILL as i32));
    }
    assert!(place.path().exists());
    assert_eq!(processes::mentioning(place.path()), []);
}

#[tokio::test]
async fn a_refused_start_tells_code_and_reason() {
    let bus = PrivateBus::start();
    let options = AgentOptions { extra_args: vec!["--exit".into(), "78".into()], ..options(&bus) };
    match Agent::start(options).await {
        Err(StartError::Ended(exit)) => {
            assert_eq!((exit.status.code(), exit.stderr.as_str()), (Some(78), "told to end with 78\n"));
        }
        started => panic!("{started:?}"),
    }
}

#[tokio::test]
async fn a_second_agent_does_not_pass_for_the_first() {
    let bus = PrivateBus::start();
    let _first = Agent::start(options(&bus)).await.unwrap();
    match Agent::start(options(&bus)).await {
        Err(StartError::Ended(exit)) => assert!(exit.stderr.contains("NameTaken"), "{exit:?}"),
        started => panic!("{started:?}"),
    }
}

#[tokio::test]
async fn a_dropped_agent_is_gone() {
    let bus = PrivateBus::start();
    let agent = Agent::start(options(&bus)).await.unwrap();
    let pid = agent.pid();
    assert!(!processes::threads(pid).is_empty());
    drop(agent);
    assert!(processes::threads(pid).is_empty());
}
