//! `audit`: what this host was doing when a moment was made, held against what that moment commits to.
//!
//! A moment carries `H("sample", blind ‖ sample)` alone (protocol section 5), so that nobody who has it learns what the host
//! was doing; the agent keeps sample and blind for an hour. Here the commitment is made again from both.

use std::time::Duration;

use clap::{Args, value_parser};
use selfsame::{Behaviour, Moment};
use selfsame_dbus::{AuditReply, Bus, CallError, Error, Identity1Proxy, limits};
use selfsame_store::{ms_of_ticks, span};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::answer::Answer;
use crate::bus::ask;
use crate::exit::Code;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::quantity::{size, utc};
use crate::table::Table;
use crate::text::{encode, hex};

mod sample;

use sample::Sample;

/// Show what this host was doing when a moment was made.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// The moment's index [default: that of the newest moment that has a sample]
    #[arg(value_parser = value_parser!(u64).range(1..=limits::INDEX_MAX))]
    index: Option<u64>,
}

impl Audit {
    pub(super) fn run(&self, bus: &Bus) -> Result<Answer, Failure> {
        let _shown = Progress::of("waiting for a moment with a sample");
        let reply = ask(bus, async |agent| match self.index {
            Some(index) => agent.audit(index).await,
            None => newest(&agent).await,
        });
        let reply = reply.map_err(not_kept)?;
        let body = Moment::parse(&reply.body)
            .map_err(|error| Failure::unexpected(&format!("the agent's answer is malformed: {error}")))?;
        if let Some(index) = self.index.filter(|index| *index != body.index()) {
            let text = format!("the agent's answer is of index {}, not of {index}", body.index());
            return Err(Failure::unexpected(&text));
        }
        answer(&body, &reply)
    }
}

/// The newest moment that has a sample. Of a host that makes many proofs that may not be the newest of all: then the next
/// beats are waited for.
async fn newest(agent: &Identity1Proxy<'_>) -> Result<AuditReply, CallError> {
    let (began, mut tried) = (Instant::now(), None);
    loop {
        let index = agent.index().await?;
        if tried.replace(index) != Some(index) {
            match agent.audit(index).await {
                Err(CallError::Refused(Error::NotKept(_), _)) if began.elapsed() < PATIENCE => {}
                found => return found,
            }
        }
        sleep(BETWEEN).await;
    }
}

fn answer(moment: &Moment, reply: &AuditReply) -> Result<Answer, Failure> {
    let malformed = |what| Failure::unexpected(&format!("the agent's answer is malformed: {what}"));
    let blind: &[u8; 32] =
        reply.blind.as_slice().try_into().map_err(|_| malformed("the blind is not of 32 bytes"))?;
    let behaviour = moment.evidence().fields().behaviour;
    let commitment = behaviour.and_then(|behaviour| behaviour.commitment);
    let commitment = commitment.ok_or_else(|| malformed("the moment commits to no sample"))?;
    let found = Behaviour::commitment_to(blind, &reply.sample);
    let holds = found == commitment;
    let sample = Sample::parse(&reply.sample);

    let (drift, samples) = (
        behaviour.and_then(|behaviour| behaviour.drift).map(|drift| drift as f64 / 1000.0),
        behaviour.and_then(|behaviour| behaviour.samples),
    );
    let mut table = Table::default();
    let age = span(ms_of_ticks(moment.index()));
    table
        .row("moment", format!("index {} (age {age}), {}", moment.index(), utc(moment.wall_ms())))
        .row("digest", moment.digest().to_string())
        .row("commitment", commitment.to_string());
    let verdict = match holds {
        true => "holds: blind and sample hash to it".to_owned(),
        false => format!("DOES NOT HOLD: blind and sample hash to {found}"),
    };
    table.row("", verdict);
    if let Some(drift) = drift {
        let among = samples.map_or_else(String::new, |samples| format!(", after {samples} samples"));
        table.row("drift", format!("{drift:.3} of 1{among}"));
    }
    table.row("sample", size(reply.sample.len()));
    let shown = match &sample {
        Ok(sample) => sample.lines().join("\n"),
        Err(why) => format!("  it can't be decoded by this version: {why}"),
    };
    let json = json!({
        "lineage": moment.lineage().to_string(),
        "index": moment.index(),
        "digest": moment.digest().to_string(),
        "made_ms": moment.wall_ms(),
        "commitment": commitment.to_string(),
        "holds": holds,
        "blind": hex(blind),
        "sample": encode(&reply.sample),
        "samples": samples,
        "drift": drift,
        "reading": sample.ok().map(|sample| sample.json()),
    });
    let answer = Answer::new(format!("{}\n{shown}", table.text()), json);
    Ok(if holds { answer } else { answer.with_code(Code::Refused) })
}

/// Why there is none, in words of this command.
fn not_kept(failure: Failure) -> Failure {
    if failure.name != "NotKept" {
        return failure;
    }
    failure.next(
        "samples are kept for an hour, in the agent's memory, and a moment has one where its evidence has a commitment \
         (`selfsame inspect`). Without INDEX the newest is shown",
    )
}

/// How often it is asked whether there is a newer moment.
const BETWEEN: Duration = Duration::from_millis(100);

/// How long the next beat is waited for: some of the default beat of 8 s.
const PATIENCE: Duration = Duration::from_secs(20);
