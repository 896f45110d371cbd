//! The screen: what is known, drawn.
//!
//! Three forms, by the width there is: wide from 120 columns on, as for 200×50; the ordinary one, as for 80×24; and one
//! below the other under 60. What has no room is left out, and on a screen of a few lines a sentence has to do.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use super::model::{Model, Presence};
use crate::colour::Colours;

mod alarms;
mod callers;
mod edges;
mod lineage;
mod plot;
mod sources;
mod style;

use style::Paint;

/// Draws a model.
pub(super) fn render(frame: &mut Frame<'_>, model: &Model, colours: Colours) {
    let (area, paint) = (frame.area(), Paint::with(colours));
    if area.width < LEAST_WIDTH || area.height < LEAST_HEIGHT {
        let words = Paragraph::new(edges::in_a_sentence(model)).wrap(Wrap { trim: true });
        frame.render_widget(words, area);
        return;
    }
    let banner = edges::banner(model, paint, area.width);
    let rows = [
        Constraint::Length(1),
        Constraint::Length(u16::from(banner.is_some())),
        Constraint::Fill(1),
        Constraint::Length(1),
    ];
    let [head, under, body, foot] = Layout::vertical(rows).areas(area);
    frame.render_widget(edges::head(model, paint, area.width), head);
    if let Some(banner) = banner {
        frame.render_widget(banner, under);
    }
    frame.render_widget(Line::styled(FOOT, paint.dim()), foot);
    match &model.presence {
        Presence::Unknown | Presence::Gone { .. } if model.status.is_none() => {
            let words = Paragraph::new(edges::waiting(model)).wrap(Wrap { trim: true });
            frame.render_widget(words, body);
        }
        _ => panels(frame, body, model, paint),
    }
}

/// The panels, as there is room.
fn panels(frame: &mut Frame<'_>, area: Rect, model: &Model, paint: Paint) {
    let sources = model.status.as_ref().map_or(0, |status| status.sources.len());
    let sources = u16::try_from(sources).unwrap_or(u16::MAX).saturating_add(2);
    let form = match area.width {
        WIDE.. => wide,
        ORDINARY.. => ordinary,
        _ => narrow,
    };
    let [lineage, listed, plot, callers, alarms] = form(area, sources);
    lineage::draw(frame, lineage, model, paint);
    sources::draw(frame, listed, model, paint);
    plot::draw(frame, plot, model, paint);
    callers::draw(frame, callers, model, paint);
    alarms::draw(frame, alarms, model, paint);
}

fn wide(area: Rect, sources: u16) -> [Rect; 5] {
    let most = (area.height / 3).max(lineage::LINES + 2);
    let top = sources.clamp(lineage::LINES + 2, most);
    let rows = [Constraint::Length(top), Constraint::Fill(1), Constraint::Fill(1)];
    let [top, plot, bottom] = Layout::vertical(rows).areas(area);
    let [lineage, listed] = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(top);
    let [callers, alarms] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(bottom);
    [lineage, listed, plot, callers, alarms]
}

fn ordinary(area: Rect, sources: u16) -> [Rect; 5] {
    let middle = sources.clamp(6, (area.height / 3).max(6));
    let rows = [Constraint::Length(lineage::LINES + 2), Constraint::Length(middle), Constraint::Fill(1)];
    let [lineage, middle, bottom] = Layout::vertical(rows).areas(area);
    let [listed, plot] = Layout::horizontal([Constraint::Length(30), Constraint::Fill(1)]).areas(middle);
    let [callers, alarms] = Layout::horizontal([Constraint::Fill(2), Constraint::Fill(3)]).areas(bottom);
    [lineage, listed, plot, callers, alarms]
}

fn narrow(area: Rect, sources: u16) -> [Rect; 5] {
    let rows = [
        Constraint::Length(lineage::LINES + 2),
        Constraint::Length(sources),
        Constraint::Length(5),
        Constraint::Fill(1),
        Constraint::Fill(1),
    ];
    let [lineage, listed, plot, alarms, callers] = Layout::vertical(rows).areas(area);
    [lineage, listed, plot, callers, alarms]
}

/// The last line.
const FOOT: &str = " q, Esc or Ctrl-C ends this view; the agent goes on";

/// From so many columns on, panels stand side by side with room to spare.
const WIDE: u16 = 120;

/// From so many on, they stand side by side.
const ORDINARY: u16 = 60;

/// With fewer columns or lines than these a sentence says more than cut-off panels.
const LEAST_WIDTH: u16 = 24;
const LEAST_HEIGHT: u16 = 6;
