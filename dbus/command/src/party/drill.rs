//! `drill`: forks a throw-away lineage of its own making against the verifier, and shows that the alarm comes.
//!
//! Host and copy are two lineages in this process ([`twins`]); the verifier, in a file or the agent, is the real one, and
//! takes them for a peer `drill-…`. Each link of the chain is told as it holds. The first that does not is the failure; the
//! peer is forgotten in any case, and its fork with it, as the lineage says of itself that it is a drill's.

use std::io::{self, Write};
use std::time::Duration;

use selfsame::{Fork, ProveRefusal};
use selfsame_store::{ChallengeOptions, DRILL_PREFIX};
use serde_json::{Value, json};

use crate::answer::{Answer, Telling};
use crate::colour::Hue;
use crate::exit::Code;
use crate::failure::{Failure, Question};
use crate::place::Place;
use crate::quantity::size;
use crate::text::hex;

mod signal;
mod twins;

use signal::Signal;
use twins::{AUDIENCE, Twins, system};

/// Runs a drill.
///
/// # Errors
///
/// The first link that does not hold, with all that were tried.
pub(super) fn drill(place: &Place<'_>, telling: Telling) -> Result<Answer, Failure> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|error| Failure::system("no random bytes", &error))?;
    let peer = format!("{DRILL_PREFIX}{}", hex(&random));
    let mut drill = Drill {
        question: Question::of(place, &peer),
        twins: Twins::born()?,
        links: Vec::new(),
        fork: None,
        signalled: None,
        telling,
    };
    let ran = drill.run();
    let removed = drill.remove();
    match ran.and(removed) {
        Ok(()) => {
            let text = "the alarm works: a copy was caught, proved, told of, and refused from then on";
            Ok(Answer::new(text, drill.json()))
        }
        Err(failure) => Err(drill.broken(failure)),
    }
}

/// A drill under way.
struct Drill<'d> {
    question: Question<'d>,
    twins: Twins,
    links: Vec<(&'static str, bool, String)>,
    fork: Option<Fork>,
    /// Whether the signal came; `None` where there is no agent to send it.
    signalled: Option<bool>,
    telling: Telling,
}

