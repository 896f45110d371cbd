//! What a message comes to: digests, where it starts and leads, and what it does not show.

use selfsame::{
    Challenge, Fork, ForkRefusal, Genesis, Hop, HopAnswer, Introduction, Moment, ParseError, Proof,
};
use serde_json::{Value, json};

use super::kind::Kind;
use crate::quantity::{ms_of_ticks, span};

/// One fact: its name, how a person reads it, and what it is in JSON.
pub(super) type Fact = (&'static str, String, Value);

/// The facts of a message.
///
/// # Errors
///
/// Why the bytes are not well-formed.
pub(super) fn of(kind: Kind, bytes: &[u8]) -> Result<Vec<Fact>, ParseError> {
    Ok(match kind {
        Kind::Challenge => challenge(&Challenge::parse(bytes)?),
        Kind::Proof => proof(&Proof::parse(bytes)?),
        Kind::Genesis => vec![text("lineage", Genesis::parse(bytes)?.lineage().to_string())],
        Kind::Moment => moment(&Moment::parse(bytes)?),
        Kind::Introduction => introduction(&Introduction::parse(bytes)?),
        Kind::Fork => fork(&Fork::parse(bytes)?),
        Kind::Hop => hop(&Hop::parse(bytes)?),
        Kind::HopAnswer => {
            let HopAnswer { hop: found, way } = HopAnswer::parse(bytes)?;
            let mut facts = hop(&found);
            facts.push(("way", format!("{} hops", way.len()), json!(way.len())));
            facts
        }
    })
}

fn text(name: &'static str, text: impl Into<String>) -> Fact {
    let text = text.into();
    (name, text.clone(), json!(text))
}

fn age(name: &'static str, index: u64) -> Fact {
    (name, format!("{index} (age {})", span(ms_of_ticks(index))), json!(index))
}

fn challenge(challenge: &Challenge) -> Vec<Fact> {
    let asks = match (challenge.lineage(), challenge.start()) {
        (None, _) => "whoever comes, from the genesis".to_owned(),
        (Some(_), 0) => "this lineage, from the genesis".to_owned(),
        (Some(_), start) => format!("this lineage, from index {start} on"),
    };
    vec![text("digest", challenge.digest().to_string()), text("asks", asks)]
}

fn proof(proof: &Proof) -> Vec<Fact> {
    let head = proof.head().map_or(0, Moment::index);
    let gap = ms_of_ticks(head.saturating_sub(proof.since()));
    vec![
        age("head", head),
        ("gap", format!("{} since {}", span(gap), start(proof.since())), json!(gap)),
        ("hops", proof.hops().len().to_string(), json!(proof.hops().len())),
        text(
            "shows",
            "it is well-formed; whether it is right, only who issued its challenge can tell: `verify`",
        ),
    ]
}

fn start(index: u64) -> String {
    if index == 0 { "the genesis".to_owned() } else { format!("index {index}") }
}

fn moment(moment: &Moment) -> Vec<Fact> {
    let tier = moment.tier();
    vec![
        text("digest", moment.digest().to_string()),
        ("tier", format!("{tier}: it opens and replaces the pledges of tiers 0 to {tier}"), json!(tier)),
    ]
}

fn introduction(introduction: &Introduction) -> Vec<Fact> {
    let anchor = introduction.anchor();
    vec![
        text("lineage", anchor.lineage().to_string()),
        age("index", anchor.index()),
        text("digest", anchor.head().digest.to_string()),
        text("shows", "nothing by itself: it is worth what the channel is worth over which it came"),
    ]
}

fn hop(hop: &Hop) -> Vec<Fact> {
    let mut facts = vec![("opens", format!("the pledge of tier {}", hop.tier()), json!(hop.tier()))];
    facts.push(age("to", hop.moment().index()));
    facts.extend(moment(hop.moment()));
    facts
}

fn fork(fork: &Fork) -> Vec<Fact> {
    let [first, second] = fork.hops().each_ref().map(|hop| hop.moment().digest().to_string());
    let checked = fork.check([]);
    let shows = match &checked {
        Ok(_) => "a fork, checked from its genesis: this lineage was copied".to_owned(),
        Err(ForkRefusal::NoStart) => {
            "it has no genesis: only who holds the moment that it starts from can check it".to_owned()
        }
        Err(why) => format!("no fork: {why}"),
    };
    vec![
        ("shows", shows, json!(checked.is_ok())),
        text("first moment", first),
        text("second moment", second),
        ("way", format!("{} hops", fork.way().len()), json!(fork.way().len())),
    ]
}
