//! What a relying party links with this crate: these crates and no other; no TPM, no D-Bus, no async runtime, no
//! wrapper of libc.

use std::collections::BTreeSet;
use std::process::Command;

/// What is linked, on any target.
const LINKED: [&str; 9] = [
    "arrayvec",
    "bech32",
    "blake3",
    "cfg-if",
    "constant_time_eq",
    "minicbor",
    "selfsame",
    "thiserror",
    "zeroize",
];

/// What BLAKE3 asks which instructions the processor has; it would bring libc on targets other than these.
const LINKED_ON_X86: &[&str] = if cfg!(target_arch = "x86_64") { &["cpufeatures"] } else { &[] };

/// What only the compiler runs: derive macros, and what they are made of.
const AT_BUILD: [&str; 6] =
    ["proc-macro2", "quote", "syn", "thiserror-impl", "unicode-ident", "zeroize_derive"];

#[test]
fn these_crates_are_linked_and_no_other() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "selfsame", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--locked", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let shown = String::from_utf8(tree.stdout).expect("names are text");
    let found: BTreeSet<&str> = shown.lines().filter_map(|line| line.split(' ').next()).collect();
    let expected: BTreeSet<&str> = LINKED.iter().chain(LINKED_ON_X86).chain(&AT_BUILD).copied().collect();
    assert_eq!(found, expected, "cargo tree -p selfsame -e normal:\n{shown}");
}
