//! The panel of drift over time.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, RenderDirection, Sparkline, SparklineBar, Wrap};

use super::super::history::SPAN_MS;
use super::super::model::Model;
use super::style::{Paint, seconds};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, paint: Paint) {
    let Some(status) = &model.status else { return };
    let title = match (status.drift, &*status.condition) {
        (None, _) => "Drift".to_owned(),
        (Some(_), "warming") => "Drift: warming, too little seen yet".to_owned(),
        (Some(drift), _) => format!("Drift {drift:.3}, of 1"),
    };
    let panel = paint.panel(&title);
    let inner = panel.inner(area);
    if status.drift.is_none() {
        let words = Paragraph::new("this agent does not tell how unusual its host behaves");
        frame.render_widget(words.wrap(Wrap { trim: true }).block(panel), area);
        return;
    }
    let [axis, bars] = Layout::horizontal([Constraint::Length(AXIS), Constraint::Fill(1)]).areas(inner);
    let shown = seconds(u64::from(bars.width) * SPAN_MS);
    let below = Line::styled(format!(" {} a bar, the last {shown} ", seconds(SPAN_MS)), paint.dim());
    frame.render_widget(panel.title_bottom(below.right_aligned()), area);
    frame.render_widget(Paragraph::new(scale(axis.height)).style(paint.dim()), axis);

    // what was told is never shown as nothing: an eighth of a line at least
    let least = FULL.div_ceil(u64::from(bars.height.max(1)) * 8);
    let values: Vec<_> = model.drift.newest(usize::from(bars.width)).collect();
    let data = values.into_iter().rev().map(|value| {
        let bar = SparklineBar::from(value.map(|value| u64::from(value).max(least)));
        bar.style(value.map(|value| style(value, paint)))
    });
    let plot = Sparkline::default().data(data).max(FULL).direction(RenderDirection::RightToLeft);
    frame.render_widget(plot, bars);
}

/// What stands before the bars: 1 at the top, 0 at the bottom, and a half where there is a line for it.
fn scale(lines: u16) -> Vec<Line<'static>> {
    (0..lines)
        .map(|line| match line {
            0 => "1.0 ",
            line if line + 1 == lines => "0.0 ",
            line if lines % 2 == 1 && line == lines / 2 => "0.5 ",
            _ => "",
        })
        .map(Line::raw)
        .collect()
}

/// 99 in 100 of a host's own normal samples are under 0.2; 0.6 is the threshold of DriftExceeded where none is
/// configured (`dbus/org.selfsame.Identity1.xml`).
fn style(thousandths: u16, paint: Paint) -> Style {
    match thousandths {
        ..200 => paint.good(),
        200..600 => paint.warn(),
        _ => paint.bad(),
    }
}

/// Columns of the scale.
const AXIS: u16 = 4;

/// A drift of 1 in thousandths.
const FULL: u64 = 1000;
