//! What a run says when it ends with a yes, and how it is told.

use std::io::{self, ErrorKind, Write};

use serde_json::Value;

use crate::exit::Code;
use crate::failure::Failure;

/// What was found, or done.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For people: lines, without the last line break.
    pub(crate) text: String,
    /// For programs: one object.
    pub(crate) json: Value,
}

/// Tells what a run came to: in JSON all of it on standard output, else failures on standard error.
///
/// Who closes the pipe has read enough: that changes no code.
pub(crate) fn tell(outcome: &Result<Answer, Failure>, json: bool) -> Code {
    let code = outcome.as_ref().map_or_else(|failure| failure.code, |_| Code::Yes);
    let told = match outcome {
        Ok(answer) if json => write(io::stdout().lock(), &format!("{}\n", answer.json)),
        Ok(answer) => write(io::stdout().lock(), &format!("{}\n", answer.text)),
        Err(failure) if json => write(io::stdout().lock(), &format!("{}\n", failure.json())),
        Err(failure) => write(io::stderr().lock(), &failure.lines()),
    };
    match told {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let lost =
                Failure::new(Code::Unusable, "FileUnavailable", format!("the output is lost: {error}"));
            // where not even this can be said, the code has to do
            let _ = write(io::stderr().lock(), &lost.lines());
            lost.code
        }
        _ => code,
    }
}

fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}
