//! The forks that are kept, and those that others found: `forks`.
//!
//! In JSON the list is `{"forks": […]}`, each `{"peer", "lineage", "for_anyone", "tier", "indices", "bytes", "fork"}`:
//! `peer` is null where who had the lineage is forgotten; `for_anyone`, whether it can be checked from the lineage's
//! id alone; `tier`, that of the pledge; `indices`, of the two moments that it was opened over; `bytes`, the fork's
//! size; `fork`, itself. With `--report` it is `{"peer", "lineage", "start", "new"}`: `start` says from where the fork
//! was checked, `genesis` or `held` (a moment that was accepted), and `new` whether none of the lineage was known.
//!
//! A fork that is taken in is code 0, also where it is new; one that `confront` finds is code 6. It is evidence that a
//! person brought, not an alarm that was found. From then on a proof of that lineage is the alarm.

use selfsame::{Fork, ForkStart};
use selfsame_store::ReportedFork;
use serde_json::{Value, json};

use super::Forks;
use crate::answer::Answer;
use crate::failure::{Failure, Question};
use crate::place::Place;
use crate::printable::printable;
use crate::quantity::size;
use crate::text::{Given, encode, malformed};

/// Lists forks, prints them, or takes in another's.
pub(super) fn forks(asked: &Forks, place: &Place<'_>) -> Result<Answer, Failure> {
    let Forks { peer, text, report } = asked;
    match report {
        Some(fork) => take(fork, place),
        None => list(peer.as_deref(), *text, place),
    }
}

/// The forks of a peer's present and past lineages, or all. They stand in the same order in the table and as texts.
fn list(peer: Option<&str>, as_text: bool, place: &Place<'_>) -> Result<Answer, Failure> {
    let question = Question::of(place, peer.unwrap_or_default());
    let mut known = question.peers()?;
    let forks = question.done(known.forks(peer))?;
    let peers: Result<Vec<_>, _> = forks.iter().map(|fork| known.whose(fork.lineage())).collect();
    let peers = question.done(peers)?;
    let list: Vec<_> = forks.iter().zip(&peers).map(|(fork, peer)| as_json(fork, peer.as_deref())).collect();
    let json = json!({ "forks": list });
    if forks.is_empty() {
        return Ok(match as_text {
            true => Answer::nothing("no forks", json),
            false => Answer::new("no forks", json),
        });
    }
    let names: Vec<_> =
        peers.iter().map(|peer| peer.as_deref().map_or_else(|| FORGOTTEN.to_owned(), printable)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let lines = forks.iter().zip(&names).map(|(fork, name)| match as_text {
        true => encode(&fork.encode()),
        false => line(fork, name, width),
    });
    Ok(Answer::new(lines.collect::<Vec<_>>().join("\n"), json))
}

/// Takes in a fork that somebody else found, where it shows one.
fn take(fork: &Given, place: &Place<'_>) -> Result<Answer, Failure> {
    const WHAT: &str = "the fork";
    let question = Question::of(place, "");
    let fork = Fork::parse(&fork.message(WHAT)?).map_err(|error| malformed(WHAT, &error.to_string()))?;
    let ReportedFork { peer, start, is_new } = question.done(question.peers()?.report_fork(&fork))?;
    let (start, from) = match start {
        ForkStart::Genesis => ("genesis", "the genesis: it convinces anyone"),
        ForkStart::Held => ("held", "a moment that was accepted of it"),
    };
    let lineage = fork.lineage().to_string();
    let known = if is_new { "from now on" } else { "as was known," };
    let text = format!(
        "{}: lineage {lineage} was copied: checked from {from}; {known} the lineage is never accepted again",
        printable(&peer)
    );
    Ok(Answer::new(text, json!({ "peer": peer, "lineage": lineage, "start": start, "new": is_new })))
}

/// A fork in one line.
fn line(fork: &Fork, name: &str, width: usize) -> String {
    let [first, second] = indices(fork);
    let (lineage, tier, bytes) = (fork.lineage(), tier(fork), size(fork.encode().len()));
    let whom_for = whom_for(fork);
    format!("{name:width$}  {lineage}  tier {tier}  index {first} and {second}  {whom_for}  {bytes}")
}

/// A fork for programs.
pub(super) fn as_json(fork: &Fork, peer: Option<&str>) -> Value {
    let bytes = fork.encode();
    json!({
        "peer": peer,
        "lineage": fork.lineage().to_string(),
        "for_anyone": fork.is_for_anyone(),
        "tier": tier(fork),
        "indices": indices(fork),
        "bytes": bytes.len(),
        "fork": encode(&bytes),
    })
}

/// Who can check it.
pub(super) fn whom_for(fork: &Fork) -> &'static str {
    if fork.is_for_anyone() { "for anyone" } else { "for who holds the moment that it starts from" }
}

/// The tier of the pledge: one for both hops, in a fork that was checked.
fn tier(fork: &Fork) -> u8 {
    let [first, _] = fork.hops();
    first.tier()
}

/// The indices of the two moments.
fn indices(fork: &Fork) -> [u64; 2] {
    fork.hops().each_ref().map(|hop| hop.moment().index())
}

/// What stands for the peer of a lineage that is no peer's any more.
const FORGOTTEN: &str = "(no peer)";
