//! Why a run does not end with a yes: one line, what to do next, and a name and a code for scripts.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::colour::{Colours, Hue};
use crate::exit::Code;
use crate::printable::printable;

mod agent;
mod question;
mod refused;

pub(crate) use question::Question;
pub(crate) use refused::Refused;

/// What went wrong, or why the answer is no.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: Code,
    /// Its name: one of the D-Bus contract's, where one fits.
    pub(crate) name: Cow<'static, str>,
    /// The check of protocol section 7 that failed, where it is one.
    pub(crate) check: Option<u8>,
    /// What it is, in one line.
    pub(crate) text: String,
    /// What to do next.
    pub(crate) next: Option<String>,
    /// What an alarm was found by, or what there is to decide by: it goes to standard output, as an answer does, and in
    /// JSON beside the rest.
    pub(crate) evidence: Option<Box<Answer>>,
}

impl Failure {
    /// A failure with a code, a name and a text; the rest is added by its other methods.
    pub(crate) fn new(code: Code, name: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self { code, name: name.into(), check: None, text: text.into(), next: None, evidence: None }
    }

    /// An argument is wrong.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(Code::Usage, "InvalidArgument", text).next("`selfsame --help` tells what is expected")
    }

    /// The system refuses what the command needs.
    pub(crate) fn system(what: &str, error: &dyn core::error::Error) -> Self {
        let text = format!("{what}: {}", chain(error));
        Self::new(Code::Unusable, "SystemUnavailable", text)
            .next("this command needs Linux with /proc mounted")
    }

    /// The same, with what to do next.
    #[must_use]
    pub(crate) fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }

    /// For people: one line, and one that says what to do next.
    pub(crate) fn lines(&self, colours: Colours) -> String {
        let what = if self.code == Code::Alarm { "alarm:" } else { "error:" };
        let mut lines = format!("{} {}\n", colours.paint(Hue::Bad, what), printable(&self.text));
        if let Some(next) = &self.next {
            lines += &format!("next: {}\n", printable(next));
        }
        lines
    }

    /// For programs: one object.
    pub(crate) fn json(&self) -> Value {
        let Self { code: _, name, check, text, next, evidence } = self;
        let mut object = json!({ "error": name, "check": check, "text": text, "next": next });
        let evidence = evidence.as_ref().and_then(|evidence| evidence.json.as_object());
        if let (Some(object), Some(evidence)) = (object.as_object_mut(), evidence) {
            object.extend(evidence.clone());
        }
        object
    }
}

/// An error with its causes, in one line. Some errors have their cause's text in their own: it is not said twice.
pub(crate) fn chain(error: &dyn core::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_two_lines_and_one_object() {
        let failure = Failure::new(Code::Refused, "Stalled", "it lags\nby far").next("ask again");
        let failure = Failure { check: Some(6), ..failure };
        assert_eq!(failure.lines(Colours::Off), "error: it lags\\nby far\nnext: ask again\n");
        let object = json!({"error": "Stalled", "check": 6, "text": "it lags\nby far", "next": "ask again"});
        assert_eq!(failure.json(), object);
        let alarm = Failure::new(Code::Alarm, "Forked", "copied");
        assert_eq!(alarm.lines(Colours::Off), "alarm: copied\n");
        assert_eq!(alarm.json(), json!({"error": "Forked", "check": null, "text": "copied", "next": null}));
        let evidence = Some(Box::new(Answer::new("AAAA", json!({ "fork": "AAAA" }))));
        let shown = Failure { evidence, ..alarm };
        assert_eq!(shown.lines(Colours::Off), "alarm: copied\n");
        let object =
            json!({"error": "Forked", "check": null, "text": "copied", "next": null, "fork": "AAAA"});
        assert_eq!(shown.json(), object);
    }
}
