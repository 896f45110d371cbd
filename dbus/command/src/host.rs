//! This host's side: what is asked of its agent, over D-Bus.

use clap::{Args, Subcommand};
use selfsame::Challenge;
use selfsame_dbus::{Bus, Bytes, Options, limits};
use serde_json::json;

use crate::answer::Answer;
use crate::bus::ask;
use crate::failure::Failure;
use crate::text::{Given, encode, malformed};

mod status;

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

/// Asks the agent on this bus.
///
/// # Errors
///
/// Where there is none, or it refuses.
pub(crate) fn run(command: &HostCommand, bus: &Bus) -> Result<Answer, Failure> {
    match command {
        HostCommand::Id => {
            let lineage = ask(bus, async |agent| agent.lineage().await)?;
            Ok(Answer { json: json!({ "lineage": lineage }), text: lineage })
        }
        HostCommand::Status => status::run(bus),
        HostCommand::Introduce => {
            let introduction = encode(&ask(bus, async |agent| agent.introduce().await)?);
            Ok(Answer { json: json!({ "introduction": introduction }), text: introduction })
        }
        HostCommand::Prove(prove) => prove.run(bus),
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
        let proof = encode(&ask(bus, async |agent| agent.prove(audience, challenge, payload, &none).await)?);
        Ok(Answer { json: json!({ "proof": proof }), text: proof })
    }
}
