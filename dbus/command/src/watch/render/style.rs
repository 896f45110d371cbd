//! Styles: a few colours where there are any, and what stands for them where there are none.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Block;
use selfsame_store::span;

use crate::colour::Colours;

/// What a screen is drawn with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(Colours);

impl Paint {
    pub(super) fn with(colours: Colours) -> Self {
        Self(colours)
    }

    /// What is as it should be.
    pub(super) fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    /// What should be looked at.
    pub(super) fn warn(self) -> Style {
        self.coloured(Color::Yellow)
    }

    /// What is wrong. It stands out without colours, too.
    pub(super) fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// A line across the screen that nobody may overlook.
    pub(super) fn alarm(self) -> Style {
        self.bad().add_modifier(Modifier::REVERSED)
    }

    /// What it is about.
    pub(super) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD).remove_modifier(Modifier::DIM)
    }

    /// What is there for who looks for it.
    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    fn coloured(self, colour: Color) -> Style {
        match self.0 {
            Colours::On => Style::new().fg(colour),
            Colours::Off => Style::new(),
        }
    }

    /// A panel.
    pub(super) fn panel(self, title: &str) -> Block<'static> {
        Block::bordered().border_style(self.dim()).title(Line::styled(format!(" {title} "), self.title()))
    }
}

/// A span of time in whole seconds, for what changes every second.
pub(super) fn seconds(ms: u64) -> String {
    match ms / 1000 {
        seconds @ ..60 => format!("{seconds} s"),
        seconds => span(seconds * 1000),
    }
}

/// The text in so many columns, with an ellipsis where it is cut.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if Span::raw(text).width() <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    for char in text.chars() {
        if Span::raw(&cut).width() + Span::raw(char.to_string()).width() + 1 > columns {
            break;
        }
        cut.push(char);
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_whole() {
        for (ms, text) in [(0, "0 s"), (999, "0 s"), (59_999, "59 s"), (60_000, "1 min 0 s")] {
            assert_eq!(seconds(ms), text);
        }
    }

    #[test]
    fn a_text_that_is_cut_says_so_and_is_never_wider() {
        assert_eq!(fit("web.service", 11), "web.service");
        assert_eq!(fit("web.service", 6), "web.s…");
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        for columns in 0..12 {
            assert!(Span::raw(fit("a漢b字c漢d", columns)).width() <= columns);
        }
    }
}
