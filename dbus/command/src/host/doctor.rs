//! `doctor`: what this host's agent finds where it looks at all that it needs, and how to mend it.

use selfsame_dbus::{Bus, Check};
use serde_json::json;

use super::diagnose;
use crate::answer::Answer;
use crate::bus::ask;
use crate::colour::Hue;
use crate::exit::Code;
use crate::failure::Failure;
use crate::printable::printable;
use crate::progress::Progress;

/// Asks the agent; where the bus has none, its program.
pub(super) fn run(bus: &Bus) -> Result<Answer, Failure> {
    let _shown = Progress::of("looking at all that the agent needs, the TPM takes a while");
    match ask(bus, async |agent| agent.diagnose().await) {
        Ok(checks) => Ok(answer(&checks)),
        Err(failure) if failure.code == Code::Unreachable => without_agent(failure),
        Err(failure) => Err(failure),
    }
}

/// What the agent's program finds, after that there is no agent.
fn without_agent(unreachable: Failure) -> Result<Answer, Failure> {
    match diagnose::checks() {
        Ok(checks) => {
            let first = Check {
                check: "agent".to_owned(),
                state: FAIL.to_owned(),
                finding: unreachable.text,
                remedy: unreachable.next.unwrap_or_default(),
            };
            Ok(answer(&[&[first], &*checks].concat()))
        }
        Err(error) => {
            Err(Failure { text: format!("{}; nor by itself: {error}", unreachable.text), ..unreachable }
                .next("install the agent, or name its program: SELFSAME_AGENT=PATH selfsame doctor"))
        }
    }
}

/// The checks, for people and for programs; a no where one of them fails.
fn answer(checks: &[Check]) -> Answer {
    let objects: Vec<_> = checks
        .iter()
        .map(|Check { check, state, finding, remedy }| {
            json!({ "check": check, "state": state, "finding": finding, "remedy": remedy })
        })
        .collect();
    let answer = Answer::new(text(checks), json!({ "checks": objects })).with_marks(MARKS);
    if checks.iter().any(|check| check.state == FAIL) { answer.with_code(Code::Refused) } else { answer }
}

/// A line a check, its remedy below it where it is to be mended, and how many there are of which state.
fn text(checks: &[Check]) -> String {
    let width = |part: fn(&Check) -> &str| {
        checks.iter().map(|check| printable(part(check)).chars().count()).max().unwrap_or(0)
    };
    let (states, names) = (width(|check| &check.state), width(|check| &check.check));
    let mut lines = Vec::new();
    for Check { check, state, finding, remedy } in checks {
        let (check, shown, finding) = (printable(check), printable(state), printable(finding));
        lines.push(format!("{shown:states$}  {check:names$}  {finding}").trim_end().to_owned());
        if [FAIL, WARN].contains(&&**state) && !remedy.is_empty() {
            lines.push(format!("{:indent$}{}", "", printable(remedy), indent = states + names + 4));
        }
    }
    lines.push(count(checks));
    lines.join("\n")
}

/// How many checks there are, and of which states: those first that need a hand.
fn count(checks: &[Check]) -> String {
    let mut states = vec![FAIL, WARN, "info", "ok"];
    for check in checks {
        if !states.contains(&&*check.state) {
            states.push(&check.state);
        }
    }
    let of = |state: &str| checks.iter().filter(|check| check.state == state).count();
    let counts = states.into_iter().map(|state| (of(state), state)).filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, state)| format!("{count} {}", printable(state))).collect();
    let checks = match checks.len() {
        0 => return "nothing was looked at".to_owned(),
        1 => "1 check".to_owned(),
        many => format!("{many} checks"),
    };
    format!("{checks}: {}", counts.join(", "))
}

/// States by their colour.
const MARKS: &[(&str, Hue)] = &[(FAIL, Hue::Bad), (WARN, Hue::Warn), ("ok", Hue::Good)];

/// The state of what has to be mended.
const FAIL: &str = "fail";

/// The state of what should be.
const WARN: &str = "warn";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, state: &str, finding: &str, remedy: &str) -> Check {
        let [check, state, finding, remedy] = [name, state, finding, remedy].map(str::to_owned);
        Check { check, state, finding, remedy }
    }

    #[test]
    fn one_that_fails_makes_it_a_no_and_nothing_else_does() {
        let code = |states: &[&str]| {
            let checks: Vec<_> = states.iter().map(|state| check("a", state, "b", "")).collect();
            answer(&checks).code
        };
        assert_eq!(code(&[]), Code::Yes);
        assert_eq!(code(&["ok", "info", "warn", "later"]), Code::Yes);
        assert_eq!(code(&["ok", "fail"]), Code::Refused);
    }

    #[test]
    fn what_can_be_mended_has_its_remedy_below_it() {
        let checks = [
            check("tpm", "ok", "answers in 12 ms", "not shown"),
            check("permissions", "fail", "no right to /dev/tpmrm0", "usermod -aG tss _selfsame"),
            check("clock", "warn", "steps\nback", ""),
            check("hsm", "info", "none", "not shown"),
            check("new", "later\u{1b}", "", "not shown"),
        ];
        let expected = "\
ok           tpm          answers in 12 ms
fail         permissions  no right to /dev/tpmrm0
                          usermod -aG tss _selfsame
warn         clock        steps\\nback
info         hsm          none
later\\u{1b}  new
5 checks: 1 fail, 1 warn, 1 info, 1 ok, 1 later\\u{1b}";
        assert_eq!(text(&checks), expected);
        assert_eq!(text(&[]), "nothing was looked at");
        assert_eq!(count(&checks[..1]), "1 check: 1 ok");
    }
}
