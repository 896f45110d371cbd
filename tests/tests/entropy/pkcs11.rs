//! An HSM's generator: SoftHSM, a token in software.

use std::{
    fs,
    path::{Path, PathBuf},
};

use selfsame_tests::{Run, processes};
use tempfile::TempDir;

use crate::{
    history::{genesis, sources},
    host::Setting,
};

/// Debian's, and the same on each architecture.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// SoftHSM's tokens of one test.
struct Tokens(TempDir);

impl Tokens {
    /// One token with this label.
    async fn with(label: &str) -> Self {
        let tokens = Self(tempfile::tempdir().unwrap());
        let place = tokens.0.path().join("tokens");
        fs::create_dir(&place).unwrap();
        fs::write(tokens.configuration(), format!("directories.tokendir = {}\n", place.display())).unwrap();
        let made = Run::program("softhsm2-util")
            .args(["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", "1234"])
            .env("SOFTHSM2_CONF", tokens.configuration());
        let made = made.run().await;
        assert_eq!(made.code(), Some(0), "{made:?}");
        tokens
    }

    fn configuration(&self) -> PathBuf {
        self.0.path().join("softhsm2.conf")
    }

    /// An agent that has nothing but the token `label`, and the kernel.
    fn setting(&self, label: &str) -> Setting {
        let source = format!("pkcs11:token={label}?module-path={MODULE}");
        let setting = Setting::new(&format!("sources = [\"{source}\", \"kernel\"]\nrequire = [\"hsm\"]\n"));
        setting.env("SOFTHSM2_CONF", self.configuration())
    }
}

/// Whether the process has the module loaded.
fn has_module(pid: u32) -> bool {
    let module = Path::new(MODULE).file_name().unwrap().to_str().unwrap();
    fs::read_to_string(format!("/proc/{pid}/maps")).unwrap().contains(module)
}

#[tokio::test]
async fn a_token_feeds_a_birth_from_a_process_of_its_own() {
    let tokens = Tokens::with("first").await;
    let host = tokens.setting("first").start().await;
    assert_eq!(sources(genesis(&host).await.evidence().fields()), ["kernel", "pkcs11:first"]);
    let expected = [("kernel", "kernel"), ("pkcs11:first", "hsm")];
    let expected = expected.map(|(name, class)| (name.to_owned(), class.to_owned(), true));
    assert_eq!(host.sources().await, expected);
    host.wait_until_steady().await;

    let children = processes::children(host.agent.pid());
    let [helper] = &children[..] else { panic!("{children:?}") };
    assert!(helper.command.contains("source-helper pkcs11:token=first"), "{helper:?}");
    assert!(has_module(helper.pid));
    assert!(!has_module(host.agent.pid()), "a module is not loaded beside secrets");
}

#[tokio::test]
async fn a_token_that_is_not_there_is_named_in_the_refusal() {
    let tokens = Tokens::with("first").await;
    let exit = tokens.setting("second").refused().await;
    assert_eq!(exit.status.code(), Some(78), "{}", exit.stderr);
    for part in ["each class of hsm", "expected a token `second`", "softhsm2-util --show-slots"] {
        assert!(exit.stderr.contains(part), "{part} is not in {}", exit.stderr);
    }
}
