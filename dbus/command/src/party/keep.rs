//! What changes or lists the peers without judging a proof: `challenge`, `meet`, `peers`, `forget`.

use selfsame::Introduction;
use selfsame_store::ChallengeOptions;
use serde_json::json;

use super::{Challenge, Meet};
use crate::answer::Answer;
use crate::clock;
use crate::failure::{Failure, Question};
use crate::place::Place;
use crate::printable::printable;
use crate::quantity::utc;
use crate::text::{encode, malformed};

/// Issues a challenge. Makes the store, where there is none.
pub(super) fn challenge(asked: &Challenge, place: &Place<'_>) -> Result<Answer, Failure> {
    let Challenge { peer, audience, lineage, anew } = asked;
    let question = Question::of(place, peer);
    let options = ChallengeOptions { lineage: *lineage, anew: *anew };
    // before it is issued: it is told to live rather too short than too long
    let now = clock::now().map_err(|error| Failure::system("no clock", &error))?;
    let challenge = question.done(question.peers_or_new()?.challenge(peer, audience, &options))?;
    let text = encode(challenge.as_bytes());
    let json = json!({
        "peer": peer,
        "audience": audience,
        "challenge": text,
        "lineage": challenge.lineage().map(ToString::to_string),
        "since": challenge.start(),
        "anew": anew,
        "expires_ms": now.wall_ms.saturating_add(LIFE_MS),
    });
    Ok(Answer::new(text, json))
}

/// Takes an introduction. Makes the store, where there is none.
pub(super) fn meet(asked: &Meet, place: &Place<'_>) -> Result<Answer, Failure> {
    const WHAT: &str = "the introduction";
    let Meet { peer, introduction, replace } = asked;
    let question = Question::of(place, peer);
    let introduction = Introduction::parse(&introduction.message(WHAT)?)
        .map_err(|error| malformed(WHAT, &error.to_string()))?;
    question.done(question.peers_or_new()?.meet(peer, &introduction, *replace))?;
    let anchor = introduction.anchor();
    let (lineage, index) = (anchor.lineage().to_string(), anchor.index());
    let text = format!(
        "{}: met as lineage {lineage}, at index {index}; on the introduction's word, until a proof confirms it",
        printable(peer)
    );
    let json = json!({ "peer": peer, "lineage": lineage, "index": index, "replaced": replace });
    Ok(Answer::new(text, json))
}

/// Lists the peers.
pub(super) fn peers(place: &Place<'_>) -> Result<Answer, Failure> {
    let question = Question::of(place, "");
    let peers = question.done(question.peers()?.peers())?;
    let width = peers.iter().map(|peer| printable(&peer.name).chars().count()).max().unwrap_or(0);
    let lines = peers.iter().map(|peer| {
        let (name, met) = (printable(&peer.name), utc(peer.met_wall_ms));
        format!("{name:width$}  {}  index {}  met {met}", peer.lineage, peer.index)
    });
    let text = match peers.len() {
        0 => "no peers".to_owned(),
        _ => lines.collect::<Vec<_>>().join("\n"),
    };
    let peers: Vec<_> = peers
        .iter()
        .map(|peer| {
            json!({
                "peer": peer.name,
                "lineage": peer.lineage.to_string(),
                "index": peer.index,
                "met_ms": peer.met_wall_ms,
            })
        })
        .collect();
    Ok(Answer::new(text, json!({ "peers": peers })))
}

/// Forgets a peer.
pub(super) fn forget(peer: &str, place: &Place<'_>) -> Result<Answer, Failure> {
    let question = Question::of(place, peer);
    question.done(question.peers()?.forget(peer))?;
    let text = format!("{}: forgotten", printable(peer));
    Ok(Answer::new(text, json!({ "peer": peer, "forgotten": true })))
}

/// A challenge lives so long (protocol section 7).
const LIFE_MS: u64 = 60_000;
