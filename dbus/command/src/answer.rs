//! What a run says when it ends with an answer, and how all runs are told.

use std::io::{self, ErrorKind, Write};

use serde_json::Value;

use crate::colour::{Hue, When};
use crate::exit::Code;
use crate::failure::Failure;
use crate::printable::printable;

/// What was found, or done.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For people: lines, without the last line break. Nothing is written where it is empty.
    pub(crate) text: String,
    /// For programs: one object.
    pub(crate) json: Value,
    /// For people, beside the answer, where it alone would leave them in doubt: a line on standard error.
    pub(crate) note: Option<String>,
    /// Words at the beginning of a line that are coloured, where lines are.
    pub(crate) marks: &'static [(&'static str, Hue)],
    /// The exit code: yes, but where the answer itself is a no.
    pub(crate) code: Code,
}

impl Answer {
    /// An answer for people, and for programs.
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, note: None, marks: &[], code: Code::Yes }
    }

    /// An answer that is nothing, such as an empty list for a script to go through, and what that means.
    pub(crate) fn nothing(note: impl Into<String>, json: Value) -> Self {
        Self { text: String::new(), json, note: Some(note.into()), marks: &[], code: Code::Yes }
    }

    /// An answer that was told already, as it came: nothing is written.
    pub(crate) fn silent() -> Self {
        Self { text: String::new(), json: Value::Null, note: None, marks: &[], code: Code::Yes }
    }

    /// The same, with words that are coloured where they begin a line.
    #[must_use]
    pub(crate) fn with_marks(self, marks: &'static [(&'static str, Hue)]) -> Self {
        Self { marks, ..self }
    }

    /// The same, with another exit code than that of a yes.
    #[must_use]
    pub(crate) fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }
}

/// How a run is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Telling {
    /// In JSON, all of it.
    pub(crate) json: bool,
    /// What of the rest is coloured.
    pub(crate) color: When,
}

/// Tells what a run came to: in JSON all of it on standard output, else failures and notes on standard error.
///
/// Who closes the pipe has read enough: that changes no code. Output that is lost in another way makes it that of a
/// lost answer; but an alarm's stays an alarm's.
pub(crate) fn tell(outcome: &Result<Answer, Failure>, telling: Telling) -> Code {
    let Telling { json, color } = telling;
    let code = outcome.as_ref().map_or_else(|failure| failure.code, |answer| answer.code);
    let told = match outcome {
        Ok(Answer { json: Value::Null, .. }) => Ok(()),
        Ok(answer) if json => write(io::stdout().lock(), &format!("{}\n", answer.json)),
        Ok(answer @ Answer { note, .. }) => {
            let noted = note
                .as_ref()
                .map_or(Ok(()), |note| write(io::stderr().lock(), &format!("note: {}\n", printable(note))));
            lines(answer, color).and(noted)
        }
        Err(failure) if json => write(io::stdout().lock(), &format!("{}\n", failure.json())),
        Err(failure) => {
            // an alarm is raised before its evidence is written, and whether or not that is lost
            let raised = write(io::stderr().lock(), &failure.lines(color.on_stderr()));
            failure.evidence.as_ref().map_or(Ok(()), |evidence| lines(evidence, color)).and(raised)
        }
    };
    match told {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let lost =
                Failure::new(Code::Unusable, "FileUnavailable", format!("the output is lost: {error}"));
            // where not even this can be said, the code has to do
            let _ = write(io::stderr().lock(), &lost.lines(color.on_stderr()));
            if code == Code::Alarm { code } else { lost.code }
        }
        _ => code,
    }
}

/// An answer's lines on standard output, where there are any.
fn lines(answer: &Answer, color: When) -> io::Result<()> {
    let Answer { text, marks, .. } = answer;
    if text.is_empty() {
        return Ok(());
    }
    let colours = color.on_stdout();
    let lines = text.lines().map(|line| match marks.iter().find(|(word, _)| begins_with(line, word)) {
        Some((word, hue)) => colours.paint(*hue, word) + line.get(word.len()..).unwrap_or_default(),
        None => line.to_owned(),
    });
    let lines: Vec<_> = lines.collect();
    write(io::stdout().lock(), &(lines.join("\n") + "\n"))
}

/// Whether a line's first word is this.
fn begins_with(line: &str, word: &str) -> bool {
    line.strip_prefix(word).is_some_and(|rest| rest.starts_with(' '))
}

fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}
