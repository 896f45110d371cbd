//! The source against SoftHSM, a token in software.
//!
//! SoftHSM is told where its tokens are by the environment, and a module is initialised once in a process. So each
//! test runs in a process of its own: it starts this program anew, for itself alone.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use cryptoki::session::SessionState;
use tempfile::TempDir;

use super::*;

/// Debian's, and the same on each architecture.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Names, in the environment of a test's own process, the directory that it has for itself.
const OWN: &str = "SELFSAME_TEST_PKCS11";

/// Runs `test` in a process of its own, with a directory where SoftHSM keeps its tokens; there are none yet.
///
/// `name` is the calling test's. `spied` has all calls that go to the module written to the file `calls`.
fn alone(name: &str, spied: bool, test: impl FnOnce(&Tokens)) {
    if let Some(dir) = env::var_os(OWN) {
        return test(&Tokens { dir: dir.into() });
    }
    let dir = TempDir::new().unwrap();
    let tokens = Tokens { dir: dir.path().to_owned() };
    fs::create_dir(tokens.directory()).unwrap();
    let configuration =
        format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.directory().display());
    fs::write(tokens.configuration(), configuration).unwrap();

    // As the harness names it: without the crate.
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut own = Command::new(env::current_exe().unwrap());
    own.args(["--exact", &format!("{module}::{name}"), "--nocapture"]);
    own.env(OWN, dir.path()).env("SOFTHSM2_CONF", tokens.configuration());
    if spied {
        own.env("PKCS11SPY", MODULE).env("PKCS11SPY_OUTPUT", tokens.calls());
    }
    let output = own.output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(
        output.status.success() && text.contains("test result: ok. 1 passed"),
        "in its own process:\n{text}"
    );
}

/// SoftHSM's tokens of one test.
struct Tokens {
    dir: PathBuf,
}

impl Tokens {
    fn directory(&self) -> PathBuf {
        self.dir.join("tokens")
    }

    fn configuration(&self) -> PathBuf {
        self.dir.join("softhsm2.conf")
    }

    fn calls(&self) -> PathBuf {
        self.dir.join("calls")
    }

    /// Makes a token.
    fn make(&self, label: &str) {
        let mut command = Command::new("softhsm2-util");
        command.args(["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", "1234"]);
        let output = command.output().expect("softhsm2-util runs: packaging/deps.sh installs it");
        assert!(output.status.success(), "{output:?}");
    }
}

fn source(token: &str) -> Pkcs11Source {
    at(token, Path::new(MODULE))
}

/// A source with these attributes in its path, through this module.
fn at(path: &str, module: &Path) -> Pkcs11Source {
    Pkcs11Source::new(format!("pkcs11:{path}?module-path={}", module.display()).parse().unwrap())
}

/// What a draw of 32 bytes comes to.
fn draw(source: &mut Pkcs11Source) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    source.draw(&mut bytes).map(|()| bytes).map_err(|error| error.to_string())
}

#[test]
fn it_is_named_after_its_token_and_nothing_is_loaded_before_a_draw() {
    let source = at("token=My%20HSM", Path::new("/nowhere/module.so"));
    assert_eq!((source.name(), source.class()), ("pkcs11:My HSM", Class::Hsm));
    let longest = at(&format!("token={}", "x".repeat(32)), Path::new("/m"));
    assert!(longest.name().len() <= 64);
}

#[test]
fn draws_of_any_length_differ() {
    alone("draws_of_any_length_differ", false, |tokens| {
        tokens.make("first");
        let mut source = source("token=first");
        let first = draw(&mut source).unwrap();
        let second = draw(&mut source).unwrap();
        assert_ne!(first, [0; 32]);
        assert_ne!(first, second);
        for length in [0, 1, 31, 33, 1024, 100_000] {
            let mut bytes = vec![0; length];
            source.draw(&mut bytes).unwrap();
            // 31 bytes are all zeros once in 2^248 times.
            assert!(length < 31 || bytes[length - 31..].iter().any(|byte| *byte != 0), "{length}");
        }
    });
}

#[test]
fn the_one_token_that_is_meant_is_found_or_none() {
    alone("the_one_token_that_is_meant_is_found_or_none", false, |tokens| {
        tokens.make("one");
        tokens.make("twin");
        tokens.make("twin");
        draw(&mut source("token=one")).unwrap();

        // SoftHSM always has a slot more, with a token that was not set up yet.
        let missing = draw(&mut source("token=other")).unwrap_err();
        assert!(missing.starts_with("expected a token `other`, found none in 4 slots"), "{missing}");
        assert_eq!(
            draw(&mut source("token=twin")).unwrap_err(),
            "expected one token `twin`, found 2: add `serial=` or `slot-id=`"
        );

        // The serial number and the slot tell the twins apart, and have to be right.
        let module = Pkcs11::new(MODULE).unwrap();
        let uri = "pkcs11:token=one?module-path=/m".parse().unwrap();
        let open = Token::open(module.clone(), &uri).unwrap();
        let all: Vec<(u64, String, String)> = module
            .get_slots_with_token()
            .unwrap()
            .into_iter()
            .map(|slot| (slot.id(), module.get_token_info(slot).unwrap()))
            .map(|(slot, info)| (slot, info.label().to_owned(), info.serial_number().to_owned()))
            .collect();
        drop(open);
        let twins: Vec<_> = all.iter().filter(|(_, label, _)| label == "twin").collect();
        assert_eq!(twins.len(), 2);
        for (slot, _, serial) in &twins {
            draw(&mut source(&format!("token=twin;serial={serial}"))).unwrap();
            draw(&mut source(&format!("token=twin;slot-id={slot}"))).unwrap();
            draw(&mut source(&format!("token=twin;serial={serial};slot-id={slot}"))).unwrap();
            let wrong = [format!("token=one;serial={serial}"), format!("token=one;slot-id={slot}")];
            for path in wrong.iter().chain([&format!("token=twin;slot-id={slot};serial=0")]) {
                assert!(draw(&mut source(path)).unwrap_err().contains("found none"), "{path}");
            }
        }
    });
}

