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

/// The agent as it is optimised for a release: what is left where depends on that. `SELFSAME_AGENT` names another.
pub fn optimised_agent() -> &'static Path {
    static AGENT: OnceLock<PathBuf> = OnceLock::new();
    // not the profile `release` itself, which would build all the rest anew
    let optimised = ["--config", "profile.dev.package.selfsame-agent.opt-level=3"];
    AGENT.get_or_init(|| {
        env::var_os("SELFSAME_AGENT").map_or_else(|| agent("optimised", &optimised), PathBuf::from)
    })
}

/// The agent with feature `no-wipe`; not optimised, which leaves the most.
pub fn unwiped_agent() -> &'static Path {
    static AGENT: OnceLock<PathBuf> = OnceLock::new();
    AGENT.get_or_init(|| agent("no-wipe", &["--features", "no-wipe"]))
}

/// An agent that is built into a directory of its own. What it is built from is shared with the build of this test.
fn agent(name: &str, arguments: &[&str]) -> PathBuf {
    let test = env::current_exe().unwrap();
    // TARGET/PROFILE/deps/TEST
    let target = test.ancestors().nth(3).unwrap();
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(["build", "--quiet", "--locked", "-p", "selfsame-agent", "--target-dir"]).arg(&own);
    command.args(arguments);
    command.env("CARGO_BUILD_BUILD_DIR", target);
    // As it is built by default: what is left on a stack without wiping depends on how each function's frame is laid out, and
    // where these are set it was found to be little.
    command.env_remove("CARGO_INCREMENTAL").env_remove("CARGO_PROFILE_DEV_DEBUG");
    done(command);
    own.join("debug/selfsame-agent")
}

fn done(mut command: Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
