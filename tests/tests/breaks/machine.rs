//! A machine whose hypervisor has a VMClock: the agent's /dev is a directory of the test's, with a file in the device's place.
//!
//! The agent runs in a mount namespace of its own. Nothing is mounted outside of it, and it goes with its processes. Needs root.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt,
    path::PathBuf,
};

use selfsame_tests::{binary, write_program};
use tempfile::TempDir;

/// A /dev with /dev/vmclock0 in it.
pub struct Machine {
    directory: TempDir,
    page: File,
}

impl Machine {
    /// One that counts generations, and is at this one.
    pub fn at_generation(generation: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let dev = directory.path().join("dev");
        fs::create_dir(&dev).unwrap();
        for node in ["null", "zero", "full", "random", "urandom"] {
            fs::write(dev.join(node), "").unwrap();
        }
        // struct vmclock_abi: magic, size, version 1, counter and time type; the rest zeroes
        let mut page = vec![0; 4096];
        page[..4].copy_from_slice(b"VCLK");
        page[4..8].copy_from_slice(&4096_u32.to_le_bytes());
        page[8..12].copy_from_slice(&[1, 0, 0xff, 1]);
        // VMCLOCK_FLAG_VM_GEN_COUNTER_PRESENT
        page[24..32].copy_from_slice(&(1_u64 << 8).to_le_bytes());
        page[104..112].copy_from_slice(&generation.to_le_bytes());
        fs::write(dev.join("vmclock0"), page).unwrap();
        let program = directory.path().join("agent");
        let agent = binary("selfsame-agent");
        let text = ENTER
            .replace("@DIRECTORY", directory.path().to_str().unwrap())
            .replace("@AGENT", agent.to_str().unwrap());
        write_program(&program, &text);
        let page = OpenOptions::new().read(true).write(true).open(dev.join("vmclock0")).unwrap();
        Self { directory, page }
    }

    /// A program that becomes the agent on this machine, with the same process id.
    pub fn agent(&self) -> PathBuf {
        self.directory.path().join("agent")
    }

    /// What a hypervisor does that loads the machine from a snapshot: both markers change, under the sequence lock.
    pub fn load(&self, generation: u64) {
        let word = |at, value: u64| self.page.write_all_at(&value.to_le_bytes(), at).unwrap();
        let sequence = |value: u32| self.page.write_all_at(&value.to_le_bytes(), 12).unwrap();
        let mut now = [0; 4];
        self.page.read_exact_at(&mut now, 12).unwrap();
        let now = u32::from_le_bytes(now);
        sequence(now + 1);
        word(16, generation);
        word(104, generation);
        sequence(now + 2);
    }
}

const ENTER: &str = r#"#!/bin/sh
exec unshare --mount --propagation private /bin/sh -euc '
    for node in null zero full random urandom; do
        mount --bind "/dev/$node" "@DIRECTORY/dev/$node"
    done
    mount --rbind "@DIRECTORY/dev" /dev
    exec "$@"' sh "@AGENT" "$@"
"#;
