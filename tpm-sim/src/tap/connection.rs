//! One client's connection.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::Shared;
use super::rules::Hold;
use super::wire::{Dial, Side, wait};
use crate::{Exchange, How};

/// Passes commands on to the TPM, and answers back, one by one, until it ends.
pub(super) fn serve(number: usize, client: &UnixStream, tpm: Dial, shared: &Shared) -> io::Result<()> {
    let tpm = tpm.finish(&client)?;
    let line = Line { number, client, tpm: &tpm, shared };
    let (mut commands, mut answers) = (Side::new(client), Side::new(&tpm));
    loop {
        let command = commands.message(&[&tpm])?;
        line.pass(command, &mut commands, &mut answers)?;
    }
}

struct Line<'a> {
    number: usize,
    client: &'a UnixStream,
    tpm: &'a UnixStream,
    shared: &'a Shared,
}

impl Line<'_> {
    /// Passes one command. An error: the connection is over.
    fn pass(
        &self,
        command: Vec<u8>,
        commands: &mut Side<&UnixStream>,
        answers: &mut Side<&UnixStream>,
    ) -> io::Result<()> {
        let record = &self.shared.record;
        let mut exchange =
            Exchange { connection: self.number, command, answer: Vec::new(), told: Vec::new() };
        let code = exchange.code();
        let fate = self.shared.rules.judge(code)?;
        let how = fate.how.as_deref();

        if how.is_none_or(How::asks_the_tpm) {
            let answer = answers.send(&exchange.command).and_then(|()| answers.message(&[&self.client]));
            match answer {
                Ok(answer) => exchange.answer = answer,
                Err(error) => {
                    record.end(None, exchange);
                    return Err(error);
                }
            }
        }
        let told = match how {
            None => exchange.answer.clone(),
            Some(how) => how.tell(code, &exchange.answer),
        };
        let mut held = None;
        if let Some(bound) = how.and_then(How::holds_back) {
            let number = record.hold(exchange.clone());
            if let Err(error) = self.wait(&fate.hold, bound) {
                record.end(Some(number), exchange);
                return Err(error);
            }
            held = Some(number);
        }
        exchange.told.clone_from(&told);
        record.end(held, exchange);
        commands.send(&told)?;
        if how.is_some_and(How::hangs_up) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Waits until it is let go, or `bound` has passed. An error: either side has hung up meanwhile.
    fn wait(&self, hold: &Hold, bound: Option<Duration>) -> io::Result<()> {
        wait(Some(&hold.watched), &[&self.client, &self.tpm], bound).map(drop)
    }
}