#[test]
fn a_module_that_is_missing_or_none_is_named() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("module.so");
    let error = draw(&mut at("token=a", &missing)).unwrap_err();
    assert!(error.starts_with(&format!("module {}: ", missing.display())), "{error}");
    assert!(error.contains("No such file"), "{error}");

    let text = dir.path().join("text.so");
    fs::write(&text, "no module").unwrap();
    let error = draw(&mut at("token=a", &text)).unwrap_err();
    assert!(error.starts_with(&format!("module {}: ", text.display())), "{error}");
}

#[test]
fn a_token_that_goes_is_told_of_and_taken_up_when_it_is_back() {
    alone("a_token_that_goes_is_told_of_and_taken_up_when_it_is_back", false, |tokens| {
        tokens.make("here");
        let mut source = source("token=here");
        let first = draw(&mut source).unwrap();

        let away = tokens.dir.join("away");
        fs::rename(tokens.directory(), &away).unwrap();
        fs::create_dir(tokens.directory()).unwrap();
        let gone = draw(&mut source).unwrap_err();
        assert!(gone.starts_with("C_GetTokenInfo: "), "{gone}");
        for _ in 0..3 {
            let gone = draw(&mut source).unwrap_err();
            assert!(gone.starts_with("expected a token `here`, found none in 1 slots"), "{gone}");
        }

        fs::remove_dir_all(tokens.directory()).unwrap();
        fs::rename(&away, tokens.directory()).unwrap();
        let second = draw(&mut source).unwrap();
        assert_ne!(first, second);
        assert_ne!(draw(&mut source).unwrap(), second);
    });
}

#[test]
fn another_token_in_its_place_is_not_taken_for_it() {
    alone("another_token_in_its_place_is_not_taken_for_it", false, |tokens| {
        tokens.make("here");
        let module = Pkcs11::new(MODULE).unwrap();
        let uri: Uri = "pkcs11:token=here?module-path=/m".parse().unwrap();
        let open = Token::open(module, &uri).unwrap();
        open.is_still_there(&uri).unwrap();
        let other: Uri = "pkcs11:token=other?module-path=/m".parse().unwrap();
        let changed = Pkcs11Error::Changed { token: "other".into() };
        assert_eq!(open.is_still_there(&other), Err(changed));
    });
}

#[test]
fn the_session_is_read_only_and_nobody_is_logged_in() {
    alone("the_session_is_read_only_and_nobody_is_logged_in", false, |tokens| {
        tokens.make("first");
        let mut source = source("token=first");
        draw(&mut source).unwrap();
        let session = source.token.as_ref().unwrap().session.get_session_info().unwrap();
        assert_eq!(session.session_state(), SessionState::RoPublic);
        assert!(!session.read_write());
    });
}

/// OpenSC's pkcs11-spy stands between, and writes down each call.
#[test]
fn these_calls_go_to_the_module_and_no_others() {
    alone("these_calls_go_to_the_module_and_no_others", true, |tokens| {
        tokens.make("first");
        let spy = fs::read_dir("/usr/lib").unwrap().filter_map(|entry| {
            let spy = entry.ok()?.path().join("pkcs11/pkcs11-spy.so");
            spy.exists().then_some(spy)
        });
        let spy = spy.last().expect("pkcs11-spy.so is there: packaging/deps.sh installs it");
        let mut source = at("token=first", &spy);
        draw(&mut source).unwrap();
        draw(&mut source).unwrap();
        // One that fails, and so opens anew; then the end.
        source.token = None;
        draw(&mut source).unwrap();
        drop(source);

        let written = fs::read_to_string(tokens.calls()).unwrap();
        // A call is written as its number, a colon, and its name.
        let calls = written.lines().filter_map(|line| line.split_once(": C_"));
        let calls: Vec<&str> = calls
            .filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
            .map(|(_, call)| call)
            .collect();
        let open =
            ["Initialize", "GetSlotList", "GetSlotList", "GetTokenInfo", "GetTokenInfo", "OpenSession"];
        let close = ["CloseSession", "Finalize"];
        let expected = [
            open.as_slice(),
            &["GenerateRandom", "GetTokenInfo", "GenerateRandom"],
            &close,
            &open,
            &["GenerateRandom"],
            &close,
        ];
        let loading = ["GetInterface", "GetFunctionList"];
        let calls: Vec<&str> = calls.into_iter().filter(|call| !loading.contains(call)).collect();
        assert_eq!(calls, expected.concat());
    });
}
