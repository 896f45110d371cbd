//! The first lines: what is shown, and what nobody may overlook; and a sentence where there is no room.

use ratatui::text::{Line, Span};

use super::super::alarms::Level;
use super::super::model::{Model, Presence};
use super::style::{Paint, fit, seconds};
use crate::printable::printable;
use crate::quantity::utc;

/// The first line: which agent, and when.
pub(super) fn head(model: &Model, paint: Paint, columns: u16) -> Line<'static> {
    let columns = usize::from(columns);
    let time = format!("{} ", utc(model.now.wall_ms));
    let name = Span::styled(" selfsame watch", paint.title());
    let room = columns.saturating_sub(name.width() + time.len() + 4);
    let bus = fit(&format!("  {}", printable(&model.bus)), room);
    let used = name.width() + Span::raw(&bus).width() + time.len();
    if used > columns {
        return Line::from(name);
    }
    let gap = " ".repeat(columns - used);
    Line::from(vec![name, Span::raw(bus), Span::raw(gap), Span::styled(time, paint.dim())])
}

/// The line below it, where there is something: no agent, or an alarm.
pub(super) fn banner(model: &Model, paint: Paint, columns: u16) -> Option<Line<'static>> {
    let text = match (&model.presence, model.alarms.count()) {
        (Presence::Gone { since, why }, _) => {
            let for_so_long = seconds(model.now.up_ms.saturating_sub(since.up_ms));
            format!(" AGENT GONE for {for_so_long}: {}", printable(why))
        }
        (_, 0) => return None,
        (_, count) => {
            let newest = model.alarms.newest().find(|entry| entry.level == Level::Alarm);
            let newest = newest.map_or("", |entry| &*entry.text);
            let count = if count == 1 { "ALARM".to_owned() } else { format!("{count} ALARMS, the last") };
            format!(" {count}: {newest}")
        }
    };
    let columns = usize::from(columns);
    let text = fit(&text, columns);
    let gap = " ".repeat(columns.saturating_sub(Span::raw(&text).width()));
    Some(Line::styled(text + &gap, paint.alarm()))
}

/// What is shown before an agent was seen.
pub(super) fn waiting(model: &Model) -> String {
    match &model.presence {
        Presence::Gone { .. } => format!(
            "\nThere is no agent on {}. This view waits for one, and starts none: `systemctl start selfsame-agent` does; \
             `selfsame doctor` says what is wrong.",
            printable(&model.bus)
        ),
        _ => format!("\nAsking the agent on {} …", printable(&model.bus)),
    }
}

/// All in a sentence.
pub(super) fn in_a_sentence(model: &Model) -> String {
    let agent = match (&model.presence, &model.status) {
        (Presence::Gone { .. }, _) => "agent gone".to_owned(),
        (_, None) => "asking the agent".to_owned(),
        (_, Some(status)) => printable(&status.condition),
    };
    match model.alarms.count() {
        0 => agent,
        1 => format!("ALARM, {agent}"),
        count => format!("{count} ALARMS, {agent}"),
    }
}
