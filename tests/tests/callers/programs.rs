//! Programs: those that a process becomes, and those that it would like to be.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::scene::{Scene, user};

/// The label is worth that much: what a process of this user runs now. Whoever is the user can run it.
#[tokio::test]
async fn a_process_that_becomes_another_program_is_told_as_that_one() {
    let scene = Scene::start().await;
    let another = scene.program("another", Path::new("/usr/bin/cat"));
    let (mut caller, connection) = scene.connected(&user!(5)).await;
    let before = scene.told_of(&connection).await;
    assert_eq!(before.exe.as_deref(), scene.connects().to_str());
    caller.become_program(&another, "-");
    let after = scene.told_of(&connection).await;
    assert_eq!(after.exe.as_deref(), another.to_str());
    assert_eq!((after.uid, after.pid), (before.uid, before.pid), "it is the same process");
}

#[tokio::test]
async fn one_that_becomes_another_users_program_is_not_told_as_that() {
    let scene = Scene::start().await;
    let of_another = scene.program("of-another", Path::new("/usr/bin/cat"));
    std::os::unix::fs::chown(&of_another, Some(6), Some(6)).unwrap();
    fs::set_permissions(&of_another, fs::Permissions::from_mode(0o4755)).unwrap();
    let (mut caller, connection) = scene.connected(&user!(5)).await;
    caller.become_program(&of_another, "-");
    let status = fs::read_to_string(format!("/proc/{}/status", caller.pid())).unwrap();
    assert!(status.contains("Uid:\t5\t6\t6\t6\n"), "{status}");
    let subject = scene.told_of(&connection).await;
    assert_eq!((subject.uid, subject.gid, subject.exe), (Some(5), None, None));
    // by its pid alone it could be another by now
    assert_eq!(subject.pid, scene.pins().await.then(|| caller.pid()));
}

#[tokio::test]
async fn a_group_that_comes_with_a_program_is_not_the_callers() {
    let scene = Scene::start().await;
    let of_a_group = scene.program("of-a-group", Path::new("/usr/bin/cat"));
    std::os::unix::fs::chown(&of_a_group, None, Some(6)).unwrap();
    fs::set_permissions(&of_a_group, fs::Permissions::from_mode(0o2755)).unwrap();
    let (mut caller, connection) = scene.connected(&user!(5)).await;
    assert_eq!(scene.told_of(&connection).await.gid, Some(5));
    caller.become_program(&of_a_group, "-");
    let subject = scene.told_of(&connection).await;
    assert_eq!((subject.uid, subject.gid, subject.pid), (Some(5), None, Some(caller.pid())));
}

/// With mounts of its own, which every user may have, a process has any file at any path.
#[tokio::test]
async fn a_program_at_a_path_where_the_host_has_another_is_not_told() {
    let scene = Scene::start().await;
    let trusted = scene.program("trusted", Path::new("/usr/bin/cat"));
    let script = format!("mount --bind \"$0\" {0}; exec {0} \"$1\"", trusted.display());
    let mut by = user!(5).to_vec();
    by.extend(["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-ec", &script]);
    let (caller, connection) = scene.connected(&by).await;
    let exe = fs::read_link(format!("/proc/{}/exe", caller.pid())).unwrap();
    assert_eq!(exe, trusted, "so the kernel tells it");
    let subject = scene.told_of(&connection).await;
    assert_eq!((subject.uid, subject.pid, subject.exe), (Some(5), Some(caller.pid()), None));
    // with mounts of its own, and the host's file at its path
    let mut by = user!(5).to_vec();
    by.extend(["unshare", "--user", "--map-root-user", "--mount"]);
    let (_caller, connection) = scene.connected(&by).await;
    assert_eq!(scene.told_of(&connection).await.exe.as_deref(), scene.connects().to_str());
}
