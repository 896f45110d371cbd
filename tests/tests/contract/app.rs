//! An app that knows nothing but D-Bus: it has `busctl`, and writes down what it does.

use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH};
use selfsame_tests::Run;
use serde_json::Value;

/// What an app calls itself, on which bus.
pub struct App<'a> {
    pub name: &'a str,
    pub address: String,
}

/// A refusal: the error's name without its prefix, and its text.
#[derive(Debug)]
pub struct Refused {
    pub name: String,
    pub text: String,
}

/// What was done so far, as markdown.
#[derive(Default)]
pub struct Transcript(String);

impl Transcript {
    /// A heading, and what comes now.
    pub fn say(&mut self, text: &str) {
        self.0 += &format!("{}{text}\n\n", if self.0.is_empty() { "" } else { "\n" });
    }

    /// A line of a terminal: lineages cut short, as whoever reads does it, and broken at a blank where it is long.
    fn line(&mut self, line: &str) {
        let words = line.split(' ').map(|word| match word.find("selfsame1") {
            Some(at) if word.len() > at + LINEAGE_SHOWN => {
                let after = word
                    .trim_start_matches(|letter: char| letter != 's')
                    .trim_start_matches(char::is_alphanumeric);
                format!("{}…{after}", &word[..at + LINEAGE_SHOWN])
            }
            _ => word.to_owned(),
        });
        let mut length = 0;
        for (number, word) in words.enumerate() {
            if length + word.len() > WIDTH {
                self.0 += "\n       ";
                length = 0;
            }
            self.0 += if number == 0 { "    " } else { " " };
            self.0 += &word;
            length += word.chars().count() + 1;
        }
        self.0 += "\n";
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl App<'_> {
    /// Calls a method with these arguments, as `busctl` has them, and gives its results.
    pub async fn call(
        &self,
        written: &mut Transcript,
        method: &str,
        arguments: &[&str],
    ) -> Result<Vec<Value>, Refused> {
        let (interface, member) = method.split_once('.').unwrap();
        let output = Run::program("busctl")
            .args([&format!("--address={}", self.address), "--json=short", "--timeout=60", "call"])
            .args([AGENT_BUS_NAME, AGENT_PATH, &format!("org.selfsame.{interface}"), member])
            .args(arguments)
            // busctl prints an error's text alone: what it logs has the name
            .env("SYSTEMD_LOG_LEVEL", "debug")
            .run()
            .await;
        let shown = [vec![member.to_owned()], shortened(arguments)].concat().join(" ");
        written.line(&format!("{}$ busctl call $AGENT org.selfsame.{interface} {shown}", self.name));
        if output.code() == Some(0) {
            let reply: Value = if output.stdout.is_empty() {
                Value::Null
            } else {
                serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
            };
            let results = reply["data"].as_array().cloned().unwrap_or_default();
            for result in &results {
                written.line(&brief(result));
            }
            return Ok(results);
        }
        let refused = refusal(&output.stderr).unwrap_or_else(|| panic!("{method}: {output:?}"));
        written.line(&format!("org.selfsame.Error.{}: {}", refused.name, refused.text));
        Err(refused)
    }
}

/// Of a lineage, so many letters are shown.
const LINEAGE_SHOWN: usize = 16;

/// Letters in a line of the transcript.
const WIDTH: usize = 130;

/// The error's name and text, from what `busctl` logs and prints.
fn refusal(stderr: &str) -> Option<Refused> {
    let name = stderr.split("error-name=org.selfsame.Error.").nth(1)?.split_whitespace().next()?;
    let text = stderr.lines().find_map(|line| line.strip_prefix("Call failed: "))?;
    Some(Refused { name: name.to_owned(), text: text.to_owned() })
}

/// Bytes as arguments of `busctl`: how many, and each.
pub fn bytes(value: &Value) -> Vec<String> {
    let list = value.as_array().unwrap_or_else(|| panic!("no bytes: {value}"));
    std::iter::once(list.len().to_string()).chain(list.iter().map(Value::to_string)).collect()
}

/// Arguments as people want to read them: of a long run of numbers the first few.
fn shortened(arguments: &[&str]) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    let mut run = 0;
    for argument in arguments {
        run = if argument.bytes().all(|digit| digit.is_ascii_digit()) && !argument.is_empty() {
            run + 1
        } else {
            0
        };
        match run {
            0..=5 => shown.push(quoted(argument)),
            6 => shown.push("…".into()),
            _ => {}
        }
    }
    shown
}

/// As a shell wants it.
fn quoted(argument: &str) -> String {
    let is_plain = !argument.is_empty()
        && argument.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'_');
    if is_plain { argument.to_owned() } else { format!("'{argument}'") }
}

/// A result as people want to read it: of many bytes the first few, and how many.
fn brief(value: &Value) -> String {
    match value {
        Value::Array(list) if list.len() > 8 && list.iter().all(Value::is_u64) => {
            let first: Vec<String> = list.iter().take(4).map(Value::to_string).collect();
            format!("[{}, … {} bytes]", first.join(", "), list.len())
        }
        Value::Array(list) => format!("[{}]", list.iter().map(brief).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => match (members.get("type"), members.get("data")) {
            (Some(Value::String(_)), Some(data)) => brief(data),
            _ => {
                let members = members.iter().map(|(name, value)| format!("{name}: {}", brief(value)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        },
        other => other.to_string(),
    }
}
