//! Another machine for the agent: what it sees of /dev and /sys/class is the test's.
//!
//! The agent runs in a mount namespace of its own, in which two directories of the test's are in their place. Nothing is
//! mounted outside of it, and it goes with its processes. Needs root.

use std::{
    fs,
    path::{Path, PathBuf},
};

use selfsame_tests::{Run, binary, write_program};
use tempfile::TempDir;

use crate::{feed::Feed, stream::Stream};

/// Directories that stand for /dev and /sys/class.
pub struct Machine {
    directory: TempDir,
}

impl Machine {
    /// A machine without a TPM, whose kernel says that its generator is `generator`. There is no /dev/hwrng yet.
    pub fn with_generator(generator: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let machine = Self { directory };
        fs::create_dir_all(machine.path("class/misc/hw_random")).unwrap();
        fs::create_dir_all(machine.path("class/tpm")).unwrap();
        fs::create_dir(machine.path("dev")).unwrap();
        for node in NODES.iter().chain(&[AGENT]) {
            fs::write(machine.path("dev").join(node), "").unwrap();
        }
        machine.switch_generator(generator);
        write_start(&machine.path("enter"), &format!("{ENTER} '{}' \"$@\"\n", machine.shown()));
        let agent = format!("#!/bin/sh\nexec '{}/enter' /dev/{AGENT} \"$@\"\n", machine.shown());
        write_start(&machine.path("agent"), &agent);
        machine
    }

    /// A machine with this generator, which gives `stream`.
    pub fn fed(generator: &str, stream: Stream) -> (Self, Feed) {
        let machine = Self::with_generator(generator);
        let feed = Feed::start(&machine.path("dev/hwrng"), stream);
        (machine, feed)
    }

    /// Gives the machine a TPM: `device` is its /dev/tpmrm0.
    pub fn with_tpm(self, device: &Path) -> Self {
        fs::create_dir(self.path("class/tpm/tpm0")).unwrap();
        fs::write(self.path("dev/tpmrm0"), "").unwrap();
        fs::write(self.path("tpm"), device.as_os_str().as_encoded_bytes()).unwrap();
        self
    }

    /// Has the kernel show this as the Name of its null primary.
    pub fn show_null_name(&self, name: &str) {
        fs::write(self.path("class/tpm/tpm0/null_name"), format!("{name}\n")).unwrap();
    }

    /// Has the kernel say that its generator is another, from now on.
    pub fn switch_generator(&self, generator: &str) {
        // at once, so that nobody reads half of it
        let next = self.path("next");
        fs::write(&next, format!("{generator}\n")).unwrap();
        fs::rename(next, self.path("class/misc/hw_random/rng_current")).unwrap();
    }

    /// A program that becomes the agent on this machine, with the same process id.
    pub fn agent(&self) -> PathBuf {
        self.path("agent")
    }

    /// A run of the agent's program on this machine, by another user where one is named.
    pub fn run_agent(&self, user: Option<&str>) -> Run {
        let run = Run::program(self.path("enter"));
        let run = match user {
            Some(user) => {
                run.args(["setpriv", &format!("--reuid={user}"), "--regid=nogroup", "--clear-groups"])
            }
            None => run,
        };
        run.arg(format!("/dev/{AGENT}"))
    }

    /// The stand-in for `path`, such as `dev/tpmrm0` or `class/tpm/tpm0`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn shown(&self) -> String {
        self.directory.path().display().to_string()
    }
}

fn write_start(path: &Path, text: &str) {
    let text = text.replace("@AGENT", binary("selfsame-agent").to_str().unwrap());
    write_program(path, &text);
}

/// Takes the machine's directory, and the program to become.
const ENTER: &str = r#"#!/bin/sh
exec unshare --mount --propagation private /bin/sh -euc '
    for node in null zero full random urandom; do
        mount --bind "/dev/$node" "$0/dev/$node"
    done
    mount --bind "@AGENT" "$0/dev/selfsame-agent"
    if [ -e "$0/tpm" ]; then
        mount --bind "$(cat "$0/tpm")" "$0/dev/tpmrm0"
    fi
    mount --bind "$0/class" /sys/class
    mount --rbind "$0/dev" /dev
    exec "$@"'"#;

/// What a program expects in /dev, as in `ENTER`.
const NODES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// The agent's program, where any user of the machine may run it, wherever it was built.
const AGENT: &str = "selfsame-agent";
