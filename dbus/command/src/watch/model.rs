//! What is known of the agent, from what was heard of it.

use selfsame_dbus::CallerCount;
use selfsame_store::DRILL_PREFIX;
use serde_json::{Value, json};

use super::alarms::{Alarms, Entry, Level};
use super::history::History;
use super::rate::Rate;
use crate::host::Status;
use crate::origin;
use crate::printable::{printable, quoted};

/// When something was heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct At {
    /// Unix time in milliseconds.
    pub(super) wall_ms: u64,
    /// Milliseconds since the view began; other than wall time it only goes forward.
    pub(super) up_ms: u64,
}

/// What is heard.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The agent's properties.
    Read(Box<Status>),
    /// For whom it has made proofs, or why it does not tell.
    Callers(Callers),
    /// Nobody answers.
    Gone {
        /// Why.
        why: String,
    },
    /// The signal of an ended lineage.
    LineageEnded { lineage: String, reason: String, successor: String },
    /// The signal of a drift above the threshold.
    DriftExceeded { drift: f64 },
    /// The signal of a fork that was found.
    ForkFound { peer: String },
}

/// The agent's callers, as far as they are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Callers {
    /// Nobody has asked yet.
    #[default]
    Unasked,
    /// The most recent first.
    Told(Vec<CallerCount>),
    /// The agent does not tell them, and why.
    Untold(String),
}

/// Whether there is an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Not known yet.
    Unknown,
    /// There is one.
    There,
    /// There is none, since when and why.
    Gone { since: At, why: String },
}

/// All that is known.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) bus: String,
    /// When something was heard last.
    pub(super) now: At,
    pub(super) presence: Presence,
    /// What the agent said last of itself.
    pub(super) status: Option<Status>,
    /// When its newest moment was first seen.
    pub(super) newest: At,
    pub(super) callers: Callers,
    pub(super) drift: History,
    pub(super) rate: Rate,
    pub(super) alarms: Alarms,
    /// The successor whose beginning was read, and told, before any signal of it.
    told: Option<String>,
}

impl Event {
    /// Whether it is the last of what a second brings.
    pub(super) fn ends_a_round(&self) -> bool {
        matches!(self, Self::Callers(_) | Self::Gone { .. })
    }
}

impl Model {
    /// Nothing is known yet of the agent on this bus.
    pub(super) fn new(bus: String) -> Self {
        Self {
            bus,
            now: At::default(),
            presence: Presence::Unknown,
            status: None,
            newest: At::default(),
            callers: Callers::default(),
            drift: History::default(),
            rate: Rate::default(),
            alarms: Alarms::default(),
            told: None,
        }
    }

    /// Takes what was heard.
    pub(super) fn take(&mut self, at: At, event: Event) {
        self.now = at;
        match event {
            Event::Read(status) => self.read(at, *status),
            Event::Callers(callers) => self.callers = callers,
            Event::Gone { why } => self.gone(at, why),
            Event::LineageEnded { lineage, reason, successor } => {
                let why = origin::in_words(&reason, "");
                let text = format!(
                    "lineage {} ended: {why}. Relying parties take {} only where a person lets them",
                    brief(&lineage),
                    brief(&successor)
                );
                if self.told.as_ref() != Some(&successor) {
                    self.add(Level::Alarm, "LineageEnded", text);
                }
                // what is read next is the successor's: that is known now
                if let Some(status) = &mut self.status {
                    status.lineage = successor;
                }
                self.rate.clear();
            }
            Event::DriftExceeded { drift } => {
                let text = format!("this host behaves as it does not use to: drift {drift:.3}");
                self.add(Level::Alarm, "DriftExceeded", text);
            }
            Event::ForkFound { peer } => {
                let name = printable(&peer);
                let text = match &*peer {
                    "" => "a lineage of a forgotten peer was copied: `selfsame forks`".to_owned(),
                    // it is gone again when a person reads this
                    drill if drill.starts_with(DRILL_PREFIX) => {
                        format!(
                            "peer {name} was copied: that is a drill's name, and so as meant (`selfsame drill`)"
                        )
                    }
                    peer => format!("peer {name} was copied: `selfsame forks {}`", quoted(peer)),
                };
                self.add(Level::Alarm, "ForkFound", text);
            }
        }
    }

