//! `enrol`: a first meeting, or a new lineage that succeeds a peer's, which a person lets.

use std::io::{self, BufRead, IsTerminal, Write};

use selfsame_store::Found;
use serde_json::json;

use super::peers::{Denial, Peers};
use super::verdict::Told;
use super::{Enrol, evidence};
use crate::answer::Answer;
use crate::exit::Code;
use crate::failure::{Failure, Question};
use crate::place::Place;
use crate::printable::printable;
use crate::progress::Progress;

/// Enrols a peer.
pub(super) fn enrol(asked: &Enrol, place: &Place<'_>) -> Result<Answer, Failure> {
    let Enrol { peer, proof, succeeds, yes, dry_run } = asked;
    let question = Question::of_first(place, peer);
    let proof = proof.message("the proof")?;
    let mut run = Run { peer, proof, peers: question.peers()?, question };
    if *succeeds {
        return run.succeed(*yes, *dry_run);
    }
    let found = question.done(run.enrol(false, *dry_run))?;
    let done = if *dry_run { "would be enrolled (nothing has changed)" } else { "enrolled" };
    Ok(run.told(&found, done, *dry_run).answer())
}

/// A proof to be enrolled.
struct Run<'r> {
    peer: &'r str,
    proof: Vec<u8>,
    peers: Box<dyn Peers + 'r>,
    question: Question<'r>,
}

impl Run<'_> {
    fn enrol(&mut self, succeeds: bool, dry_run: bool) -> Result<Found, Denial> {
        let _shown = Progress::of("checking the proof");
        self.peers.enrol(self.peer, &self.proof, succeeds, dry_run)
    }

    /// Lets a new lineage succeed the peer's, where whoever is asked says yes.
    fn succeed(&mut self, yes: bool, dry_run: bool) -> Result<Answer, Failure> {
        let question = self.question;
        let look = self.enrol(true, true);
        if matches!(&look, Err(Denial::Refused(refused)) if refused.is_of_a_proof()) && !dry_run {
            // a look does not count it as one of its challenge's refusals; this does, and lets nothing succeed
            question.done(self.enrol(false, false))?;
        }
        let found = question.done(look)?;
        let Some(before) = found.succeeds.clone() else { return Err(self.nobody_before()) };
        if dry_run {
            return Ok(self
                .told(&found, "would succeed the peer's lineage (nothing has changed)", true)
                .answer());
        }
        let is_asked = !yes;
        if is_asked {
            self.ask(&found)?;
        }
        let enrolled = self.enrol(true, false);
        let is_late = matches!(&enrolled, Err(Denial::Refused(refused)) if refused.is_of_the_challenge());
        let found = match question.done(enrolled) {
            Err(failure) if is_asked && is_late => return Err(failure.next(self.after_a_late_yes())),
            outcome => outcome?,
        };
        let done = format!("enrolled, in the place of {before}, which is refused from now on");
        let told = self.told(&found, &done, false);
        // who was asked has seen the rest
        let line = format!("{}: {done}", printable(self.peer));
        Ok(if is_asked { Answer { text: line, ..told.answer() } } else { told.answer() })
    }

    /// Shows what is found, and asks.
    ///
    /// # Errors
    ///
    /// Where the answer is not yes, or there is nobody to ask.
    fn ask(&self, found: &Found) -> Result<(), Failure> {
        let told = self.told(found, "would succeed the peer's lineage", false);
        let shown = told.answer();
        let refused = |text: &str| Failure::new(Code::Refused, "Succession", text);
        if !io::stdin().is_terminal() {
            let next = format!(
                "look at what is found; where it is the same host, say so: {}",
                self.question.command("enrol", "PROOF --succeeds --yes")
            );
            let text = "not taken: standard input is no terminal, so nobody can be asked; --yes is needed";
            return Err(Failure { evidence: Some(Box::new(shown)), ..refused(text).next(next) });
        }
        let is_yes = is_yes(&shown.text).map_err(|error| Failure::system("the terminal", &error))?;
        if is_yes {
            return Ok(());
        }
        let next = "find out from who runs the host whether it is the same. The proof is good until its challenge is \
                    60 s old, after that a new one is needed: `challenge` with --anew";
        Err(refused("not taken: the answer was no").next(next))
    }

    /// A file is asked by the clock of when the proof came; the agent by its own, which goes on while a person thinks.
    fn after_a_late_yes(&self) -> String {
        format!(
            "its challenge ran out while you were asked, and nothing has changed. Issue another, {}, have the host \
             answer it, and say yes within its 60 s; where you are sure by what you have seen, unasked: {}",
            self.question.command("challenge", "--audience NAME --anew"),
            self.question.command("enrol", "PROOF --succeeds --yes")
        )
    }

    fn told(&self, found: &Found, done: &str, dry_run: bool) -> Told {
        let mut told = Told::of(found, &format!("{}: {done}", printable(self.peer)));
        evidence::add(&mut told, found);
        told.set("dry_run", json!(dry_run));
        told
    }

    fn nobody_before(&self) -> Failure {
        let text = format!("no peer {:?} is known: there is no lineage of it to succeed", self.peer);
        Failure::new(Code::Refused, "UnknownPeer", text).next(format!(
            "check its name, {}; a first meeting is without --succeeds",
            self.question.command_for("peers", "", "")
        ))
    }
}

/// Whether the person at the terminal says yes to what is shown. All else is no, as is an end of the input.
fn is_yes(shown: &str) -> io::Result<bool> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "{shown}\n\n{ASKED}Let it succeed the peer's lineage? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if !answer.ends_with('\n') {
        writeln!(terminal)?;
    }
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}

/// What whoever is asked should know.
const ASKED: &str = "\
The proof is right: whoever answered goes on from this new lineage's beginning. That it is the host that you know, no
proof shows: a lineage ends with the host's memory. All above is the new lineage's own word, held against what is known.
";
