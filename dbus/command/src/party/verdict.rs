//! A verdict, as it is told. In JSON it has the names of the D-Bus contract's verdict.

use selfsame::{Subject, Timing, Verdict};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::printable::printable;
use crate::quantity::{ms_of_ticks, ms_of_ticks_at_least, span};
use crate::table::Table;
use crate::text::{encode, hex, payload_text};

/// A verdict on its way to be told.
#[derive(Debug)]
pub(super) struct Told {
    table: Table,
    json: Map<String, Value>,
}

impl Told {
    /// What is told of this verdict; `line` is the first.
    pub(super) fn of(verdict: &Verdict, line: &str) -> Self {
        let mut told = Self { table: Table::default(), json: Map::new() };
        let Verdict { lineage, index, gap, hops, lag, known, moved, timing, statement, evidence, .. } =
            verdict;
        let (gap_ms, stalled_ms) = (ms_of_ticks(*gap), ms_of_ticks_at_least(*lag));
        let (time, how) = time(*timing);
        let lineage = lineage.to_string();
        let payload = statement.payload().unwrap_or_default();
        told.table.row("verdict", line);
        told.add("lineage", lineage.clone(), "lineage", json!(lineage));
        told.add("subject", subject_text(statement.subject()), "subject", subject_json(statement.subject()));
        told.add("payload", payload_text(payload), "payload", json!(encode(payload)));
        let age = format!("{index} (age {})", span(ms_of_ticks(*index)));
        told.add("index", age, "index", json!(index));
        let since = if verdict.first_meeting { "its genesis: a first meeting" } else { "the anchor" };
        told.add("gap", format!("{} since {since}", span(gap_ms)), "gap_ms", json!(gap_ms));
        told.add("hops", hops.to_string(), "hops", json!(hops));
        let stalled = if *lag == 0 { "no".to_owned() } else { format!("by {}", span(stalled_ms)) };
        told.add("stalled", stalled, "stalled_ms", json!(stalled_ms));
        // unconfirmed is what the host said no to (protocol section 7): at a first meeting there is nothing to know
        let confirmed = match known {
            Some(true) => "yes",
            Some(false) => "unconfirmed: the host no longer remembers a head that was accepted of it",
            None => "yes: there was nothing to confirm",
        };
        told.add("confirmed", confirmed.to_owned(), "confirmed", json!(*known != Some(false)));
        let anchor = if *moved { "yes" } else { "no: a newer answer had overtaken this one" };
        told.add("moved", anchor.to_owned(), "moved", json!(moved));
        told.add("time", format!("{time}: {how}"), "time", json!(time));
        told.set("by_wall", json!(*timing == Timing::CheckedByWall));
        told.set("evidence", json!(encode(evidence.as_bytes())));
        if let Some(condition) = evidence.fields().condition {
            told.add("condition", condition.as_str().to_owned(), "condition", json!(condition.as_str()));
        }
        if let Some(thousandths) = evidence.fields().behaviour.and_then(|behaviour| behaviour.drift) {
            let drift = thousandths as f64 / 1000.0;
            told.add("drift", format!("{drift:.3}"), "drift", json!(drift));
        }
        told
    }

    /// Adds a row, and what it is in JSON.
    pub(super) fn add(&mut self, name: &'static str, text: String, key: &str, value: Value) {
        self.table.row(name, text);
        self.set(key, value);
    }

    /// Adds what is told in JSON only.
    pub(super) fn set(&mut self, key: &str, value: Value) {
        self.json.insert(key.to_owned(), value);
    }

    pub(super) fn answer(self) -> Answer {
        Answer::new(self.table.text(), Value::Object(self.json))
    }
}

/// How the time was checked: the contract's word, and what it means.
fn time(timing: Timing) -> (&'static str, &'static str) {
    match timing {
        Timing::Checked => ("checked", "by this boot's clock, to a second"),
        Timing::CheckedByWall => (
            "checked",
            "by wall time, to ten minutes: a first meeting, or this verifier was started anew since",
        ),
        Timing::First => {
            ("first", "the lineage is ahead of the wall time that it began with; it is for you to judge")
        }
        Timing::Unjudged => ("unjudged", "this verifier's wall time was set back; it is for you to judge"),
    }
}

/// The subject's fields that are there, by the contract's names.
fn subject_json(subject: &Subject) -> Value {
    let Subject { uid, gid, pid, unit, exe, label, app, invocation } = subject;
    let invocation = invocation.map(|id| hex(&id));
    let fields = [
        ("uid", json!(uid)),
        ("gid", json!(gid)),
        ("pid", json!(pid)),
        ("unit", json!(unit)),
        ("exe", json!(exe)),
        ("label", json!(label)),
        ("app", json!(app)),
        ("invocation", json!(invocation)),
    ];
    let there = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(there.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn subject_text(subject: &Subject) -> String {
    let Subject { uid, gid, pid, unit, exe, label, app, invocation } = subject;
    let numbers = [("uid", uid), ("gid", gid), ("pid", pid)];
    let texts = [("unit", unit), ("exe", exe), ("label", label), ("app", app)];
    let numbers = numbers.into_iter().filter_map(|(name, number)| Some(format!("{name} {}", (*number)?)));
    let texts =
        texts.into_iter().filter_map(|(name, text)| Some(format!("{name} {}", printable(text.as_ref()?))));
    let invocation = invocation.map(|id| format!("invocation {}", hex(&id)));
    let there: Vec<String> = numbers.chain(texts).chain(invocation).collect();
    if there.is_empty() { "not established".to_owned() } else { there.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_the_fields_that_are_there() {
        let subject = Subject {
            uid: Some(0),
            unit: Some("a\n.service".into()),
            invocation: Some([0xab; 16]),
            ..Subject::default()
        };
        assert_eq!(
            subject_text(&subject),
            format!("uid 0, unit a\\n.service, invocation {}", "ab".repeat(16))
        );
        let object = json!({"uid": 0, "unit": "a\n.service", "invocation": "ab".repeat(16)});
        assert_eq!(subject_json(&subject), object);
        assert_eq!(subject_text(&Subject::default()), "not established");
        assert_eq!(subject_json(&Subject::default()), json!({}));
    }
}
