//! Callers in a container, and an agent in one.

use std::process::Command;

use selfsame_dbus::AGENT_BUS_NAME;
use selfsame_tests::{Process, binary, processes, wait_for_name};

use crate::scene::{LIMIT, Scene, only, user};

#[tokio::test]
async fn one_with_its_own_namespace_of_pids_is_told_by_its_pid_on_the_host() {
    let scene = Scene::start().await;
    let by = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let (caller, connection) = scene.connected(&by).await;
    let inside = processes::children(caller.pid());
    let [first] = &inside[..] else { panic!("{inside:?}") };
    let namespaces = std::fs::read_to_string(format!("/proc/{}/status", first.pid)).unwrap();
    assert!(namespaces.contains(&format!("NSpid:\t{}\t1\n", first.pid)), "{namespaces}");
    let subject = scene.told_of(&connection).await;
    assert_eq!((subject.uid, subject.pid), (Some(0), Some(first.pid)));
    assert_eq!(subject.exe.as_deref(), scene.connects().to_str(), "the host has the same file there");
}

#[tokio::test]
async fn one_that_is_root_in_its_own_namespace_of_users_is_told_as_the_user_it_is() {
    let scene = Scene::start().await;
    let mut by = user!(5).to_vec();
    by.extend(["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]);
    let (caller, connection) = scene.connected(&by).await;
    let inside = processes::children(caller.pid());
    let subject = scene.told_of(&connection).await;
    assert_eq!((subject.uid, subject.gid), (Some(5), Some(5)));
    assert_eq!(subject.pid, Some(inside[0].pid));
}

/// To an agent in a container with the host's bus in it, the pids that the bus gives are others'.
#[tokio::test]
async fn an_agent_with_its_own_namespace_of_pids_knows_nobody_by_the_buss_pids() {
    let scene = Scene::start().await;
    let (caller, connection) = scene.connected(&user!(5)).await;
    assert_eq!(scene.told_of(&connection).await.pid, Some(caller.pid()));
    let scene = scene.without_agent().await;
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(binary("selfsame-agent"))
        .args(["--bus-address", scene.bus.address(), "--state-dir"])
        .arg(state.path())
        .arg("--config")
        .arg(scene.config());
    let agent = Process::start(command, &state.path().join("stderr")).unwrap();
    let named = wait_for_name(&scene.connection, AGENT_BUS_NAME, None, LIMIT).await;
    named.unwrap_or_else(|error| panic!("{error}: {}", agent.stderr()));
    let (_caller, connection) = scene.connected(&user!(5)).await;
    assert_eq!(scene.told_of(&connection).await, only(5));
    if !scene.pins().await {
        agent.logged("pids of another namespace").await;
    }
}
