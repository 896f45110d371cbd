//! What a run says when it ends with an answer, and how all runs are told.

use std::io::{self, ErrorKind, Write};

use serde_json::Value;

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
    /// The exit code: yes, but where the answer itself is a no.
    pub(crate) code: Code,
}

impl Answer {
    /// An answer for people, and for programs.
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, note: None, code: Code::Yes }
    }

    /// An answer that is nothing, such as an empty list for a script to go through, and what that means.
    pub(crate) fn nothing(note: impl Into<String>, json: Value) -> Self {
        Self { text: String::new(), json, note: Some(note.into()), code: Code::Yes }
    }

    /// An answer that was told already, as it came: nothing is written.
    pub(crate) fn silent() -> Self {
        Self { text: String::new(), json: Value::Null, note: None, code: Code::Yes }
    }

    /// The same, with another exit code than that of a yes.
    #[must_use]
    pub(crate) fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }
}

/// Tells what a run came to: in JSON all of it on standard output, else failures and notes on standard error.
///
/// Who closes the pipe has read enough: that changes no code. Output that is lost in another way makes it that of a
/// lost answer; but an alarm's stays an alarm's.
pub(crate) fn tell(outcome: &Result<Answer, Failure>, json: bool) -> Code {
    let code = outcome.as_ref().map_or_else(|failure| failure.code, |answer| answer.code);
    let told = match outcome {
        Ok(Answer { json: Value::Null, .. }) => Ok(()),
        Ok(answer) if json => write(io::stdout().lock(), &format!("{}\n", answer.json)),
        Ok(Answer { text, note: None, .. }) => lines(text),
        Ok(Answer { text, note: Some(note), .. }) => {
            let noted = write(io::stderr().lock(), &format!("note: {}\n", printable(note)));
            lines(text).and(noted)
        }
        Err(failure) if json => write(io::stdout().lock(), &format!("{}\n", failure.json())),
        Err(failure) => {
            // an alarm is raised before its evidence is written, and whether or not that is lost
            let raised = write(io::stderr().lock(), &failure.lines());
            lines(failure.evidence.as_ref().map_or("", |evidence| &evidence.text)).and(raised)
        }
    };
    match told {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let lost =
                Failure::new(Code::Unusable, "FileUnavailable", format!("the output is lost: {error}"));
            // where not even this can be said, the code has to do
            let _ = write(io::stderr().lock(), &lost.lines());
            if code == Code::Alarm { code } else { lost.code }
        }
        _ => code,
    }
}

/// Lines on standard output, where there are any.
fn lines(text: &str) -> io::Result<()> {
    if text.is_empty() { Ok(()) } else { write(io::stdout().lock(), &format!("{text}\n")) }
}

fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}
