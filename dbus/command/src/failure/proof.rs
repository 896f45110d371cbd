//! Why a proof is refused: the rule that failed, and what to do about it.

use selfsame::{Refusal, VerifyRefusal};

use super::Failure;
use super::store::Question;
use crate::exit::Code;
use crate::quantity::{ms_of_ticks_at_least, span};

/// The failure that a refused proof is.
pub(super) fn refused(refusal: &Refusal, question: &Question<'_>) -> Failure {
    let Rule { code, name, check } = rule(refusal);
    let text = match refusal {
        Refusal::Clock { ahead, alarm } => {
            let after = if *alarm { ", after a lag or by a head that it does not know" } else { "" };
            format!("check 6: its clock is ahead of the time that passed, by {}{after}", ticks(*ahead))
        }
        Refusal::Stalled { lag, max } => {
            let (lag, max) = (ticks(*lag), ticks(*max));
            format!("check 6: stalled: it lags by {lag}, {max} are allowed")
        }
        refusal => refusal.to_string(),
    };
    let failure = Failure::new(code, name, format!("proof refused: {text}")).next(next(refusal, question));
    Failure { check, ..failure }
}

/// What a refusal is for a script.
struct Rule {
    code: Code,
    name: &'static str,
    check: Option<u8>,
}

fn rule(refusal: &Refusal) -> Rule {
    use Code::{AgentRefused, Alarm, Refused};
    let (code, name, check) = match refusal {
        Refusal::UnknownChallenge | Refusal::Expired => (Refused, "UnknownChallenge", None),
        Refusal::KnownFork => (Alarm, "Forked", None),
        Refusal::Busy => (AgentRefused, "Busy", Some(9)),
        Refusal::Clock { alarm, .. } => (if *alarm { Alarm } else { Refused }, "Clock", Some(6)),
        Refusal::Stalled { .. } => (Refused, "Stalled", Some(6)),
        Refusal::Forked { .. } => (Alarm, "Forked", Some(7)),
        Refusal::Contradiction { .. } => (Alarm, "Contradiction", Some(8)),
        Refusal::Verify(refusal) => match refusal {
            VerifyRefusal::Malformed(_) | VerifyRefusal::TooManyHops { .. } => {
                (Refused, "Malformed", Some(1))
            }
            VerifyRefusal::OtherLineage { .. } => (Refused, "OtherLineage", Some(2)),
            // not as the protocol has it: an honest agent starts where the challenge says, and goes on from there
            VerifyRefusal::OtherStart { .. } | VerifyRefusal::NotYounger { .. } => {
                (Refused, "Malformed", Some(2))
            }
            VerifyRefusal::Hop { .. } => (Alarm, "NotContinuous", Some(3)),
            VerifyRefusal::GenesisMisplaced | VerifyRefusal::OtherGenesis { .. } => {
                (Alarm, "NotContinuous", Some(4))
            }
            VerifyRefusal::OtherChallenge => (Refused, "UnknownChallenge", Some(5)),
            VerifyRefusal::OtherAudience { .. } => (Refused, "WrongAudience", Some(5)),
            VerifyRefusal::KnownMisplaced | VerifyRefusal::NotInHead => (Refused, "Malformed", Some(5)),
            VerifyRefusal::WrongSubject { .. } => (Refused, "WrongSubject", Some(5)),
            _ => (Refused, "Failed", None),
        },
        _ => (Refused, "Failed", None),
    };
    Rule { code, name, check }
}

fn next(refusal: &Refusal, question: &Question<'_>) -> String {
    let again = question.command("challenge", "--audience NAME");
    match refusal {
        Refusal::UnknownChallenge | Refusal::Expired | Refusal::Verify(VerifyRefusal::OtherChallenge) => {
            format!("issue a new one: {again}")
        }
        Refusal::KnownFork | Refusal::Forked { .. } => question.after_a_fork(),
        Refusal::Busy => {
            format!("ask again: {again}; the answer confirms the heads that it names. This challenge is still out")
        }
        Refusal::Clock { alarm: false, .. } => format!(
            "compare the clocks of both hosts. If you know why, let this proof pass: {}",
            question.command("verify", "PROOF --pass-time")
        ),
        Refusal::Clock { .. } => format!(
            "one who answered with a copy would look like this. {}Find out who answered, before you trust this host. A \
             person may let it pass: {}",
            ask_first(question),
            question.command("verify", "PROOF --pass-time")
        ),
        Refusal::Stalled { .. } => format!(
            "the host was paused, or somebody backdates: ask again, {again}, or, if you know of the pause, let this \
             proof pass: {}",
            question.command("verify", "PROOF --pass-time")
        ),
        Refusal::Contradiction { .. } => format!(
            "two histories of one host are known: it was copied. {}A person decides which is the host, and recovers by \
             an introduction over a trusted channel, which drops what is kept: {}",
            ask_first(question),
            question.command("meet", "INTRODUCTION --replace")
        ),
        Refusal::Verify(refusal) => match refusal {
            VerifyRefusal::OtherLineage { .. } => question.after_another_lineage(),
            VerifyRefusal::Hop { .. }
            | VerifyRefusal::GenesisMisplaced
            | VerifyRefusal::OtherGenesis { .. } => format!(
                "anyone's garbage fails this check, and so does a thief: ask the host itself again, {again}. If it \
                 fails again, it is in earnest. {}A person decides, and recovers by an introduction over a trusted \
                 channel{}: {}",
                ask_first(question),
                if question.how_to_prove_it().is_some() { ", which drops what is kept" } else { "" },
                question.command("meet", "INTRODUCTION --replace")
            ),
            VerifyRefusal::WrongSubject { .. } => {
                "the host is the one that you know, but another of its processes speaks: ask the right one, or ask \
                 for another subject"
                    .to_owned()
            }
            VerifyRefusal::OtherAudience { .. } => {
                format!("it was made for another relying party: ask the host itself, {again}")
            }
            _ => format!("it was changed on its way, or is no proof of this protocol: ask again, {again}"),
        },
        _ => format!("ask again: {again}"),
    }
}

