//! The panel of the lineage: which, how old, why it began, and how the agent is.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use selfsame_store::{ms_of_ticks, span};

use super::super::model::{Model, Presence};
use super::style::{Paint, fit, seconds};
use crate::origin;
use crate::printable::printable;
use crate::quantity::utc;

/// Lines in it.
pub(super) const LINES: u16 = 5;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, paint: Paint) {
    let Some(status) = &model.status else { return };
    let is_there = model.presence == Presence::There;
    let title = if is_there { "Lineage" } else { "Lineage, as last told" };
    let panel = paint.panel(title);
    let columns = usize::from(panel.inner(area).width);

    let since = seconds(model.now.up_ms.saturating_sub(model.newest.up_ms));
    let newest = if is_there { format!(" · newest moment {since} ago") } else { String::new() };
    let rate = model.rate.per_minute().map_or_else(String::new, |rate| format!(" · {rate:.1} a minute"));
    let condition = match &*status.condition {
        "steady" => paint.good(),
        "warming" => paint.warn(),
        _ => paint.bad(),
    };
    let plain = Style::new();
    let lines = [
        row("lineage", vec![Span::styled(printable(&status.lineage), plain)], columns),
        row(
            "age",
            vec![Span::raw(format!(
                "{} · born {}{newest}",
                span(ms_of_ticks(status.index)),
                utc(status.born_ms)
            ))],
            columns,
        ),
        row("moments", vec![Span::raw(format!("{}{rate}", status.moments))], columns),
        row(
            "condition",
            vec![
                Span::styled(printable(&status.condition), condition),
                Span::raw(format!(
                    " · memory {} · version {}",
                    printable(&status.memory),
                    printable(&status.version)
                )),
            ],
            columns,
        ),
        row("origin", vec![Span::raw(origin(&status.origin.reason, &status.origin.predecessor))], columns),
    ];
    let text = Paragraph::new(lines.to_vec()).block(panel);
    frame.render_widget(if is_there { text } else { text.style(paint.dim()) }, area);
}

/// Why it began, and then whom it follows, which is long.
fn origin(reason: &str, predecessor: &str) -> String {
    let why = origin::in_words(reason, "");
    if predecessor.is_empty() { why } else { format!("{why}, follows {}", printable(predecessor)) }
}

/// A name, and what it is; the last of it is cut where there is no room.
fn row(name: &'static str, mut spans: Vec<Span<'static>>, columns: usize) -> Line<'static> {
    let mut room = columns.saturating_sub(NAME);
    for span in &mut spans {
        let cut = fit(&span.content, room);
        room = room.saturating_sub(Span::raw(&cut).width());
        span.content = cut.into();
    }
    spans.insert(0, Span::raw(format!("{name:NAME$}")));
    Line::from(spans)
}

/// Columns of the names.
const NAME: usize = 10;
