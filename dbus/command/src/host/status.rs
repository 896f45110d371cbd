//! `status`: all that the agent tells of itself.

use selfsame_dbus::{Bus, Origin, Source};
use selfsame_store::{ms_of_ticks, span};
use serde_json::json;

use crate::answer::Answer;
use crate::bus::ask;
use crate::failure::Failure;
use crate::origin;
use crate::printable::printable;
use crate::quantity::utc;
use crate::table::Table;

/// The agent's properties.
struct Status {
    lineage: String,
    born_ms: u64,
    index: u64,
    moments: u64,
    foreign_anchors: u64,
    condition: String,
    sources: Vec<Source>,
    memory: String,
    origin: Origin,
    version: String,
}

/// Asks the agent for its properties.
pub(super) fn run(bus: &Bus) -> Result<Answer, Failure> {
    let status = ask(bus, async |agent| {
        Ok(Status {
            lineage: agent.lineage().await?,
            born_ms: agent.born().await?,
            index: agent.index().await?,
            moments: agent.moments().await?,
            foreign_anchors: agent.foreign_anchors().await?,
            condition: agent.condition().await?,
            sources: agent.sources().await?,
            memory: agent.memory().await?,
            origin: agent.origin().await?,
            version: agent.version().await?,
        })
    })?;
    Ok(status.answer())
}

impl Status {
    fn answer(&self) -> Answer {
        let Self { lineage, born_ms, index, moments, foreign_anchors, condition, .. } = self;
        let Self { sources, memory, origin: Origin { reason, predecessor }, version, .. } = self;
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
        table.row("foreign anchors", format!("{foreign_anchors}{hint}")).row("version", printable(version));

        let sources: Vec<_> = sources
            .iter()
            .map(
                |Source { name, class, healthy }| json!({ "name": name, "class": class, "healthy": healthy }),
            )
            .collect();
        let json = json!({
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
                "text": origin,
            },
            "version": version,
        });
        Answer::new(table.text(), json)
    }
}
