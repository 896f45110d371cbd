//! The panel of alarms, and of what else has happened since the view began.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::super::alarms::{Entry, Level};
use super::super::model::Model;
use super::style::Paint;
use crate::quantity::utc;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, paint: Paint) {
    let title = match model.alarms.count() {
        0 => "Alarms: none".to_owned(),
        count => format!("Alarms: {count}"),
    };
    let lines: Vec<_> = model.alarms.newest().map(|entry| line(entry, paint)).collect();
    let text = Paragraph::new(lines).wrap(Wrap { trim: true });
    frame.render_widget(text.block(paint.panel(&title)), area);
}

fn line(entry: &Entry, paint: Paint) -> Line<'static> {
    let Entry { wall_ms, level, kind: _, text } = entry;
    let (word, style) = match level {
        Level::Alarm => ("ALARM", paint.bad()),
        Level::Note => ("note", paint.dim()),
    };
    Line::from(vec![
        Span::styled(format!("{} ", time(*wall_ms)), paint.dim()),
        Span::styled(word, style),
        Span::raw(format!(" {text}")),
    ])
}

/// The time of the day, in UTC.
fn time(wall_ms: u64) -> String {
    utc(wall_ms).split_whitespace().nth(1).unwrap_or_default().to_owned()
}
