//! Pids that become another's. In a namespace of pids of the test's own, where it says which pid is next.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use nix::time::{ClockId, clock_gettime};
use selfsame::Subject;
use zbus::Connection;

use crate::{
    connecting::Connecting,
    scene::{Scene, only, user},
};

/// Is set where the test runs again, in its own namespace.
const INSIDE: &str = "SELFSAME_CALLERS_INSIDE";

/// Runs the test of this name again, in a namespace of its own, where it has not been done.
fn goes_on_inside(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut again = Command::new("unshare");
    again.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    again.arg(env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let output = again.stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
    false
}

/// A process of this user's that has the pid of `caller`, who has gone, and began later than `caller` was seen.
fn another_with_the_pid_of(caller: &Connecting, program: &Path, by: &[&str]) -> selfsame_tests::Process {
    let (pid, seen) = (caller.pid(), ticks_now());
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..TRIES {
        fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
        let mut command = Command::new(by[0]);
        // it waits on a pipe that nobody writes to
        command.args(&by[1..]).arg(program).stdin(Stdio::piped());
        let another =
            selfsame_tests::Process::start_as_is(command, &directory.path().join("stderr")).unwrap();
        let exe = format!("/proc/{}/exe", another.pid());
        while fs::read_link(&exe).unwrap() != program {
            std::thread::yield_now();
        }
        if another.pid() == pid && started(pid) > seen {
            return another;
        }
    }
    panic!("pid {pid} was not to be had");
}

/// Now, and when a process began, in the kernel's ticks since the boot.
fn ticks_now() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap();
    let nanos = now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64;
    // USER_HZ is 100 on all machines that this runs on (proc(5))
    nanos / 10_000_000
}

fn started(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // proc_pid_stat(5): the 22nd field, counted on from the third, which comes after the name in brackets
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().parse().unwrap()
}

/// What is told of a caller whose pid is another's, who is this user.
async fn told_after_reuse(
    scene: &Scene,
    mut caller: Connecting,
    connection: &Connection,
    by: &[&str],
) -> Subject {
    let cat = scene.program("victim", Path::new("/usr/bin/cat"));
    caller.go();
    let another = another_with_the_pid_of(&caller, &cat, by);
    let subject = scene.told_of(connection).await;
    assert_eq!(fs::read_link(format!("/proc/{}/exe", another.pid())).unwrap(), cat, "it lived all the time");
    subject
}

#[tokio::test]
async fn a_pid_that_became_anothers_is_not_told_whoever_that_is() {
    if !goes_on_inside("reused::a_pid_that_became_anothers_is_not_told_whoever_that_is") {
        return;
    }
    let scene = Scene::start().await;
    for by in [&user!(5), &user!(6)] {
        // after a first call
        let (caller, connection) = scene.connected(&user!(5)).await;
        assert_eq!(scene.told_of(&connection).await.pid, Some(caller.pid()));
        assert_eq!(told_after_reuse(&scene, caller, &connection, by).await, only(5));
        // and before one
        let (caller, connection) = scene.connected(&user!(5)).await;
        assert_eq!(told_after_reuse(&scene, caller, &connection, by).await, only(5));
    }
}

/// By its pid it could be whoever had that while there was no agent.
#[tokio::test]
async fn nor_is_one_of_a_connection_that_was_there_before_the_agent() {
    if !goes_on_inside("reused::nor_is_one_of_a_connection_that_was_there_before_the_agent") {
        return;
    }
    let by = user!(5);
    let scene = Scene::start().await.without_agent().await;
    let mut caller = scene.connecting(&by);
    let connection = caller.hello(5).await;
    caller.go();
    let victim = scene.program("victim", Path::new("/usr/bin/cat"));
    let _another = another_with_the_pid_of(&caller, &victim, &by);
    let scene = scene.with_agent().await;
    assert_eq!(scene.told_of(&connection).await, only(5));
}

/// The gap that a bus leaves that gives pids alone: it tells when a connection said hello, not when it was made. So one user's
/// processes can have each other's labels, and no other user's.
#[tokio::test]
async fn before_it_said_hello_a_pid_can_become_another_of_the_same_user_unless_it_is_pinned() {
    if !goes_on_inside(
        "reused::before_it_said_hello_a_pid_can_become_another_of_the_same_user_unless_it_is_pinned",
    ) {
        return;
    }
    let scene = Scene::start().await;
    let victim = scene.program("victim", Path::new("/usr/bin/cat"));
    for (by, is_same) in [(&user!(5), true), (&user!(6), false)] {
        let mut caller = scene.connecting(&user!(5));
        caller.go();
        let another = another_with_the_pid_of(&caller, &victim, by);
        let connection = caller.hello(5).await;
        let subject = scene.told_of(&connection).await;
        if is_same && !scene.pins().await {
            assert_eq!((subject.uid, subject.pid), (Some(5), Some(another.pid())));
        } else {
            assert_eq!(subject, only(5));
        }
    }
}

/// As many as it takes, where a thread of our own may have the pid first.
const TRIES: u32 = 1000;
