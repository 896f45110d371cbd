//! The store's file, and what can happen to it: damaged, something else, of a newer version, on a disk that is full or read-only,
//! removed, or replaced by an older one. It is never replaced by the agent, and in use again as soon as it is mended.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{FcntlArg, fcntl},
    libc,
};
use selfsame_dbus::{Bytes, CallError, Identity1Proxy, Options};
use selfsame_store::Store;
use selfsame_tests::{PrivateBus, Run, binary, write_program};

use crate::{
    host::{DOOR, Member},
    scene::{Door, Files, borrowed, cause, files, pair, refused, text},
};

/// Every method of the interface, with arguments that are right but for the file.
async fn all_are_refused(door: &Door, host: &mut Member, why: &str, mend: &str) {
    let (none, verifier) = (Options::new(), &door.verifier);
    let challenge = selfsame_tests::play::item::challenge(DOOR, &[1; 32], None, &[]);
    let (proof, introduction) = (host.prove(&challenge), host.introduction().encode());
    let (hop, way) = host.hop(0, 0).unwrap();
    let (proof, way) = (Bytes::new(&proof), borrowed(&way));
    let outcomes = [
        refused(verifier.challenge(DOOR, "web", &none).await.map(drop)),
        refused(verifier.meet("new", Bytes::new(&introduction), &none).await),
        refused(verifier.enrol("web", proof, &none).await.map(drop)),
        refused(verifier.verify("web", proof, &none).await.map(drop)),
        refused(verifier.questions("web").await.map(drop)),
        refused(verifier.confront("web", Bytes::new(&hop), &way).await.map(drop)),
        refused(verifier.peers().await.map(drop)),
        refused(verifier.whose(&host.id().to_string()).await.map(drop)),
        refused(verifier.forget("web").await),
        refused(verifier.forks("").await.map(drop)),
        refused(verifier.report_fork(Bytes::new(&a_fork())).await),
    ];
    for outcome in outcomes {
        assert_eq!(cause(outcome.clone()), pair("StoreUnavailable", why));
        let text = text(outcome);
        let file = format!("the peers' store {} can't be used", door.file().display());
        for part in [&*file, mend, "no restart is needed"] {
            assert!(text.contains(part), "no {part}: {text}");
        }
    }
    still_speaks(door).await;
}

/// The host's own identity goes on, whatever its verifier's file is.
async fn still_speaks(door: &Door) {
    let identity = Identity1Proxy::uncached(&door.connection).await.unwrap();
    let challenge = selfsame_tests::play::item::challenge(DOOR, &[2; 32], None, &[]);
    let challenge = Bytes::new(challenge.as_bytes());
    let proof = identity.prove(DOOR, challenge, Bytes::new(b""), &Options::new()).await.unwrap();
    assert!(!proof.is_empty());
}

/// A fork that is well-formed: of a lineage that is nobody's.
fn a_fork() -> Vec<u8> {
    use selfsame_tests::play::{crafted::genesis, item};
    let genesis = genesis("fork");
    let hops = ["one", "two"].map(|seed| genesis.hop(0, &genesis.then(seed, 1)));
    let [first, second] = hops;
    item::map([
        (1, Some(item::uint(1u8))),
        (2, Some(item::bytes(genesis.lineage.as_bytes()))),
        (3, Some(item::bytes(&genesis.genesis))),
        (4, Some(item::Item::Array(Vec::new()))),
        (5, Some(first)),
        (6, Some(second)),
    ])
    .encode()
}

