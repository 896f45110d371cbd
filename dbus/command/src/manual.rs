//! Shell completions and manual pages, made from the command line's own definition, so that they can't differ from it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use crate::answer::Answer;
use crate::arguments::Arguments;
use crate::exit::Code;
use crate::failure::Failure;

/// Print completions.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// For this shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Make the manual pages.
#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// Write all pages there, `selfsame.1` and `selfsame-SUBCOMMAND.1` [default: print `selfsame.1`]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// The completions of a shell.
pub(crate) fn completions(asked: &Completions) -> Answer {
    let (shell, mut script) = (asked.shell, Vec::new());
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script).trim_end().to_owned();
    Answer::new(script.clone(), json!({ "shell": shell.to_string(), "script": script }))
}

/// The manual pages.
///
/// # Errors
///
/// Where they can't be written.
pub(crate) fn manual(asked: &Manual) -> Result<Answer, Failure> {
    let unusable = |path: &Path, error: &io::Error| {
        let text = format!("the manual can't be written: {}: {error}", path.display());
        Failure::new(Code::Unusable, "FileUnavailable", text).next("check the path and who may write there")
    };
    let pages = pages();
    let Some(directory) = &asked.directory else {
        let Some((_, page)) = pages.first() else { return Ok(Answer::silent()) };
        return Ok(Answer::new(page.trim_end(), json!({ "page": page })));
    };
    fs::create_dir_all(directory).map_err(|error| unusable(directory, &error))?;
    let mut written = Vec::new();
    for (name, page) in pages {
        let path = directory.join(name);
        fs::write(&path, page).map_err(|error| unusable(&path, &error))?;
        written.push(path.to_string_lossy().into_owned());
    }
    Ok(Answer::new(written.join("\n"), json!({ "pages": written })))
}

/// All pages by name, `selfsame.1` first.
fn pages() -> Vec<(String, String)> {
    let mut command = Arguments::command();
    // so that each subcommand has the options of all, and its whole name
    command.build();
    let subcommands = command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set() && subcommand.get_name() != HELP);
    // a page says of which version it is
    let subcommands = subcommands.map(|subcommand| subcommand.clone().version(env!("CARGO_PKG_VERSION")));
    let subcommands: Vec<_> = subcommands.collect();
    [command].into_iter().chain(subcommands).map(page).collect()
}

fn page(command: clap::Command) -> (String, String) {
    let version = format!("{NAME} {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).section(SECTION).manual("selfsame").source(version);
    let (name, mut page) = (man.get_filename(), Vec::new());
    // into memory: nothing can fail
    let _ = man.render(&mut page);
    (name, String::from_utf8_lossy(&page).into_owned())
}

/// What the program is called, wherever it was built.
const NAME: &str = "selfsame";

/// Commands of users (man-pages(7)).
const SECTION: &str = "1";

/// The subcommand that clap adds.
const HELP: &str = "help";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subcommand_has_a_page_that_names_its_options() {
        let pages = pages();
        let names: Vec<_> = pages.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names[0], "selfsame.1");
        for subcommand in
            Arguments::command().get_subcommands().filter(|subcommand| !subcommand.is_hide_set())
        {
            let name = format!("selfsame-{}.1", subcommand.get_name());
            let page =
                &pages.iter().find(|(found, _)| *found == name).unwrap_or_else(|| panic!("no {name}")).1;
            for option in subcommand.get_arguments().filter_map(clap::Arg::get_long).chain(["json", "store"])
            {
                let shown = format!("\\-\\-{}", option.replace('-', "\\-"));
                assert!(page.contains(&shown), "{name} has no {shown}: {page}");
            }
            assert!(page.starts_with(".ie") || page.contains(".TH"), "{page}");
        }
        assert!(pages[0].1.contains("Exit codes"), "{}", pages[0].1);
    }

    #[test]
    fn each_shell_is_told_of_each_subcommand() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = completions(&Completions { shell }).text;
            for subcommand in Arguments::command().get_subcommands() {
                if !subcommand.is_hide_set() {
                    assert!(script.contains(subcommand.get_name()), "{shell}: {}", subcommand.get_name());
                }
            }
        }
    }
}
