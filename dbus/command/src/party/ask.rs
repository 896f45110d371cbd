//! What makes a proof of an alarm (protocol section 7, "Finding a fork"): `questions` to ask the peer's host, and
//! `confront`, which holds its answers against what is kept.
//!
//! In JSON, `questions` is `{"peer", "questions": [{"index", "tier"}, …]}` in the order in which they are asked.
//! `confront` is `{"peer", "fork": null}` where no fork is shown (code 0); else it is the alarm `Forked` (code 6),
//! `{"error", "check", "text", "next"}` with the members that `forks` has of each fork.

use selfsame::{Fork, HopAnswer};
use serde_json::{Value, json};

use super::forks::{as_json, whom_for};
use crate::answer::Answer;
use crate::exit::Code;
use crate::failure::{Failure, Question};
use crate::place::Place;
use crate::printable::printable;
use crate::progress::Progress;
use crate::text::{Given, encode, malformed};

/// Prints what to ask a peer's host. Nothing is to be asked of one of which no proof was accepted.
pub(super) fn questions(peer: &str, place: &Place<'_>) -> Result<Answer, Failure> {
    let question = Question::of(place, peer);
    let questions = question.done(question.peers()?.questions(peer))?;
    let lines: Vec<_> = questions.iter().map(|(index, tier)| format!("hop {index} {tier}")).collect();
    let list: Vec<_> =
        questions.iter().map(|(index, tier)| json!({ "index": index, "tier": tier })).collect();
    let json = json!({ "peer": peer, "questions": list });
    if lines.is_empty() {
        let note = format!("{peer}: nothing to ask: no proof was accepted of it since it was met");
        return Ok(Answer::nothing(note, json));
    }
    Ok(Answer::new(lines.join("\n"), json))
}

/// Takes the host's answer to a question. A fork that it shows is kept, and is an alarm.
pub(super) fn confront(peer: &str, answer: &Given, place: &Place<'_>) -> Result<Answer, Failure> {
    const WHAT: &str = "the answer";
    let question = Question::of(place, peer);
    let answer = HopAnswer::parse(&answer.message(WHAT)?).map_err(|error| {
        malformed(WHAT, &error.to_string())
            .next("give it as `selfsame hop INDEX TIER` printed it on the host")
    })?;
    let confronted = {
        let _shown = Progress::of("holding the answer against what is kept");
        question.done(question.peers()?.confront(peer, &answer))
    };
    match confronted? {
        Some(fork) => Err(alarm(&fork, &question)),
        None => {
            let text = format!(
                "{}: this answer shows no fork. Go on with the next question; where no answer shows one, an alarm stays \
                 one without a proof",
                printable(peer)
            );
            Ok(Answer::new(text, json!({ "peer": peer, "fork": Value::Null })))
        }
    }
}

/// The alarm that a fork is. The fork itself goes to standard output.
fn alarm(fork: &Fork, question: &Question<'_>) -> Failure {
    let text = format!(
        "one pledge was opened over two moments: lineage {} was copied. This fork, {}, is kept",
        fork.lineage(),
        whom_for(fork)
    );
    let pass_it_on = if fork.is_for_anyone() {
        "pass it on: anyone can check it, from the lineage's id alone, by `selfsame inspect`"
    } else {
        "go on with the next questions: another answer may make it one for anyone"
    };
    let next = format!("{pass_it_on}. {}", question.begin_anew());
    let evidence = Answer::new(encode(&fork.encode()), as_json(fork, Some(question.peer)));
    Failure { evidence: Some(Box::new(evidence)), ..Failure::new(Code::Alarm, "Forked", text).next(next) }
}
