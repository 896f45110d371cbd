//! What was heard that a person should know of: alarms, and what else has happened.

use std::collections::VecDeque;

use serde_json::{Value, json};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// For a person to look at.
    Alarm,
    /// Good to know.
    Note,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// When it was heard: Unix time in milliseconds.
    pub(super) wall_ms: u64,
    pub(super) level: Level,
    /// What its kind is, for programs: `ForkFound`, `LineageEnded` …
    pub(super) kind: &'static str,
    /// What it is, for people.
    pub(super) text: String,
}

/// The newest of them, and how many alarms there were in all.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    entries: VecDeque<Entry>,
    alarms: u64,
}

impl Alarms {
    pub(super) fn add(&mut self, entry: Entry) {
        self.alarms += u64::from(entry.level == Level::Alarm);
        self.entries.push_front(entry);
        self.entries.truncate(MOST);
    }

    /// The newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Alarms since the view began.
    pub(super) fn count(&self) -> u64 {
        self.alarms
    }

    /// For programs: the newest first.
    pub(super) fn json(&self) -> Value {
        let entries = self.entries.iter().map(|Entry { wall_ms, level, kind, text }| {
            json!({ "at_ms": wall_ms, "alarm": *level == Level::Alarm, "kind": kind, "text": text })
        });
        Value::Array(entries.collect())
    }
}

/// More than any screen has lines for.
const MOST: usize = 100;