    fn read(&mut self, at: At, status: Status) {
        if let Presence::Gone { .. } = self.presence {
            self.add(Level::Note, "AgentBack", "the agent is back".to_owned());
        }
        self.presence = Presence::There;
        let before = self.status.take();
        if let Some(before) = &before {
            if before.lineage != status.lineage {
                // its signal was not heard: the agent was gone then, or it comes after this round
                let text = format!(
                    "lineage {} is no more, {} is the agent's now: {}",
                    brief(&before.lineage),
                    brief(&status.lineage),
                    origin::in_words(&status.origin.reason, "")
                );
                self.add(Level::Alarm, "LineageEnded", text);
                self.told = Some(status.lineage.clone());
                self.rate.clear();
            }
            for source in status.sources.iter().filter(|source| !source.healthy) {
                if before.sources.iter().any(|known| known.name == source.name && known.healthy) {
                    self.add(
                        Level::Note,
                        "SourceFailed",
                        format!("source {} has failed", printable(&source.name)),
                    );
                }
            }
        }
        let counted = before.as_ref().map_or(0, |before| before.foreign_anchors);
        if status.foreign_anchors > counted {
            let text = format!(
                "{} in all named a head that is not this host's: somebody else may have answered in its name",
                match status.foreign_anchors {
                    1 => "1 challenge".to_owned(),
                    many => format!("{many} challenges"),
                }
            );
            self.add(Level::Alarm, "ForeignAnchors", text);
        }
        if before.as_ref().is_none_or(|before| before.index != status.index) {
            self.newest = at;
        }
        self.rate.take(at.up_ms, status.moments);
        self.drift.take(at.up_ms, status.drift);
        self.status = Some(status);
    }

    fn gone(&mut self, at: At, why: String) {
        self.drift.take(at.up_ms, None);
        self.rate.clear();
        self.callers = Callers::Unasked;
        match &mut self.presence {
            Presence::Gone { why: known, .. } => *known = why,
            presence => {
                let was_there = *presence == Presence::There;
                *presence = Presence::Gone { since: at, why };
                if was_there {
                    self.add(Level::Note, "AgentGone", "the agent is gone".to_owned());
                }
            }
        }
    }

    fn add(&mut self, level: Level, kind: &'static str, text: String) {
        self.alarms.add(Entry { wall_ms: self.now.wall_ms, level, kind, text });
    }

    /// All of it, for programs.
    pub(super) fn json(&self) -> Value {
        let gone = match &self.presence {
            Presence::Gone { why, .. } => Some(why),
            _ => None,
        };
        let callers = match &self.callers {
            Callers::Told(callers) => Some(callers.iter().map(caller_json).collect::<Vec<_>>()),
            _ => None,
        };
        json!({
            "at_ms": self.now.wall_ms,
            "reachable": self.presence == Presence::There,
            "why": gone,
            "status": self.status.as_ref().map(Status::json),
            "moments_per_minute": self.rate.per_minute(),
            "callers": callers,
            "alarms": self.alarms.json(),
        })
    }
}

/// A lineage as it is told apart from another at a glance; the whole of it has a panel of its own.
fn brief(lineage: &str) -> String {
    let chars: Vec<char> = lineage.chars().collect();
    match (chars.get(..15), chars.get(chars.len().saturating_sub(6)..)) {
        (Some(first), Some(last)) if chars.len() > 24 => {
            printable(&first.iter().chain(&['…']).chain(last).collect::<String>())
        }
        _ => printable(lineage),
    }
}

fn caller_json(caller: &CallerCount) -> Value {
    let CallerCount { uid, unit, exe, proofs } = caller;
    let known = |text: &String| (!text.is_empty()).then(|| text.clone());
    json!({ "uid": uid, "unit": known(unit), "exe": known(exe), "proofs": proofs })
}
