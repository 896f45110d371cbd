//! What is checked of a message where nothing but itself is at hand, and what only others can check.
//!
//! The names are those of the protocol's checks (section 7): what holds here holds there, too.

use selfsame::{Fork, ForkRefusal, Genesis, Hop, HopAnswer, Introduction, ParseError, Proof, hazmat};
use serde_json::{Value, json};

use super::kind::Kind;

/// A check, and what came of it.
#[derive(Debug)]
pub(super) struct Check {
    name: &'static str,
    /// None: it can't be made here.
    holds: Option<bool>,
    text: String,
}

fn held(name: &'static str, text: impl Into<String>) -> Check {
    Check { name, holds: Some(true), text: text.into() }
}

fn failed(name: &'static str, text: impl Into<String>) -> Check {
    Check { name, holds: Some(false), text: text.into() }
}

fn open(name: &'static str, text: impl Into<String>) -> Check {
    Check { name, holds: None, text: text.into() }
}

fn of_whether(name: &'static str, holds: bool, yes: &str, no: &str) -> Check {
    if holds { held(name, yes) } else { failed(name, no) }
}

/// What is checked of a message that is well-formed.
///
/// # Errors
///
/// Why it is not.
pub(super) fn of(kind: Kind, bytes: &[u8]) -> Result<Vec<Check>, ParseError> {
    let mut checks = vec![held(
        "form",
        "it is the one form of its content, in size, keys, order and types (sections 5 to 7)",
    )];
    match kind {
        Kind::Challenge => checks.push(open(
            "issuer",
            "whoever has a name can write a challenge: the host's caller names the audience that it means, and the agent \
             compares",
        )),
        Kind::Proof => proof(&Proof::parse(bytes)?, &mut checks),
        Kind::Genesis => checks.push(held("lineage", "its digest is the lineage's id: it can't be another's")),
        Kind::Moment => checks.push(open(
            "origin",
            "that the host made it, only an opening of a pledge before it shows: it takes a hop from a moment that is known",
        )),
        Kind::Introduction => introduction(&Introduction::parse(bytes)?, &mut checks),
        Kind::Fork => fork(&Fork::parse(bytes)?, &mut checks),
        Kind::Hop => checks.push(opening()),
        Kind::HopAnswer => answer(&HopAnswer::parse(bytes)?, &mut checks),
    }
    Ok(checks)
}

fn proof(proof: &Proof, checks: &mut Vec<Check>) {
    let moments = || proof.hops().iter().map(Hop::moment);
    checks.push(of_whether(
        "2 lineage",
        moments().all(|moment| moment.lineage() == proof.lineage()),
        "all its moments are of the lineage that it names",
        "a moment is of another lineage than the proof",
    ));
    let since = proof.since();
    match (since, proof.genesis()) {
        (0, Some(genesis)) => {
            checks.push(genesis_of(genesis, proof.lineage()));
            checks.push(match hazmat::walk(genesis, proof.hops()) {
                Ok(_) => held(
                    "3 hops",
                    "each opens the pledge that stands before it, from the genesis to the head",
                ),
                Err((number, why)) => failed("3 hops", format!("hop {number} does not follow: {why}")),
            });
        }
        (0, None) => checks.push(failed("4 genesis", "it starts from the genesis, and has none")),
        (_, Some(_)) => checks.push(failed("4 genesis", "it does not start from the genesis, and has one")),
        (since, None) => checks.push(open(
            "3 hops",
            format!(
                "that they open what stands before them, only who holds the moment of index {since} can tell"
            ),
        )),
    }
    checks.push(way(proof));
    checks.push(of_whether(
        "5 statement",
        hazmat::is_in_head(proof),
        "it is in the head moment: no other statement could be",
        "it is not in the head moment",
    ));
    checks.push(open(
        "5 challenge",
        "that it is the one that was issued, and still out, only who issued it can tell",
    ));
    checks.push(open("6 time", "only who issued the challenge has the clock that it is held against"));
    checks.push(open(
        "7, 8 history",
        "whether it parts from what was accepted before, only who accepted that can tell",
    ));
}

/// The rule that leaves a proof's hops no choice (section 4): it needs no moment but their indices.
fn way(proof: &Proof) -> Check {
    const NAME: &str = "3 tiers";
    let head = proof.head().map_or(0, selfsame::Moment::index);
    let Some(gap) = head.checked_sub(proof.since()) else {
        return failed(NAME, "its head is not younger than where it starts");
    };
    let mut from = proof.since();
    for (number, hop) in (1..).zip(proof.hops()) {
        let (to, tier) = (hop.moment().index(), hazmat::cap(gap).min(hazmat::tier(from, head)));
        if to <= from || to > head {
            return failed(NAME, format!("hop {number} leads from index {from} to {to}, the head is {head}"));
        }
        if hop.tier() != tier {
            return failed(NAME, format!("hop {number} is of tier {}, the one way has {tier}", hop.tier()));
        }
        from = to;
    }
    held(NAME, "its hops are the one way there is, none above what the gap allows")
}

fn genesis_of(genesis: &Genesis, lineage: &selfsame::LineageId) -> Check {
    of_whether(
        "4 genesis",
        genesis.lineage() == *lineage,
        "its digest is the lineage",
        "its digest is another lineage",
    )
}

fn introduction(introduction: &Introduction, checks: &mut Vec<Check>) {
    checks.push(match introduction.moment() {
        Some(_) => held("lineage", "its moment is of the lineage that its genesis's digest is"),
        None => held("lineage", "it is the genesis itself, whose digest is the lineage"),
    });
    checks.push(open(
        "channel",
        "whether it comes from the host that you mean, only the channel tells over which it came",
    ));
}

fn fork(fork: &Fork, checks: &mut Vec<Check>) {
    checks.push(match fork.check([]) {
        Ok(_) => held(
            "fork",
            "the genesis is the lineage's, the way leads from it to one moment, and both hops open one pledge of that over \
             two moments",
        ),
        Err(ForkRefusal::NoStart) => {
            open("fork", "it has no genesis: only who accepted the moment that it starts from can check it")
        }
        Err(why) => failed("fork", why.to_string()),
    });
    let [first, second] = fork.hops();
    checks.push(of_whether(
        "tiers",
        first.tier() == second.tier(),
        "both hops open pledges of one tier",
        "the hops open pledges of two tiers",
    ));
    checks.push(of_whether(
        "moments",
        first.moment() != second.moment(),
        "the moments differ",
        "both moments are the same: that is no fork",
    ));
}

fn opening() -> Check {
    open(
        "3 opening",
        "which pledge it opens, only who has the moment that it starts from, and the lineage's salt, can tell",
    )
}

fn answer(answer: &HopAnswer, checks: &mut Vec<Check>) {
    let lineage = answer.hop.moment().lineage();
    checks.push(of_whether(
        "lineage",
        answer.way.iter().all(|hop| hop.moment().lineage() == lineage),
        "hop and way are of one lineage",
        "hop and way are of two lineages",
    ));
    checks.push(opening());
}

/// For people: a mark, the check, and what came of it.
pub(super) fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let lines = checks.iter().map(|Check { name, holds, text }| {
        let mark = match holds {
            Some(true) => "holds",
            Some(false) => "fails",
            None => "open",
        };
        format!("{mark:5}  {name:width$}  {text}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// For programs.
pub(super) fn json(checks: &[Check]) -> Value {
    checks
        .iter()
        .map(|Check { name, holds, text }| json!({ "check": name, "holds": holds, "text": text }))
        .collect()
}
