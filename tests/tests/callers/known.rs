//! Those who are what they seem.

use std::env;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use selfsame_tests::{Relying, Run, binary};

use crate::scene::{Scene, user};

#[tokio::test]
async fn the_subject_is_this_very_process() {
    let scene = Scene::start().await;
    let subject = scene.told_of(&scene.connection).await;
    assert_eq!(subject.uid, Some(nix::unistd::geteuid().as_raw()));
    assert_eq!(subject.gid, Some(nix::unistd::getegid().as_raw()));
    assert_eq!(subject.pid, Some(std::process::id()));
    assert_eq!(subject.exe.as_deref(), std::env::current_exe().unwrap().to_str());
    assert_eq!(subject.app, None, "this is no sandboxed app");
}

#[tokio::test]
async fn each_user_is_told_as_itself() {
    let scene = Scene::start().await;
    let everybody: [&[&str]; 4] = [&[], &user!(5), &user!(13), &user!(65534)];
    for (by, uid) in everybody.into_iter().zip([0, 5, 13, 65534]) {
        let (caller, connection) = scene.connected(by).await;
        // the first call, and a later one
        for _ in 0..2 {
            let subject = scene.told_of(&connection).await;
            assert_eq!((subject.uid, subject.gid, subject.pid), (Some(uid), Some(uid), Some(caller.pid())));
            assert_eq!(subject.exe.as_deref(), scene.connects().to_str());
        }
    }
}

#[tokio::test]
async fn the_command_is_told_as_whoever_runs_it() {
    let scene = Scene::start().await;
    let command = scene.program("selfsame", &binary("selfsame"));
    for uid in [5, 13] {
        let mut door = Relying::new("door");
        let challenge = URL_SAFE_NO_PAD.encode(door.challenge().as_bytes());
        let prove = ["--bus-address", scene.bus.address(), "prove", "--audience", "door", &challenge];
        let run = Run::program("setpriv")
            .args([format!("--reuid={uid}"), format!("--regid={uid}"), "--clear-groups".into()])
            .arg(&command)
            .args(prove);
        let output = run.run().await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let proof = URL_SAFE_NO_PAD.decode(output.stdout.trim()).unwrap();
        let subject = door.enrol(&proof).unwrap().verdict.statement.subject().clone();
        assert_eq!((subject.uid, subject.gid), (Some(uid), Some(uid)));
        assert_eq!(subject.exe.as_deref(), command.to_str());
    }
}

#[tokio::test]
async fn an_agent_without_rights_knows_another_users_process_but_not_its_program() {
    let script = "#!/bin/sh\nexec setpriv --reuid=7 --regid=7 --clear-groups @AGENT \"$@\"\n";
    let scene = Scene::start_by(script).await;
    let (other, connection) = scene.connected(&user!(5)).await;
    let subject = scene.told_of(&connection).await;
    assert_eq!((subject.uid, subject.gid, subject.pid), (Some(5), Some(5), Some(other.pid())));
    assert_eq!(subject.exe, None);
    // its own user's
    let (_same, connection) = scene.connected(&user!(7)).await;
    assert_eq!(scene.told_of(&connection).await.exe.as_deref(), scene.connects().to_str());
}

/// So whoever runs this target on both buses has seen both, from Linux 6.5 on (SO_PEERPIDFD).
#[tokio::test]
async fn a_bus_pins_processes_from_1_16_on() {
    let scene = Scene::start().await;
    let daemon = env::var_os("SELFSAME_DBUS_DAEMON").unwrap_or_else(|| "dbus-daemon".into());
    let says = Run::program(daemon).arg("--version").run().await;
    let version = says.stdout.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    let [major, minor, _] = version.split('.').map(|part| part.parse().unwrap()).collect::<Vec<u32>>()[..]
    else {
        panic!("{version}");
    };
    let pins = scene.pins().await;
    println!("dbus-daemon {version}: pins processes: {pins}");
    let release = nix::sys::utsname::uname().unwrap().release().to_str().unwrap().to_owned();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    let kernel = (numbers.next().unwrap(), numbers.next().unwrap());
    assert_eq!(pins, (major, minor) >= (1, 16) && kernel >= (6, 5), "{release}");
}
