//! One look for the secrets: what was looked at, and what was found.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::built;

/// What a look has seen.
#[derive(Debug, Default)]
pub struct Look {
    /// The values that were in the page, in hex.
    pub values: Vec<String>,
    /// Whether the agent's own mapping of the page can be read through `/proc/PID/mem`.
    pub page_is_readable: bool,
    /// Whether the keeper waited for something to do.
    pub keeper_waits: bool,
    /// How much of the keeper's stack is not zeroes, from its top on, in bytes.
    pub depth: u64,
    /// Bytes that were looked at, by place.
    pub searched: BTreeMap<String, u64>,
    /// Which values were found, by place.
    pub hits: BTreeMap<String, BTreeSet<usize>>,
}

/// Looks into the agent, which is stopped, and its helpers, for what is in `page`.
pub fn into_processes(page: OwnedFd, agent: u32, helpers: &[u32]) -> Look {
    let mut command = Command::new(built::look());
    command.arg("process").arg(agent.to_string()).args(helpers.iter().map(u32::to_string));
    command.stdin(Stdio::from(page));
    seen(&output(command, ""))
}

/// Looks for `values` in files.
pub fn into_files(files: &[PathBuf], values: &BTreeSet<String>) -> Look {
    let mut command = Command::new(built::look());
    command.arg("files").args(files).stdin(Stdio::piped());
    let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
    seen(&output(command, &lines))
}

/// Has the kernel write a process to swap, as much of it as it may.
pub fn page_out(agent: u32) {
    let mut command = Command::new(built::look());
    command.arg("pageout").arg(agent.to_string()).stdin(Stdio::null());
    output(command, "");
}

fn output(mut command: Command, input: &str) -> String {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn seen(text: &str) -> Look {
    let mut look = Look::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["value", value] => look.values.push(value.to_owned()),
            ["page", how] => look.page_is_readable = how == "readable",
            ["keeper", how] => look.keeper_waits = how == "waits",
            ["depth", bytes] => look.depth = look.depth.max(bytes.parse().unwrap()),
            ["searched", place, bytes] => {
                *look.searched.entry(place.to_owned()).or_default() += bytes.parse::<u64>().unwrap();
            }
            ["hit", place, value, _word] => {
                look.hits.entry(place.to_owned()).or_default().insert(value.parse().unwrap());
            }
            _ => panic!("the look says: {line}"),
        }
    }
    look
}
