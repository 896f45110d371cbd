//! The helper that asks the TEE, the real binary, against the stand-in for configfs-tsm.
//!
//! No hardware with a TEE was seen: what these show is that the helper keeps to the kernel's rules.
// All of this is test code: a panic here is a failed test, and its text is the report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod answers;
mod clients;
mod interference;

use selfsame_tests::tsm::{Answered, Asked, Tsm};
use selfsame_tsm_report::{Answer, Refusal, RefusalKind, Report};

/// What is asked for where nothing depends on it.
const DATA: [u8; 64] = [7; 64];

/// Asks for a report over [`DATA`].
fn ask(tsm: &Tsm) -> Answered {
    Asked::with(&tsm.root(), &DATA).answered()
}

/// The report that it is; nothing of it may be left.
fn report(tsm: &Tsm, answered: Answered) -> Report {
    assert!(answered.status.success(), "{answered:?}");
    nothing_is_left(tsm);
    match answered.answer {
        Some(Answer::Report(report)) => report,
        other => panic!("{other:?}: {}", answered.stderr),
    }
}

/// The text of the refusal that it is; nothing of it may be left, and the journal has the text too.
fn refusal(tsm: &Tsm, answered: Answered, expected: RefusalKind) -> String {
    assert!(answered.status.success(), "{answered:?}");
    nothing_is_left(tsm);
    match answered.answer {
        Some(Answer::Refusal(Refusal { kind, text })) => {
            assert_eq!(kind, expected, "{text}");
            assert_eq!(answered.stderr, format!("{text}\n"));
            text
        }
        other => panic!("{other:?}"),
    }
}

fn nothing_is_left(tsm: &Tsm) {
    assert_eq!(tsm.entries(), Vec::<String>::new());
}
