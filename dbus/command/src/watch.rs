//! `watch`: a live view of this host's agent, for the terminal.
//!
//! What is known is a [`Model`], which takes events and has no clock, bus or terminal; [`render`] draws one on a screen of
//! any size; [`follow`] asks the agent and tells what it hears; [`screen`] has the terminal, and gives it back. So the
//! screens that people see can be held against files: `snapshots/` has them, and `tests.rs` says how they are made anew.
//!
//! With `--json` there is no screen: each second one object, on a line of its own, until it is ended or nobody reads it.

use std::io::{self, ErrorKind, IsTerminal, Write};

use selfsame_dbus::Bus;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver};

use crate::answer::{Answer, Telling};
use crate::colour::Colours;
use crate::exit::Code;
use crate::failure::Failure;

mod alarms;
mod follow;
mod history;
mod model;
mod rate;
mod render;
mod screen;
#[cfg(test)]
mod tests;

use follow::Heard;
use model::Model;
use screen::{Key, Screen};

/// Shows the agent on this bus, until a person ends it.
///
/// # Errors
///
/// Where there is no terminal to show it on.
pub(crate) fn run(bus: &Bus, telling: Telling) -> Result<Answer, Failure> {
    let Telling { json, color } = telling;
    if !json {
        has_terminal()?;
    }
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system("no runtime for the bus", &error))?;
    let outcome = runtime.block_on(async {
        // what is heard waits for no screen: a few seconds of it are kept
        let (tell, heard) = mpsc::channel(64);
        let model = Model::new(bus.to_string());
        tokio::select! {
            () = follow::follow(bus, tell) => Ok(()),
            shown = async {
                match json {
                    true => lines(model, heard).await,
                    false => show(model, heard, color.on_stdout()).await,
                }
            } => shown,
        }
    });
    match outcome {
        // who closes the pipe has read enough
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::system("the terminal can't be used", &error))
        }
        _ => Ok(Answer::silent()),
    }
}

/// Draws what is known, again and again. The terminal is given back whichever way this ends.
async fn show(mut model: Model, mut heard: Receiver<Heard>, colours: Colours) -> io::Result<()> {
    let mut end = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()].map(signal);
    let [terminate, hangup, interrupt] = &mut end;
    let (Ok(terminate), Ok(hangup), Ok(interrupt)) = (terminate, hangup, interrupt) else {
        return Err(ErrorKind::Unsupported.into());
    };
    let mut screen = Screen::take()?;
    loop {
        screen.draw(|frame| render::render(frame, &model, colours))?;
        tokio::select! {
            next = heard.recv() => match next {
                Some(Heard { at, event }) => model.take(at, event),
                None => return Ok(()),
            },
            key = screen.key() => match key {
                Key::End => return Ok(()),
                Key::Redraw => {}
            },
            _ = terminate.recv() => return Ok(()),
            _ = hangup.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        }
    }
}

/// Writes what is known as one object a line, once a second.
async fn lines(mut model: Model, mut heard: Receiver<Heard>) -> io::Result<()> {
    while let Some(Heard { at, event }) = heard.recv().await {
        let is_whole = event.ends_a_round();
        model.take(at, event);
        if is_whole {
            let mut out = io::stdout().lock();
            writeln!(out, "{}", model.json()).and_then(|()| out.flush())?;
        }
    }
    Ok(())
}

/// A live view needs a terminal to be drawn on, and one to read keys from.
fn has_terminal() -> Result<(), Failure> {
    let what = match (io::stdout().is_terminal(), io::stdin().is_terminal(), std::env::var_os("TERM")) {
        (false, ..) => "standard output is no terminal",
        (_, false, _) => "standard input is no terminal",
        (_, _, Some(term)) if term == "dumb" => "TERM=dumb: that terminal can't be drawn on",
        _ => return Ok(()),
    };
    let failure =
        Failure::new(Code::Usage, "InvalidArgument", format!("nothing to show a live view on: {what}"));
    Err(failure.next("`selfsame status` tells the same once; `selfsame watch --json` an object a second"))
}
