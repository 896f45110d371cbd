//! A verdict, as it is told. In JSON it has the names of the D-Bus contract's verdict.

use selfsame::Subject;
use selfsame_store::{Found, ms_of_ticks, span};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::printable::printable;
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
    pub(super) fn of(found: &Found, line: &str) -> Self {
        let mut told = Self { table: Table::default(), json: Map::new() };
        let Found {
            lineage, index, gap_ms, hops, stalled_ms, moved, time, by_wall, subject, payload, ..
        } = found;
        told.table.row("verdict", line);
        told.add("lineage", printable(lineage), "lineage", json!(lineage));
        told.add("subject", subject_text(subject), "subject", subject_json(subject));
        told.add("payload", payload_text(payload), "payload", json!(encode(payload)));
        let age = format!("{index} (age {})", span(ms_of_ticks(*index)));
        told.add("index", age, "index", json!(index));
        let since = if found.first { "its genesis: a first meeting" } else { "the anchor" };
        told.add("gap", format!("{} since {since}", span(*gap_ms)), "gap_ms", json!(gap_ms));
        told.add("hops", hops.to_string(), "hops", json!(hops));
        let stalled = if *stalled_ms == 0 { "no".to_owned() } else { format!("by {}", span(*stalled_ms)) };
        told.add("stalled", stalled, "stalled_ms", json!(stalled_ms));
        let confirmed = match (found.confirmed, found.first) {
            (true, false) => "yes",
            (true, true) => "yes: there was nothing to confirm",
            (false, _) => "unconfirmed: the host no longer remembers a head that was accepted of it",
        };
        told.add("confirmed", confirmed.to_owned(), "confirmed", json!(found.confirmed));
        let anchor = if *moved { "yes" } else { "no: a newer answer had overtaken this one" };
        told.add("moved", anchor.to_owned(), "moved", json!(moved));
        told.add("time", time_text(time, *by_wall), "time", json!(time));
        told.set("by_wall", json!(by_wall));
        told.set("evidence", json!(encode(&found.evidence)));
        if let Some(condition) = &found.condition {
            told.add("condition", printable(condition), "condition", json!(condition));
        }
        if let Some(drift) = found.drift {
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
fn time_text(time: &str, by_wall: bool) -> String {
    let how = match (time, by_wall) {
        ("checked", false) => "by this boot's clock, to a second",
        ("checked", true) => {
            "by wall time, to ten minutes: a first meeting, or this verifier was started anew since"
        }
        ("first", _) => "the lineage is ahead of the wall time that it began with; it is for you to judge",
        ("unjudged", _) => "this verifier's wall time was set back; it is for you to judge",
        // of a later version
        (other, _) => return printable(other),
    };
    format!("{time}: {how}")
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
