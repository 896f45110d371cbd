//! What a message comes to: digests, where it starts and leads, and what it does not show.

use selfsame::{
    Challenge, Fork, ForkRefusal, Genesis, Hop, HopAnswer, Introduction, Moment, ParseError, Proof,
};
use selfsame_store::{ms_of_ticks, span};
use serde_json::{Value, json};

use super::kind::Kind;

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
            let mut facts = vec![text("lineage", found.moment().lineage().to_string())];
            facts.extend(hop(&found));
            facts.push(("way", format!("{} hops", way.len()), json!(way.len())));
            facts.push(text("shows", ANSWER_SHOWS));
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
    let lineage = fork.lineage();
    let checked = fork.check([]);
    let shows = match &checked {
        Ok(_) => format!("that lineage {lineage} was copied: checked from the genesis, a proof for anyone"),
        Err(ForkRefusal::NoStart) => FOR_A_HOLDER.to_owned(),
        Err(why) => format!("nothing, it is no fork: {why}"),
    };
    let [first, second] = fork.hops().each_ref().map(|hop| hop.moment());
    let [first_tier, second_tier] = fork.hops().each_ref().map(|hop| hop.tier());
    let opens = if first_tier == second_tier {
        format!("the pledge of tier {first_tier}, twice")
    } else {
        format!("pledges of tiers {first_tier} and {second_tier}")
    };
    vec![
        ("shows", shows, json!(checked.is_ok())),
        text("lineage", lineage.to_string()),
        ("opens", opens, json!([first_tier, second_tier])),
        age("first index", first.index()),
        text("first moment", first.digest().to_string()),
        age("second index", second.index()),
        text("second moment", second.digest().to_string()),
        ("way", format!("{} hops", fork.way().len()), json!(fork.way().len())),
    ]
}

/// What an answer to a question is worth.
const ANSWER_SHOWS: &str =
    "nothing by itself: who asked for it holds it against what was accepted: `confront`";

/// What a fork without its genesis is worth.
const FOR_A_HOLDER: &str = "nothing by itself: it has no genesis, and only who holds the moment that it starts from can \
                            check it: `forks --report`";
