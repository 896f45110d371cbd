//! The processes that serve sources which may block: what they have, and when they end.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use nix::sys::signal::Signal;
use selfsame_tests::{Run, binary, processes};
use selfsame_tpm_sim::{CommandCode, How, Simulator, Tap, When};
use tokio::time::timeout;

use crate::{
    host::{Host, LIMIT, NO_TPM, POLL, Setting},
    wire::{NOTHING, loaded},
};

const CONFIGURATION: &str = "sources = [\"tpm\"]\nrequire = [\"tpm\"]\ntpm_interval_s = 1\n";

/// The one helper of this agent.
fn helper(host: &Host) -> u32 {
    let children = processes::children(host.agent.pid());
    let [helper] = &children[..] else { panic!("{children:?}") };
    assert!(helper.command.contains("tpm-helper --tcti swtpm:path="), "{helper:?}");
    helper.pid
}

/// Waits until a process is gone, or at least dead: whom it falls to may be slow to look.
async fn gone(pid: u32) {
    let dead = || match fs::read_to_string(format!("/proc/{pid}/stat")) {
        // pid (comm) state …
        Ok(stat) => stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z')),
        Err(_) => true,
    };
    let wait = async {
        while !dead() {
            tokio::time::sleep(POLL).await;
        }
    };
    timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{pid} goes on"));
}

#[tokio::test]
async fn a_helper_has_its_socket_and_its_tpm_and_no_file_of_the_agents() {
    let tpm = Simulator::start().unwrap();
    let tap = Tap::start(&tpm).unwrap();
    let host = Setting::new(CONFIGURATION).tpm(tap.tcti()).start().await;
    let helper = helper(&host);
    // libtss2 has a connection to a simulator only while a command is under way
    block(&tap);
    let file = |pid: u32, fd: u32| fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap();
    let [input, output, errors] = [0, 1, 2].map(|fd| file(helper, fd));
    assert!(is_socket(&input), "{input:?}");
    assert_eq!(output, PathBuf::from("/dev/null"));
    assert_eq!(errors, file(host.agent.pid(), 2), "what it logs goes where the agent's log goes");

    let files = |pid| processes::open_files(pid).into_iter().collect::<BTreeSet<PathBuf>>();
    // what whoever runs these tests left open for all their children; what has no name of its own is none of it
    let mut inherited = files(std::process::id());
    inherited.retain(|file| !file.to_str().is_some_and(|name| name.starts_with("anon_inode:")));
    let agents = &files(host.agent.pid()) - &inherited;
    let helpers = &(&files(helper) - &inherited) - &BTreeSet::from([input.clone(), output, errors]);
    let [connection] = &helpers.iter().collect::<Vec<_>>()[..] else { panic!("{helpers:?}") };
    assert!(is_socket(connection), "the one to the TPM: {connection:?}");
    assert!(agents.len() > 5, "the agent has its bus, its socket to the helper and more: {agents:?}");
    assert!(!agents.contains(*connection) && !agents.contains(&input), "{agents:?}");
}

/// Waits until the helper is in a command that does not come back.
fn block(tap: &Tap) {
    tap.take();
    tap.disturb(When::Command(CommandCode::GET_RANDOM), How::Freeze);
    assert!(tap.wait_for(LIMIT, |exchange| exchange.told.is_empty()), "it asks each second");
}

fn is_socket(file: &Path) -> bool {
    file.to_str().is_some_and(|file| file.starts_with("socket:"))
}

#[tokio::test]
async fn a_helper_ends_with_an_agent_that_is_killed() {
    let tpm = Simulator::start().unwrap();
    let host = Setting::new(CONFIGURATION).tpm(tpm.tcti()).start().await;
    let helper = helper(&host);
    host.agent.kill();
    // Whether it leaves a session, for the next one to flush, is a matter of microseconds: its socket is closed just before
    // the kernel kills it.
    gone(helper).await;
}

#[tokio::test]
async fn a_helper_that_is_blocked_in_its_tpm_ends_with_an_agent_that_is_killed() {
    let tpm = Simulator::start().unwrap();
    let tap = Tap::start(&tpm).unwrap();
    let host = Setting::new(CONFIGURATION).tpm(tap.tcti()).start().await;
    let helper = helper(&host);
    block(&tap);
    host.agent.kill();
    gone(helper).await;
}

#[tokio::test]
async fn a_helper_ends_with_an_agent_that_is_told_to_end() {
    let tpm = Simulator::start().unwrap();
    let host = Setting::new(CONFIGURATION).tpm(tpm.tcti()).start().await;
    let helper = helper(&host);
    assert_ne!(loaded(&tpm), NOTHING, "it has a session");
    host.agent.signal(Signal::SIGTERM);
    assert_eq!(host.agent.ended().await.status.code(), Some(0));
    gone(helper).await;
    assert_eq!(loaded(&tpm), NOTHING, "and has put its TPM in order");
}

#[tokio::test]
async fn nobody_starts_a_helper_by_hand() {
    for arguments in [&["tpm-helper"][..], &["source-helper", "hwrng"]] {
        let run = Run::program(binary("selfsame-agent")).args(arguments).run().await;
        assert_eq!(run.code(), Some(64), "{run:?}");
        assert!(run.stderr.contains("helpers are started by the agent, not by hand"), "{run:?}");
    }
}

#[tokio::test]
async fn a_helper_that_is_asked_for_what_no_agent_asks_for_ends() {
    for question in [[0, 0], [0xff, 0xff], [0x01, 0x10]] {
        let (mut agent, helper) = UnixStream::pair().unwrap();
        agent.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut child = Command::new(binary("selfsame-agent"))
            .args(["tpm-helper", "--tcti", NO_TPM])
            .stdin(Stdio::from(OwnedFd::from(helper)))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        agent.write_all(&question).unwrap();
        let mut answer = Vec::new();
        agent.read_to_end(&mut answer).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), answer), (Some(1), vec![]), "{said}");
        assert!(said.contains("1 to 4096"), "{said}");
    }
}
