//! What is built by these tests themselves: two small programs in C, and the agent without its wiping.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The program that looks for secrets: see `look.c`.
pub fn look() -> &'static Path {
    static LOOK: OnceLock<PathBuf> = OnceLock::new();
    LOOK.get_or_init(|| compiled("look"))
}

/// The program that runs another one without secret memory: see `refuse.c`.
pub fn refuse() -> &'static Path {
    static REFUSE: OnceLock<PathBuf> = OnceLock::new();
    REFUSE.get_or_init(|| compiled("refuse"))
}

fn compiled(name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/leak/{name}.c"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut command = Command::new("cc");
    command.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"]).args([&program, &source]);
    done(command);
    program
}

/// The agent, built with feature `no-wipe`. What it is built from is shared with the build of this test.
pub fn unwiped_agent() -> PathBuf {
    let test = env::current_exe().unwrap();
    // TARGET/PROFILE/deps/TEST
    let target = test.ancestors().nth(3).unwrap();
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-wipe");
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args([
        "build",
        "--quiet",
        "--locked",
        "-p",
        "selfsame-agent",
        "--features",
        "no-wipe",
        "--target-dir",
    ]);
    command.arg(&own).env("CARGO_BUILD_BUILD_DIR", target);
    done(command);
    own.join("debug/selfsame-agent")
}

fn done(mut command: Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
