//! A swap file to which all is written that the kernel may write of the agent: the secrets are not in it.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::sys::stat::fstat;

use crate::{built, look, scene::Scene, tally::Tally};

/// A swap file that is in use. It goes out of use with its owner, however that one ends.
struct Swap {
    shell: Child,
    file: PathBuf,
    _directory: tempfile::TempDir,
}

impl Swap {
    fn on() -> Self {
        // not where temporary files are: they may be in memory
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = directory.path().join("swap");
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", SWAP, "swap"])
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        let mut shell = shell.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "on\n", "no swap file: this test must be run by root, where swapon(8) is allowed");
        Self { shell, file, _directory: directory }
    }

    fn finds(&self, values: &BTreeSet<String>) -> usize {
        let look = look::into_files(std::slice::from_ref(&self.file), values);
        look.hits.values().map(BTreeSet::len).sum()
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// What the kernel says of an agent's page, and how much of the agent is in swap.
struct Mapped {
    page_flags: Vec<String>,
    page_in_swap: u64,
    in_swap: u64,
}

impl Mapped {
    fn of(pid: u32, page_inode: u64) -> Self {
        let mut mapped = Self { page_flags: Vec::new(), page_in_swap: 0, in_swap: 0 };
        let mut is_page = false;
        for line in fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap().lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["Swap:", kib, "kB"] => {
                    let kib: u64 = kib.parse().unwrap();
                    mapped.in_swap += kib;
                    mapped.page_in_swap += if is_page { kib } else { 0 };
                }
                ["VmFlags:", ref flags @ ..] if is_page => {
                    mapped.page_flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
                }
                [range, _, _, _, inode, ..] if range.contains('-') => {
                    is_page = inode == page_inode.to_string()
                }
                _ => {}
            }
        }
        mapped
    }
}

/// Has an agent written to swap at so many stops; how many of its secrets are found there.
async fn written(memory: &str, program: &Path) -> usize {
    let swap = Swap::on();
    let mut scene = Scene::start(memory, program).await;
    scene.load().await;
    let inode = fstat(scene.page()).unwrap().st_ino;
    let (mut tally, mut finds, mut most) = (Tally::default(), 0, 0);
    for _ in 0..STOPS {
        scene.proofs(3).await;
        let mapped = scene.while_stopped(|pid| {
            tally.add(scene.look_at(pid));
            look::page_out(pid);
            // while it is stopped: it takes its pages back as it goes on, and others get their places
            finds += swap.finds(&tally.values);
            Mapped::of(pid, inode)
        });
        for flag in ["lo", "dd", "dc"] {
            assert!(mapped.page_flags.iter().any(|found| found == flag), "{flag}: {:?}", mapped.page_flags);
        }
        assert!(
            mapped.page_in_swap == 0 && mapped.in_swap > 1024,
            "{} of {}",
            mapped.page_in_swap,
            mapped.in_swap
        );
        most = most.max(mapped.in_swap);
    }
    // what is no secret is found: what was written is on the disk
    let lineage: selfsame::LineageId = scene.named().await.lineage().await.unwrap().parse().unwrap();
    let known = lineage.genesis_digest().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let known = BTreeSet::from([known]);
    let found = async {
        while swap.finds(&known) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), found).await;
    assert!(found.is_ok(), "the lineage's own id is not in the swap file, {most} KiB of the agent were");
    finds += swap.finds(&tally.values);
    println!(
        "memory = {memory}: {STOPS} times up to {most} KiB in swap, {} values, {finds} found",
        tally.values.len()
    );
    finds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_not_in_a_swap_file() {
    // one after the other: what one finds has to be its own
    for memory in ["secret", "locked"] {
        assert_eq!(written(memory, built::optimised_agent()).await, 0, "memory = {memory}");
    }
    assert!(written("locked", built::unwiped_agent()).await > 0, "nothing is left without wiping");
}

/// Stops at which the agent is written to swap.
const STOPS: u32 = 10;

/// Room for several times what the agent has.
const SWAP: &str = r#"
PATH=$PATH:/usr/sbin:/sbin
dd if=/dev/zero of="$1" bs=1M count=32 conv=fsync status=none && chmod 600 "$1" &&
    mkswap -q "$1" && swapon "$1" && echo on && { read -r _; swapoff "$1"; }"#;
