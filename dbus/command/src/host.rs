//! This host's side: what is asked of its agent, over D-Bus.

use clap::{Args, Subcommand, value_parser};
use selfsame::{Challenge, HopAnswer, ParseError};
use selfsame_dbus::{Bus, Bytes, HopReply, Options, limits};
use serde_json::json;

use crate::answer::Answer;
use crate::bus::ask;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::text::{Given, encode, malformed};

mod audit;
mod diagnose;
mod doctor;
mod end;
mod status;

pub(crate) use status::Status;

/// What this host's agent is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// Print this host's lineage
    Id,
    /// Show how this host's agent is: lineage, age, sources of entropy, condition
    Status,
    /// Print an introduction of this host, for a relying party that has not met it, over a trusted channel
    Introduce,
    /// Answer a relying party's challenge: print the proof
    Prove(Prove),
    /// Answer a relying party's question after an alarm: print a hop of this host's own history, and the way to it
    ///
    /// The relying party's `questions` prints the lines to run; its `confront` takes what this prints. Where no such
    /// moment was made yet, or its opening is gone, that is NotKept (code 4): go on with the next question. With
    /// --json: {"answer": TEXT}.
    Hop(Hop),
    /// End this host's lineage for good, and begin another: for root
    ///
    /// The new lineage names this one; a relying party takes it only where a person there lets it. Asks first, on a terminal;
    /// an answer other than yes is code 1. With --json: {"ended": TEXT, "begun": TEXT}, where `begun` is null before a
    /// hibernation: there the next lineage begins when the machine is awake again.
    End(end::End),
    /// Show what this host was doing when a moment was made, and whether that is what the moment commits to
    ///
    /// For root and members of group selfsame. The agent keeps what it saw for an hour, in memory. Code 1 where the sample is
    /// not what the moment commits to.
    Audit(audit::Audit),
    /// Look at all that this host's agent needs, and say how to mend what is wrong
    ///
    /// One line a check: its state (ok, info, warn or fail), its name and what was found; below it what to do, where
    /// something is to be mended. Code 1 where a check fails. Where the bus has no agent, this runs `selfsame-agent
    /// diagnose`: the program that SELFSAME_AGENT names, or the one beside this, in PATH, or in /usr/sbin, /usr/libexec or
    /// /usr/local/sbin. With --json: {"checks": [{"check": TEXT, "state": TEXT, "finding": TEXT, "remedy": TEXT}, …]},
    /// where a remedy may be empty.
    Doctor,
}

/// Answer a relying party's challenge: print the proof
#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// Whom you mean to talk to: of the connection you opened, never of the challenge
    #[arg(long, value_name = "NAME")]
    audience: String,

    /// The challenge, as the relying party issued it
    #[arg(value_name = "CHALLENGE")]
    challenge: Given,

    /// What the statement is to carry, byte for byte: a text, `@FILE` or `-`; at most 4,096 bytes
    #[arg(long, value_name = "PAYLOAD")]
    payload: Option<Given>,
}

/// Answer a relying party's question for a hop.
#[derive(Debug, Args)]
pub(crate) struct Hop {
    /// The hop is to the first moment after this index of the tier or more; below 2^63
    #[arg(value_parser = value_parser!(u64).range(..=limits::INDEX_MAX))]
    index: u64,

    /// The tier of the pledge that it opens, 0 to 15
    #[arg(value_parser = value_parser!(u8).range(..=i64::from(limits::TIER_MAX)))]
    tier: u8,
}

/// Asks the agent on this bus.
///
/// # Errors
///
/// Where there is none, or it refuses.
pub(crate) fn run(command: &HostCommand, bus: &Bus) -> Result<Answer, Failure> {
    match command {
        HostCommand::Id => {
            let lineage = ask(bus, async |agent| agent.lineage().await)?;
            Ok(Answer::new(lineage.clone(), json!({ "lineage": lineage })))
        }
        HostCommand::Status => status::run(bus),
        HostCommand::Introduce => {
            let introduction = encode(&ask(bus, async |agent| agent.introduce().await)?);
            Ok(Answer::new(introduction.clone(), json!({ "introduction": introduction })))
        }
        HostCommand::Prove(prove) => prove.run(bus),
        HostCommand::Hop(hop) => hop.run(bus),
        HostCommand::End(end) => end.run(bus),
        HostCommand::Audit(audit) => audit.run(bus),
        HostCommand::Doctor => doctor::run(bus),
    }
}

impl Prove {
    fn run(&self, bus: &Bus) -> Result<Answer, Failure> {
        let Self { audience, challenge, payload } = self;
        if challenge.is_stdin() && payload.as_ref().is_some_and(Given::is_stdin) {
            return Err(Failure::usage("challenge and payload can't both be standard input"));
        }
        if !limits::AUDIENCE_BYTES.contains(&audience.len()) {
            return Err(Failure::usage(format!("audience of {} bytes: 1 to 255", audience.len())));
        }
        let challenge = challenge.message("the challenge")?;
        Challenge::parse(&challenge).map_err(|error| malformed("the challenge", &error.to_string()))?;
        let payload = match payload {
            Some(payload) => payload.bytes("the payload", limits::PAYLOAD_MAX_BYTES)?,
            None => Vec::new(),
        };
        let (challenge, payload, none) = (Bytes::new(&challenge), Bytes::new(&payload), Options::new());
        let _shown = Progress::of("waiting for the proof");
        let proof = encode(&ask(bus, async |agent| agent.prove(audience, challenge, payload, &none).await)?);
        Ok(Answer::new(proof.clone(), json!({ "proof": proof })))
    }
}

impl Hop {
    fn run(&self, bus: &Bus) -> Result<Answer, Failure> {
        let Self { index, tier } = *self;
        let _shown = Progress::of("waiting for the hop, and the way to it");
        // with the way: only so can the fork that it may show convince anyone (protocol section 7)
        let HopReply { hop, way } = ask(bus, async |agent| agent.hop(index, tier, true).await)?;
        let answer = || {
            let way = way.iter().map(|hop| selfsame::Hop::parse(hop)).collect::<Result<_, _>>()?;
            Ok(HopAnswer { hop: selfsame::Hop::parse(&hop)?, way })
        };
        let answer = answer().map_err(|error: ParseError| {
            Failure::unexpected(&format!("the agent's answer is malformed: {error}"))
        })?;
        let text = encode(&answer.encode());
        Ok(Answer::new(text.clone(), json!({ "answer": text })))
    }
}