/// Writes over what a file has from `at` on.
fn scribble(file: &Path, at: u64, bytes: &[u8]) {
    let mut file = File::options().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// A store that knows a host, with its agent.
async fn known() -> (Door, Member) {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    (door, host)
}

/// Puts `backup` in the file's place, as one does.
fn restore(backup: &Path, file: &Path) {
    fs::rename(backup, file).unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_refused_kept_and_mended_by_a_backup() {
    let (door, mut host) = known().await;
    let (file, backup) = (door.file(), door.file().with_extension("backup"));
    fs::copy(&file, &backup).unwrap();
    let bytes = fs::metadata(&file).unwrap().len();
    // all but the first page, under the running agent
    scribble(&file, 4096, &vec![0xa5; usize::try_from(bytes).unwrap() - 4096]);
    // a change, that the agent looks at the file again
    scribble(&file, 24, &[0xff; 4]);
    let damaged = fs::read(&file).unwrap();
    all_are_refused(&door, &mut host, "damaged", "put a backup in its place").await;
    assert_eq!(fs::read(&file).unwrap(), damaged, "it is kept as it is");
    assert_eq!(door.agent().stderr().matches("b0fd68d5a4eb4229bb435564576a9d03").count(), 1, "told once");

    restore(&backup, &file);
    assert_eq!(door.names().await, ["web"]);
    door.ask("web", &mut host).await.unwrap();
    door.agent().logged("can be used again").await;
}

#[tokio::test]
async fn a_file_that_is_damaged_in_one_place_is_not_used_elsewhere() {
    let (door, mut host) = known().await;
    let mut other = Member::born(2);
    door.enrolled("db", &mut other).await;
    let (file, backup) = (door.file(), door.file().with_extension("backup"));
    fs::copy(&file, &backup).unwrap();
    // in the state of one peer: its bytes stand in the file as they are
    let id = host.id();
    let stored = fs::read(&file).unwrap();
    let genesis = host.lineage.genesis().body().to_vec();
    let at = stored.windows(64).position(|bytes| bytes == &genesis[..64]).expect("its genesis is kept");
    scribble(&file, at as u64, &[0; 64]);
    scribble(&file, 24, &[0xff; 4]);
    assert_eq!(door.verifier.whose(&id.to_string()).await.unwrap(), "web", "what is whole can be read");
    assert_eq!(cause(door.challenge_with("web", &Options::new()).await), pair("StoreUnavailable", "damaged"));
    all_are_refused(&door, &mut other, "damaged", "keep the damaged one").await;

    restore(&backup, &file);
    door.ask("web", &mut host).await.unwrap();
    door.ask("db", &mut other).await.unwrap();
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_mended_by_its_removal() {
    let files = Files::new();
    let file = files.state().join("peers.db");
    fs::write(&file, "a text that somebody has put here").unwrap();
    let door = Door::with(files, |options| options).await;
    let mut host = Member::born(1);
    all_are_refused(&door, &mut host, "not-a-store", "something else is in its place").await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "a text that somebody has put here");
    fs::remove_file(&file).unwrap();
    door.enrolled("web", &mut host).await;

    // a directory, too
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(cause(refused(door.verifier.peers().await)), pair("StoreUnavailable", "not-a-store"));
}

#[tokio::test]
async fn one_of_a_newer_version_is_refused_and_not_written_to() {
    let (mut door, mut host) = known().await;
    // user_version, big-endian: https://www.sqlite.org/fileformat2.html
    let version = |version: u32| scribble(&door.file(), 60, &version.to_be_bytes());
    version(99);
    let bytes = fs::read(door.file()).unwrap();
    door.kill_and_restart().await;
    all_are_refused(&door, &mut host, "version", "a newer version of selfsame").await;
    assert_eq!(fs::read(door.file()).unwrap(), bytes);
    scribble(&door.file(), 60, &2u32.to_be_bytes());
    door.ask("web", &mut host).await.unwrap();
}

/// A door whose agent has its files in a tmpfs of this size, in a mount namespace of its own; and the directory as it is there.
async fn mounted(options: &str) -> (Door, PathBuf) {
    let files = Files::new();
    let (state, program) = (files.state(), files.state().with_file_name("agent"));
    let script = format!(
        "#!/bin/sh\nexec unshare --mount sh -ec 'mount -t tmpfs -o {options} none {state}\nexec {agent} \"$@\"' sh \"$@\"\n",
        state = state.display(),
        agent = binary("selfsame-agent").display(),
    );
    write_program(&program, &script);
    let door =
        Door::with(files, |options| selfsame_tests::AgentOptions { program: Some(program), ..options }).await;
    let inside = format!("/proc/{}/root{}", door.agent().pid(), door.file().parent().unwrap().display());
    (door, inside.into())
}

async fn remount(door: &Door, options: &str) {
    let (pid, state) = (door.agent().pid().to_string(), door.file().parent().unwrap().to_owned());
    let mount = Run::program("nsenter").args(["--mount", "--target", &pid, "mount", "-o"]);
    let done = mount.arg(format!("remount,{options}")).arg(state).run().await;
    assert_eq!(done.code(), Some(0), "{done:?}");
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_accepted_until_there_is_room() {
    let (door, inside) = mounted("size=1m").await;
    let mut host = Member::born(1);
    door.enrolled("web", &mut host).await;
    let (challenge, filler) = (door.challenge("web").await, inside.join("filler"));
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
    drop(file);
    let proof = host.prove(&challenge);
    let full = door.verify("web", &proof).await;
    assert_eq!(cause(full.clone()), pair("StoreUnavailable", "unavailable"));
    assert!(text(full.clone()).contains("a disk with room"), "{full:?}");
    still_speaks(&door).await;
    fs::remove_file(&filler).unwrap();
    // nothing has changed: not even a refusal is counted
    door.verify("web", &proof).await.unwrap();
}

#[tokio::test]
async fn where_it_can_not_be_written_nothing_is_accepted_until_it_can() {
    // one that was met before, in a file that is read-only from the agent's first look at it on
    let (before, mut host) = known().await;
    let proof = host.prove(&before.challenge("web").await);
    let (door, inside) = mounted("size=1m").await;
    fs::copy(before.file(), inside.join("peers.db")).unwrap();
    while !inside.join("last-head.json").exists() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    remount(&door, "ro").await;
    for _ in 0..2 {
        let refused = door.verify("web", &proof).await;
        assert_eq!(cause(refused.clone()), pair("StoreUnavailable", "unavailable"));
        assert!(text(refused).contains("the agent's user may write to both"));
        // what only reads can be had
        assert_eq!(door.names().await, ["web"]);
    }
    still_speaks(&door).await;
    remount(&door, "rw").await;
    door.verify("web", &proof).await.unwrap();
    assert_eq!(files(&inside), ["last-head.json", "peers.db"], "nothing half written is left");

    // where there is none yet, there is nothing to read either
    let (door, _) = mounted("size=1m,ro").await;
    assert_eq!(cause(refused(door.verifier.peers().await)), pair("StoreUnavailable", "unavailable"));
    remount(&door, "rw").await;
    assert_eq!(door.names().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_older_file_that_is_put_back_under_the_agent_is_the_one_it_uses() {
    let (door, mut web) = known().await;
    let (file, backup) = (door.file(), door.file().with_extension("backup"));
    fs::copy(&file, &backup).unwrap();
    let mut db = Member::born(2);
    door.enrolled("db", &mut db).await;
    let challenge = door.challenge("web").await;
    let proof = web.prove(&challenge);

    restore(&backup, &file);
    assert_eq!(door.names().await, ["web"], "it counts as absent since");
    assert_eq!(cause(door.verify("web", &proof).await).0, "UnknownChallenge", "its challenges are gone");
    door.ask("web", &mut web).await.unwrap();
    let mut mail = Member::born(3);
    door.enrolled("mail", &mut mail).await;
    // it is in the file that has the name
    let names: Vec<_> =
        Store::open(&file).unwrap().peers().unwrap().into_iter().map(|peer| peer.name).collect();
    assert_eq!(names, ["mail", "web"]);
    door.agent().logged("was replaced, or removed").await;

    fs::remove_file(&file).unwrap();
    assert_eq!(door.names().await, Vec::<String>::new());
    door.enrolled("mail", &mut mail).await;
    assert_eq!(Store::open(&file).unwrap().peers().unwrap().len(), 1);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Another program that has the file holds the agent up for a few seconds, and no longer.
#[tokio::test]
async fn who_holds_the_file_is_waited_for_and_then_told() {
    let (door, mut host) = known().await;
    let proof = host.prove(&door.challenge("web").await);
    // as SQLite locks a file: https://www.sqlite.org/fileformat2.html, "The Lock-Byte Page"
    let held = File::options().write(true).open(door.file()).unwrap();
    let lock = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 1 << 30,
        l_len: 512,
        l_pid: 0,
    };
    fcntl(&held, FcntlArg::F_SETLK(&lock)).unwrap();
    let refused = door.verify("web", &proof).await;
    assert!(text(refused.clone()).contains("end the program that holds it"), "{refused:?}");
    assert_eq!(cause(refused), pair("StoreUnavailable", "unavailable"));
    still_speaks(&door).await;
    drop(held);
    door.verify("web", &proof).await.unwrap();
}

#[tokio::test]
async fn an_agent_that_nobody_asks_to_verify_makes_no_file() {
    let (bus, files_of) = (PrivateBus::start(), Files::new());
    let agent = selfsame_tests::Agent::start(files_of.options(&bus)).await.unwrap();
    let identity = Identity1Proxy::uncached(&bus.connect().await).await.unwrap();
    let unknown = identity.prove("", Bytes::new(b""), Bytes::new(b""), &Options::new()).await;
    assert!(matches!(unknown, Err(CallError::Refused(..))));
    agent.terminate().await;
    assert_eq!(files(&files_of.state()), ["last-head.json"]);
}
