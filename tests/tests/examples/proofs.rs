//! A first proof, and those after it, in each language: by the very commands that the READMEs give.

use std::{fs, os::unix::fs::symlink, path::Path};

use selfsame_tests::{Output, PrivateBus, Run};

use crate::scene::{Host, SYSTEM_BUS, project};

/// Runs the command on this system bus, in a folder where all is as in the project's, but for what it leaves behind.
async fn command(bus: &PrivateBus, folder: &Path, command: &str) -> Output {
    let copy = folder.join("project");
    if !copy.exists() {
        fs::create_dir(&copy).unwrap();
        symlink(project("dbus"), copy.join("dbus")).unwrap();
    }
    // cargo leaves nothing but what is built, and looks for its manifest in the shell's folder
    let folder = if command.starts_with("cargo ") { project("") } else { copy };
    let script = format!("cd '{}' && {command}", folder.display());
    Run::program("/bin/sh").args(["-c", &script]).env(SYSTEM_BUS, bus.address()).run().await
}

/// A first proof, another, one that is refused since the caller talks to another than who asks; and no agent.
async fn is_met_and_still_the_same(example: &str) {
    let host = Host::start().await;
    let run = async |line: &str| command(&host.bus, host.folder.path(), line).await;
    let first = run(example).await;
    assert_eq!((first.code(), &*first.stdout), (Some(0), "met web1: user 0 says hello\n"), "{first:?}");
    let again = run(example).await;
    assert_eq!((again.code(), &*again.stdout), (Some(0), "still web1: user 0 says hello\n"), "{again:?}");
    let peers = host.verifier().await.peers().await.unwrap();
    let [peer] = &peers[..] else { panic!("{peers:?}") };
    assert_eq!((&*peer.name, &*peer.lineage), ("web1", &*host.identity().await.lineage().await.unwrap()));

    let refused = run(&format!("{example} gate")).await;
    assert_eq!((refused.code(), &*refused.stdout), (Some(1), ""), "{refused:?}");
    let why = r#"the challenge is of "door", the caller talks to "gate""#;
    assert!(refused.stderr.contains(why), "{refused:?}");

    let (nobody, folder) = (PrivateBus::start(), tempfile::tempdir().unwrap());
    let alone = command(&nobody, folder.path(), example).await;
    assert_eq!((alone.code(), &*alone.stdout), (Some(1), ""), "{alone:?}");
    assert!(
        alone.stderr.contains("org.selfsame.Agent1") || alone.stderr.contains("not reachable"),
        "{alone:?}"
    );
}

/// The commands in the rows of a table, each with its language.
fn commands(file: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(project(file)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    rows.filter_map(|row| Some((row.first()?.to_string(), row.last()?.trim_matches('`').to_owned())))
        .filter(|(_, command)| {
            command.contains("dbus/examples/prove.") || command.contains("--example prove")
        })
        .collect()
}

async fn example(language: &str) {
    let rows = commands("dbus/examples/README.md");
    let (_, command) = rows.iter().find(|(found, _)| found == language).unwrap();
    is_met_and_still_the_same(command).await;
}

#[test]
fn the_readme_has_the_same_command_for_each_language() {
    let rows = commands("dbus/examples/README.md");
    let languages: Vec<_> = rows.iter().map(|(language, _)| language.as_str()).collect();
    assert_eq!(languages, ["Python", "C", "JavaScript", "shell", "Rust"]);
    assert_eq!(commands("README.md"), rows);
}

#[tokio::test]
async fn python_has_a_proof_checked() {
    example("Python").await;
}

#[tokio::test]
async fn c_has_a_proof_checked() {
    example("C").await;
}

#[tokio::test]
async fn javascript_has_a_proof_checked() {
    example("JavaScript").await;
}

#[tokio::test]
async fn a_shell_has_a_proof_checked() {
    example("shell").await;
}

#[tokio::test]
async fn rust_has_a_proof_checked() {
    example("Rust").await;
}

#[tokio::test]
async fn another_lineage_under_the_same_name_is_refused_in_each_language() {
    let (host, other) = (Host::start().await, Host::start().await);
    // `web1` is another host here
    let (verifier, none) = (host.verifier().await, selfsame_dbus::Options::new());
    let introduction = other.identity().await.introduce().await.unwrap();
    verifier.meet("web1", selfsame_dbus::Bytes::new(&introduction), &none).await.unwrap();
    for (language, line) in commands("dbus/examples/README.md") {
        let refused = command(&host.bus, host.folder.path(), &line).await;
        assert_eq!((refused.code(), &*refused.stdout), (Some(1), ""), "{language}: {refused:?}");
        let lineage = other.identity().await.lineage().await.unwrap();
        assert!(refused.stderr.contains(&lineage), "{language}: {refused:?}");
    }
}
