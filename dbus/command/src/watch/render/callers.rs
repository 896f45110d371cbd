//! The panel of those for whom the agent has made proofs.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};
use selfsame_dbus::CallerCount;

use super::super::model::{Callers, Model, Presence};
use super::style::{Paint, fit};
use crate::printable::printable;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, paint: Paint) {
    match &model.callers {
        Callers::Told(callers) if !callers.is_empty() => {
            let proofs = callers.iter().fold(0u64, |sum, caller| sum.saturating_add(caller.proofs));
            let panel = paint.panel(&format!("Callers: {}, {proofs} proofs", callers.len()));
            let columns = usize::from(panel.inner(area).width);
            let width = callers.iter().map(|caller| caller.proofs.to_string().len()).max().unwrap_or(0);
            let lines = callers.iter().map(|caller| Line::raw(fit(&line(caller, width), columns)));
            frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(panel), area);
        }
        other => {
            let words = match other {
                Callers::Told(_) => "nobody has asked for a proof since the agent started",
                Callers::Unasked => match &model.presence {
                    Presence::Gone { .. } => "not known while the agent is gone",
                    _ => "not asked yet",
                },
                Callers::Untold(why) => why,
            };
            let words = Paragraph::new(printable(words)).style(paint.dim()).wrap(Wrap { trim: true });
            frame.render_widget(words.block(paint.panel("Callers")), area);
        }
    }
}

/// How many proofs, and whose. The unit says most; the executable comes last, as it is long.
fn line(caller: &CallerCount, width: usize) -> String {
    let CallerCount { uid, unit, exe, proofs } = caller;
    let mut line = format!("{proofs:width$}  uid {uid}");
    for part in [unit, exe] {
        if !part.is_empty() {
            line += "  ";
            line += &printable(part);
        }
    }
    line
}
