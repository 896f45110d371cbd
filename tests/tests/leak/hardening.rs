//! Nobody of its own user looks into the agent, it leaves no core, and where there is no memory for secrets it says what to
//! do.

use std::{
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use nix::sys::signal::Signal;
use selfsame_tests::{Process, Run};

use crate::unprivileged::{AS_USER, USER, Unprivileged};

/// Whether a process of the same user may look into the memory of `pid`, which takes the right to trace it (proc(5)).
async fn may_look_into(pid: u32) -> bool {
    let script = format!("exec {AS_USER} sh -c ': </proc/{pid}/mem'");
    let run = Run::program("/bin/sh").args(["-c", &script]).run().await;
    assert!(run.status.success() || run.stderr.contains("Permission denied"), "{run:?}");
    run.status.success()
}

#[tokio::test]
async fn no_process_of_the_same_user_looks_into_it() {
    let host = Unprivileged::new();
    let agent = host.start("auto", "").await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut other = Command::new("sleep");
    other.arg("600").uid(USER).gid(USER).stdout(Stdio::null());
    let other = Process::start(other, &directory.path().join("stderr")).unwrap();
    assert!(may_look_into(other.pid()).await, "one that is not hardened");
    assert!(!may_look_into(agent.pid()).await);
}

#[tokio::test]
async fn an_abort_leaves_no_core() {
    let directory = tempfile::tempdir().unwrap();
    let script = "ulimit -c unlimited; kill -ABRT $$";
    let mut other = Command::new("/bin/sh");
    other.args(["-c", script]).current_dir(directory.path());
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    assert!(other.status().unwrap().core_dumped(), "this machine dumps no cores at all: {pattern}");

    let host = Unprivileged::new();
    // it takes the limit that this one used from itself; where cores go to a program, which no limit keeps from it, it is
    // that it is not dumpable
    let agent = host.start("locked", &format!("env --chdir={}", host.path("state").display())).await.unwrap();
    assert_eq!(limit(agent.pid(), "Max core file size"), "0");
    // what it writes else is written soon after its start
    while !host.path("state/last-head.json").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    agent.signal(Signal::SIGABRT);
    let exit = agent.ended().await;
    assert_eq!(exit.status.signal(), Some(Signal::SIGABRT as i32));
    assert!(!exit.status.core_dumped());
    let files: Vec<_> =
        fs::read_dir(host.path("state")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["last-head.json"]);
}

/// A process's soft limit.
fn limit(pid: u32, name: &str) -> String {
    let limits = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn where_no_memory_may_be_locked_it_says_how_to_raise_the_limit() {
    let host = Unprivileged::new();
    for memory in ["secret", "locked"] {
        let exit = host.refused(memory, "prlimit --memlock=0:0").await;
        assert_eq!(exit.status.code(), Some(78), "{}", exit.stderr);
        let says = "no memory for secrets: 4096 bytes can't be locked";
        assert!(exit.stderr.contains(says) && exit.stderr.contains("LimitMEMLOCK="), "{}", exit.stderr);
    }
}

#[tokio::test]
async fn where_only_the_page_may_be_locked_it_says_that_the_stack_is_not() {
    let host = Unprivileged::new();
    for memory in ["secret", "locked"] {
        let agent = host.start(memory, "prlimit --memlock=4096:4096").await.unwrap();
        assert_eq!(host.identity().await.memory().await.unwrap(), memory);
        let says = "what the keeper computes with may be swapped: 98816 bytes can't be locked";
        agent.logged(says).await;
        agent.terminate().await;
    }
}

#[tokio::test]
async fn where_there_is_no_secret_memory_it_says_so_and_takes_locked_memory_where_it_may() {
    let host = Unprivileged::new();
    let exit = host.refused("secret", "@REFUSE /usr/bin/env").await;
    assert_eq!(exit.status.code(), Some(78), "{}", exit.stderr);
    for part in ["no secret memory (memfd_secret: ", "secretmem.enable=1", "`memory = \"locked\"`"] {
        assert!(exit.stderr.contains(part), "{part} is not in {}", exit.stderr);
    }
    let agent = host.start("auto", "@REFUSE /usr/bin/env").await.unwrap();
    assert_eq!(host.identity().await.memory().await.unwrap(), "locked");
    drop(agent);
}

/// What the check of the memory finds.
async fn found(host: &Unprivileged, program: Option<Run>) -> (String, String) {
    let checks: Vec<selfsame_dbus::Check> = match program {
        None => host.identity().await.diagnose().await.unwrap(),
        Some(program) => {
            let run = program.arg("--config").arg(host.path("agent.toml")).arg("diagnose").run().await;
            serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
        }
    };
    let check = checks.into_iter().find(|check| check.check == "memory").unwrap();
    (check.state, check.finding)
}

#[tokio::test]
async fn status_and_doctor_say_which_memory_it_is() {
    let host = Unprivileged::new();
    for (memory, says) in [("secret", "secret: neither swapped"), ("locked", "locked: neither swapped")] {
        let agent = host.start(memory, "").await.unwrap();
        let status =
            Run::selfsame().args(["--bus-address", host.bus.address(), "status", "--json"]).run().await;
        assert_eq!(status.json()["memory"], memory, "{status:?}");
        for program in [None, Some(Run::program(host.path("selfsame-agent")))] {
            let (state, finding) = found(&host, program).await;
            assert!(state == "ok" && finding.starts_with(says), "{state} {finding}");
        }
        agent.terminate().await;
    }
    // what it would find before it starts
    let (program, refuse) = (host.path("selfsame-agent"), host.path("refuse"));
    host.refused("secret", "@REFUSE /usr/bin/env").await;
    let (state, finding) = found(&host, Some(Run::program(refuse).arg(program))).await;
    assert!(state == "fail" && finding.contains("no secret memory"), "{state} {finding}");
}