impl Drill<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let question = self.question;
        let peer = question.peer;
        let signal = match question.place {
            Place::Agent(bus) => Some(self.link("listen", |_| {
                Ok((Signal::of(bus)?, "the agent's signals are listened to".to_owned()))
            })?),
            Place::File(_) => None,
        };
        self.link("enrol", |drill| {
            let challenge = drill.challenge()?;
            let proof = drill.twins.both(&challenge)?;
            question.done(question.peers()?.enrol(peer, &proof, false, false))?;
            let lineage = drill.twins.lineage();
            Ok(((), format!("a host that is made for this, {lineage}, is enrolled as {peer}")))
        })?;
        self.link("verify", |drill| {
            let challenge = drill.challenge()?;
            let proof = drill.twins.both(&challenge)?;
            drill.verify(&proof)?;
            Ok(((), "its next proof is right".to_owned()))
        })?;
        self.link("copy", |drill| {
            let challenge = drill.challenge()?;
            let proof = drill.twins.copy(&challenge)?;
            drill.verify(&proof)?;
            Ok(((), "its memory is copied; the copy answers in its place, and is taken for it".to_owned()))
        })?;
        self.link("alarm", |drill| {
            let challenge = drill.challenge()?;
            match drill.twins.host(&challenge)? {
                Err(ProveRefusal::ForeignAnchor { .. }) => {
                    Ok(((), "the host is asked next, and raises the alarm: ForeignAnchor".to_owned()))
                }
                Err(other) => Err(broken(format!("the host answers otherwise than by an alarm: {other}"))),
                Ok(_) => Err(broken("the host answers as if nobody else had")),
            }
        })?;
        self.link("confront", |drill| {
            let questions = question.done(question.peers()?.questions(peer))?;
            let asked = questions.len();
            for (index, tier) in questions {
                let Some(answer) = drill.twins.hop(index, tier) else { continue };
                let found = question.done(question.peers()?.confront(peer, &answer))?;
                if let Some(fork) = found {
                    let bytes = size(fork.encode().len());
                    drill.fork = Some(fork);
                    return Ok(((), format!("its answer to a question makes a fork of it, {bytes}")));
                }
            }
            Err(broken(format!("none of {asked} questions shows the fork")))
        })?;
        self.link("proof", |drill| match &drill.fork {
            Some(fork) if fork.is_for_anyone() && fork.check([]).is_ok() => {
                Ok(((), "the fork convinces anyone: it is checked from the genesis".to_owned()))
            }
            Some(_) => Err(broken("the fork can't be checked from the genesis")),
            None => Err(broken("there is no fork")),
        })?;
        if let Some(signal) = signal {
            self.link("signal", |drill| {
                let came = signal.wait(peer, PATIENCE)?;
                drill.signalled = Some(came);
                match came {
                    true => Ok(((), format!("the agent's signal ForkFound came, for {peer}"))),
                    false => Err(broken(format!("no signal ForkFound came for {peer} in {PATIENCE:?}"))),
                }
            })?;
        }
        self.link("kept", |drill| {
            let kept = question.done(question.peers()?.forks(Some(peer)))?;
            match kept.iter().any(|fork| fork.lineage() == drill.twins.lineage()) {
                true => Ok(((), "the fork is kept".to_owned())),
                false => Err(broken("the fork is not kept")),
            }
        })?;
        self.link("refused", |drill| {
            let challenge = drill.challenge()?;
            let proof = drill.twins.copy(&challenge)?;
            match drill.verify(&proof) {
                Err(failure) if failure.name == "Forked" => {
                    Ok(((), "the copy is refused from now on: Forked".to_owned()))
                }
                Err(failure) => Err(failure),
                Ok(()) => Err(broken("the copy is taken for the host after all")),
            }
        })
    }

    /// Removes peer and fork, also where the drill broke. Where no peer was made there may be a challenge.
    fn remove(&mut self) -> Result<(), Failure> {
        let question = self.question;
        if !self.links.iter().any(|(name, holds, _)| *name == "enrol" && *holds) {
            // what keeps it from being removed has kept the drill from more, and is told
            let _ = question.peers().map(|mut peers| peers.forget(question.peer));
            return Ok(());
        }
        self.link("remove", |drill| {
            question.done(question.peers()?.forget(question.peer))?;
            let left = question.done(question.peers()?.forks(None))?;
            match left.iter().any(|fork| fork.lineage() == drill.twins.lineage()) {
                false => Ok(((), format!("{} and its fork are removed", question.peer))),
                true => Err(broken("the fork is still kept: this verifier is of a version before drills")),
            }
        })
    }

    fn challenge(&self) -> Result<selfsame::Challenge, Failure> {
        let question = self.question;
        let options = ChallengeOptions::default();
        question.done(question.peers()?.challenge(question.peer, AUDIENCE, &options))
    }

    fn verify(&self, proof: &[u8]) -> Result<(), Failure> {
        let question = self.question;
        question.done(question.peers()?.verify(question.peer, proof, &Default::default(), false)).map(drop)
    }

    /// Tries a link of the chain, and tells whether it holds.
    fn link<T>(
        &mut self,
        name: &'static str,
        holds: impl FnOnce(&mut Self) -> Result<(T, String), Failure>,
    ) -> Result<T, Failure> {
        match holds(self) {
            Ok((value, text)) => {
                self.tell(Hue::Good, "ok", &text)?;
                self.links.push((name, true, text));
                Ok(value)
            }
            Err(failure) => {
                // what the failure itself says is told when all is over
                self.tell(Hue::Bad, "broken", name)?;
                self.links.push((name, false, failure.text.clone()));
                Err(failure)
            }
        }
    }

    /// Writes a line as it goes; in JSON all is told at the end.
    fn tell(&self, hue: Hue, word: &str, text: &str) -> Result<(), Failure> {
        if self.telling.json {
            return Ok(());
        }
        let word = self.telling.color.on_stdout().paint(hue, word) + &" ".repeat(WIDTH - word.len());
        let mut out = io::stdout().lock();
        match writeln!(out, "{word}{text}").and_then(|()| out.flush()) {
            // who closes the pipe has read enough; the drill goes on, and cleans up
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(system("the output", &error)),
            _ => Ok(()),
        }
    }

    /// What was tried, for programs.
    fn json(&self) -> Value {
        let links = self
            .links
            .iter()
            .map(|(name, holds, text)| json!({ "link": name, "holds": holds, "text": text }));
        json!({
            "peer": self.question.peer,
            "lineage": self.twins.lineage().to_string(),
            "works": self.links.iter().all(|(_, holds, _)| *holds),
            "links": links.collect::<Vec<_>>(),
            "fork_bytes": self.fork.as_ref().map(|fork| fork.encode().len()),
            "signalled": self.signalled,
        })
    }

    /// The failure that a broken link is. It is never an alarm: nobody was copied.
    fn broken(&self, failure: Failure) -> Failure {
        let code = match failure.code {
            Code::Alarm | Code::Usage | Code::Yes => Code::Refused,
            code => code,
        };
        let link = self.links.iter().find(|(_, holds, _)| !holds).map_or("", |(name, ..)| name);
        let left = match self.links.iter().any(|(name, holds, _)| *name == "remove" && !holds) {
            true => format!("; remove what is left of it: {}", self.question.command("forget", "")),
            false => String::new(),
        };
        let next = failure.next.as_deref().unwrap_or("`selfsame doctor` looks at all that the agent needs");
        let text = format!("the chain breaks at `{link}`: {}", failure.text);
        let evidence = Some(Box::new(Answer::new("", self.json())));
        Failure { evidence, check: failure.check, ..Failure::new(code, failure.name, text) }
            .next(format!("{next}{left}"))
    }
}

/// A link that does not hold, where nothing refused anything.
fn broken(text: impl Into<String>) -> Failure {
    Failure::new(Code::Refused, "DrillFailed", text).next(
        "an alarm that does not come is a bug, or a verifier of another version: please report it (`SECURITY.md`)",
    )
}

/// Columns of a line's first word.
const WIDTH: usize = 8;

/// How long the signal may take. It is sent before the call that finds the fork is answered.
const PATIENCE: Duration = Duration::from_secs(10);
