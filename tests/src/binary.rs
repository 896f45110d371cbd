//! Where the binaries under test are.

use std::{env, path::PathBuf};

/// The path of the binary `name`, such as `selfsame-agent`.
///
/// That is what the environment variable of the same name says (`SELFSAME_AGENT` for `selfsame-agent`), else
/// `target/PROFILE/NAME` of the target directory that this test was built into.
///
/// # Panics
///
/// If it is not there, with the command that builds it.
pub fn binary(name: &str) -> PathBuf {
    let variable = name.replace('-', "_").to_uppercase();
    if let Some(path) = env::var_os(&variable) {
        return path.into();
    }
    let test = env::current_exe().expect("the kernel knows our executable");
    // target/PROFILE/deps/TEST-HASH, or target/PROFILE/NAME for a binary of this crate.
    let beside = test.ancestors().skip(1).take(2).map(|directory| directory.join(name));
    beside.clone().find(|path| path.is_file()).unwrap_or_else(|| {
        panic!(
            "no binary `{name}` in {:?}: build it with `cargo build -p {}`, in the profile and target directory of \
             the tests, or set {variable}",
            beside.map(|path| path.display().to_string()).collect::<Vec<_>>(),
            package(name),
        )
    })
}

/// The package that has the binary `name`.
fn package(name: &str) -> &str {
    match name {
        "selfsame" => "selfsame-command",
        "selfsame-example-server" | "selfsame-example-client" => "selfsame-example-http",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic = "build it with `cargo build -p selfsame-none`"]
    fn a_binary_that_is_not_there_says_how_to_build_it() {
        binary("selfsame-none");
    }
}