/// What comes before anything else after an alarm that is no proof yet.
fn ask_first(question: &Question<'_>) -> String {
    let how = question.how_to_prove_it();
    how.map_or_else(String::new, |how| format!("Before anything else, make it a proof: {how}. "))
}

fn ticks(ticks: u64) -> String {
    span(ms_of_ticks_at_least(ticks))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use selfsame::{HopRefusal, LineageId};

    use super::*;

    fn of(refusal: impl Into<Refusal>) -> Failure {
        refused(&refusal.into(), &Question::of(Path::new("db"), "web"))
    }

    #[test]
    fn each_rule_has_its_name_check_and_code() {
        let (expected, found) = (LineageId::new([1; 32]), LineageId::new([2; 32]));
        let hop = HopRefusal::Opening { tier: 1 };
        let text = String::new;
        for (refusal, name, check, code) in [
            (Refusal::UnknownChallenge, "UnknownChallenge", None, 1),
            (Refusal::Expired, "UnknownChallenge", None, 1),
            (Refusal::KnownFork, "Forked", None, 6),
            (VerifyRefusal::TooManyHops { hops: 46, max: 45 }.into(), "Malformed", Some(1), 1),
            (VerifyRefusal::OtherLineage { expected, found }.into(), "OtherLineage", Some(2), 1),
            (VerifyRefusal::OtherStart { expected: 1, found: 2 }.into(), "Malformed", Some(2), 1),
            (VerifyRefusal::NotYounger { head: 1, anchor: 1 }.into(), "Malformed", Some(2), 1),
            (VerifyRefusal::Hop { number: 1, why: hop }.into(), "NotContinuous", Some(3), 6),
            (VerifyRefusal::GenesisMisplaced.into(), "NotContinuous", Some(4), 6),
            (VerifyRefusal::OtherGenesis { expected, found }.into(), "NotContinuous", Some(4), 6),
            (VerifyRefusal::OtherChallenge.into(), "UnknownChallenge", Some(5), 1),
            (
                VerifyRefusal::OtherAudience { expected: text(), found: text() }.into(),
                "WrongAudience",
                Some(5),
                1,
            ),
            (VerifyRefusal::KnownMisplaced.into(), "Malformed", Some(5), 1),
            (VerifyRefusal::NotInHead.into(), "Malformed", Some(5), 1),
            (
                VerifyRefusal::WrongSubject { field: "uid", wanted: text(), found: text() }.into(),
                "WrongSubject",
                Some(5),
                1,
            ),
            (Refusal::Clock { ahead: 1, alarm: false }, "Clock", Some(6), 1),
            (Refusal::Clock { ahead: 1, alarm: true }, "Clock", Some(6), 6),
            (Refusal::Stalled { lag: 1, max: 1 }, "Stalled", Some(6), 1),
            (Refusal::Contradiction { index: 1 }, "Contradiction", Some(8), 6),
            (Refusal::Busy, "Busy", Some(9), 4),
        ] {
            let failure = of(refusal.clone());
            let found = (&*failure.name, failure.check, failure.code.number());
            assert_eq!(found, (name, check, code), "{refusal:?}");
            assert!(failure.text.starts_with("proof refused: "), "{}", failure.text);
            assert!(failure.next.is_some());
            assert!(crate::exit::HELP.contains(name), "{name} is not in --help");
        }
    }

    #[test]
    fn an_alarm_that_can_be_made_a_proof_says_how() {
        let hop = VerifyRefusal::Hop { number: 1, why: HopRefusal::Opening { tier: 1 } };
        for refusal in [
            hop.clone().into(),
            VerifyRefusal::GenesisMisplaced.into(),
            Refusal::Contradiction { index: 1 },
            Refusal::Clock { ahead: 1, alarm: true },
            Refusal::KnownFork,
        ] {
            let next = of(refusal).next.unwrap();
            for command in [
                "`selfsame --store db questions web`",
                "`selfsame hop INDEX TIER`",
                "`selfsame --store db confront web TEXT`",
            ] {
                assert!(next.contains(command), "{next}");
            }
        }
        let next = of(Refusal::KnownFork).next.unwrap();
        assert!(next.contains("`selfsame --store db forks web` shows the fork"), "{next}");
        let next = of(Refusal::Clock { ahead: 1, alarm: true }).next.unwrap();
        assert!(next.find("confront") < next.find("--pass-time"), "a person's choice comes after: {next}");
        // of who was never met no hop is kept
        let question = Question::of_first(Path::new("db"), "web");
        let next = refused(&hop.into(), &question).next.unwrap();
        assert!(!next.contains("questions"), "{next}");
    }

    #[test]
    fn times_are_told_in_seconds_and_what_comes_next_can_be_run() {
        let stalled = of(Refusal::Stalled { lag: 90 * 4096, max: 60 * 4096 });
        assert_eq!(
            stalled.text,
            "proof refused: check 6: stalled: it lags by 1 min 30 s, 1 min 0 s are allowed"
        );
        assert!(stalled.next.unwrap().contains("`selfsame --store db verify web PROOF --pass-time`"));
        let unknown = of(Refusal::UnknownChallenge).next.unwrap();
        assert_eq!(unknown, "issue a new one: `selfsame --store db challenge web --audience NAME`");
    }
}
