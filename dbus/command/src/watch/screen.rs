//! The terminal: taken, drawn on, and given back, whatever happens.

use std::io;
use std::thread;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::mpsc::{self, Receiver};

/// The terminal, while it is ours. It is given back when this is dropped; ratatui sees to it where there is a panic,
/// before that is told.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: DefaultTerminal,
    keys: Receiver<Key>,
}

/// What a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// They have seen enough.
    End,
    /// The window has another size.
    Redraw,
}

impl Screen {
    /// Takes the terminal: its other screen, without echo.
    ///
    /// # Errors
    ///
    /// Where it does not let itself be taken.
    pub(super) fn take() -> io::Result<Self> {
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore())?;
        let (tell, keys) = mpsc::channel(8);
        // it waits for the terminal, for as long as there is one; the process does not wait for it
        thread::spawn(move || {
            while let Ok(event) = event::read() {
                if let Some(key) = key(&event)
                    && tell.blocking_send(key).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { terminal, keys })
    }

    /// Draws.
    ///
    /// # Errors
    ///
    /// Where the terminal is gone.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }

    /// The next that a person does. A terminal that is gone has ended it.
    pub(super) async fn key(&mut self) -> Key {
        self.keys.recv().await.unwrap_or(Key::End)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// What an event of the terminal means here.
fn key(event: &Event) -> Option<Key> {
    match event {
        Event::Key(KeyEvent { kind: KeyEventKind::Release, .. }) => None,
        Event::Key(KeyEvent { code: KeyCode::Char('q' | 'Q') | KeyCode::Esc, .. }) => Some(Key::End),
        Event::Key(KeyEvent { code: KeyCode::Char('c'), modifiers, .. })
            if modifiers.contains(KeyModifiers::CONTROL) =>
        {
            Some(Key::End)
        }
        Event::Resize(..) => Some(Key::Redraw),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_escape_and_control_c_end_it_and_nothing_else_does() {
        let press = |code, modifiers| key(&Event::Key(KeyEvent::new(code, modifiers)));
        for (code, modifiers) in [
            (KeyCode::Char('q'), KeyModifiers::NONE),
            (KeyCode::Char('Q'), KeyModifiers::SHIFT),
            (KeyCode::Esc, KeyModifiers::NONE),
            (KeyCode::Char('c'), KeyModifiers::CONTROL),
        ] {
            assert_eq!(press(code, modifiers), Some(Key::End), "{code}");
        }
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(press(KeyCode::Enter, KeyModifiers::NONE), None);
        assert_eq!(key(&Event::Resize(80, 24)), Some(Key::Redraw));
        assert_eq!(key(&Event::FocusGained), None);
    }
}
