//! The panel of the sources of entropy, and how they are.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::model::Model;
use super::style::{Paint, fit};
use crate::printable::printable;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, paint: Paint) {
    let Some(status) = &model.status else { return };
    let failed = status.sources.iter().filter(|source| !source.healthy).count();
    let title = match (failed, status.sources.len()) {
        (0, _) => "Sources".to_owned(),
        (failed, all) => format!("Sources: {failed} of {all} failed"),
    };
    let panel = paint.panel(&title);
    let inner = panel.inner(area);
    // those that failed come first: they are seen where not all have room
    let mut sources: Vec<_> = status.sources.iter().collect();
    sources.sort_by_key(|source| source.healthy);
    let lines = sources.into_iter().map(|source| {
        let (word, style) = if source.healthy { ("healthy", paint.good()) } else { ("FAILED ", paint.bad()) };
        let (name, class) = (printable(&source.name), printable(&source.class));
        let name = if name == class { name } else { format!("{name} ({class})") };
        let name = fit(&name, usize::from(inner.width).saturating_sub(word.len() + 1));
        Line::from(vec![Span::styled(word, style), Span::raw(format!(" {name}"))])
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(panel), area);
}
