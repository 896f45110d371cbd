//! `status`: all that the agent tells of itself.

use selfsame_dbus::{Bus, CallError, Identity1Proxy, Origin, Source};
use selfsame_store::{ms_of_ticks, span};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::bus::ask;
use crate::failure::Failure;
use crate::origin;
use crate::printable::printable;
use crate::quantity::utc;
use crate::table::Table;

/// The agent's properties, as the contract has them.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) lineage: String,
    pub(crate) born_ms: u64,
    pub(crate) index: u64,
    pub(crate) moments: u64,
    pub(crate) foreign_anchors: u64,
    pub(crate) condition: String,
    pub(crate) sources: Vec<Source>,
    pub(crate) memory: String,
    /// None: the agent is of a version that does not tell it.
    pub(crate) drift: Option<f64>,
    pub(crate) origin: Origin,
    pub(crate) version: String,
}

/// Asks the agent for its properties.
pub(super) fn run(bus: &Bus) -> Result<Answer, Failure> {
    Ok(ask(bus, async |agent| Status::read(&agent).await)?.answer())
}

impl Status {
    /// Asks an agent for them.
    ///
    /// # Errors
    ///
    /// Where it does not answer.
    pub(crate) async fn read(agent: &Identity1Proxy<'_>) -> Result<Self, CallError> {
        Ok(Self {
            lineage: agent.lineage().await?,
            born_ms: agent.born().await?,
            index: agent.index().await?,
            moments: agent.moments().await?,
            foreign_anchors: agent.foreign_anchors().await?,
            condition: agent.condition().await?,
            sources: agent.sources().await?,
            memory: agent.memory().await?,
            drift: match agent.drift().await {
                Ok(drift) => Some(drift),
                Err(CallError::Unexpected(_)) => None,
                Err(error) => return Err(error),
            },
            origin: agent.origin().await?,
            version: agent.version().await?,
        })
    }

    fn answer(&self) -> Answer {
        let Self { lineage, born_ms, index, moments, foreign_anchors, condition, .. } = self;
        let Self { sources, memory, drift, origin: Origin { reason, predecessor }, version, .. } = self;
        let origin = origin::in_words(reason, predecessor);
        let mut table = Table::default();
        table
            .row("lineage", printable(lineage))
            .row("born", utc(*born_ms))
            .row("index", format!("{index} (age {})", span(ms_of_ticks(*index))))
            .row("moments", moments.to_string())
            .row("origin", &*origin)
            .row("condition", printable(condition))
            .row("memory", printable(memory));
        for (place, Source { name, class, healthy }) in sources.iter().enumerate() {
            let health = if *healthy { "healthy" } else { "failed" };
            let source = format!("{} ({}): {health}", printable(name), printable(class));
            table.row(if place == 0 { "sources" } else { "" }, source);
        }
        let hint =
            if *foreign_anchors > 0 { ": somebody else may have answered in this host's name" } else { "" };
        table.row("foreign anchors", format!("{foreign_anchors}{hint}"));
        if let Some(drift) = drift {
            table.row("drift", format!("{drift:.3}"));
        }
        table.row("version", printable(version));
        Answer::new(table.text(), self.json())
    }

    /// All of it, for programs.
    pub(crate) fn json(&self) -> Value {
        let Self { lineage, born_ms, index, moments, foreign_anchors, condition, .. } = self;
        let Self { sources, memory, drift, origin: Origin { reason, predecessor }, version, .. } = self;
        let sources: Vec<_> = sources
            .iter()
            .map(
                |Source { name, class, healthy }| json!({ "name": name, "class": class, "healthy": healthy }),
            )
            .collect();
        json!({
            "lineage": lineage,
            "born_ms": born_ms,
            "index": index,
            "moments": moments,
            "foreign_anchors": foreign_anchors,
            "condition": condition,
            "sources": sources,
            "memory": memory,
            "origin": {
                "reason": reason,
                "predecessor": (!predecessor.is_empty()).then_some(predecessor),
                "text": origin::in_words(reason, predecessor),
            },
            "drift": drift,
            "version": version,
        })
    }
}
