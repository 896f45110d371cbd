//! Manual pages and completions, as a package takes them.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::run::{command, selfsame};

#[test]
fn the_packages_script_makes_all_of_it() {
    let folder = TempDir::new().unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let program = command().get_program().to_owned();
    let binaries = std::path::Path::new(&program).parent().unwrap().to_owned();
    let script =
        Command::new(format!("{root}/packaging/manual.sh")).arg(binaries).arg(folder.path()).output();
    let script = script.unwrap();
    assert!(script.status.success() && script.stderr.is_empty(), "{script:?}");
    for file in ["bash/selfsame", "zsh/_selfsame", "fish/selfsame.fish"] {
        let text = fs::read_to_string(folder.path().join("completions").join(file)).unwrap();
        assert!(text.contains("drill") && text.contains("selfsame"), "{file}: {text}");
    }
    let pages: BTreeSet<_> = fs::read_dir(folder.path().join("man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // each of the help's subcommands has its page, and there is no other
    let help = selfsame(["--help"]).stdout;
    let commands = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let expected: BTreeSet<_> =
        names.map(|name| format!("selfsame-{name}.1")).chain(["selfsame.1".to_owned()]).collect();
    assert_eq!(pages, expected);
    for page in pages {
        let text = fs::read_to_string(folder.path().join("man").join(&page)).unwrap();
        let (name, _) = page.split_once('.').unwrap();
        assert!(
            text.contains(&format!(".TH {} 1 ", name.replace('-', "\\-"))) || text.contains(".TH"),
            "{text}"
        );
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
}

#[test]
fn bash_takes_its_completions_and_completes() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("selfsame");
    fs::write(&file, selfsame(["completions", "bash"]).yes()).unwrap();
    let script = r#"
        . "$1"
        complete -p selfsame >/dev/null || exit 1
        COMP_WORDS=(selfsame dri); COMP_CWORD=1
        _selfsame selfsame dri selfsame
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash").args(["-c", script, "bash"]).arg(&file).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "drill\n");
}

#[test]
fn a_page_goes_to_standard_output_and_a_folder_that_can_not_be_is_told() {
    assert!(selfsame(["man"]).yes().contains(".SH SYNOPSIS"));
    let output = selfsame(["man", "--directory", "/dev/null/x"]);
    assert!(output.no(5).0.starts_with("the manual can't be written: /dev/null/x: "), "{output:?}");
}
