//! What changes or lists the peers without judging a proof: `challenge`, `meet`, `peers`, `forget`.

use std::path::Path;

use selfsame::{Introduction, Now};
use selfsame_store::{ChallengeOptions, Store, StoreError};
use serde_json::json;

use super::{Challenge, Meet};
use crate::answer::Answer;
use crate::clock;
use crate::exit::Code;
use crate::failure::{Failure, Question};
use crate::printable::printable;
use crate::quantity::utc;
use crate::text::{encode, malformed};

/// Issues a challenge. Makes the store, where there is none.
pub(super) fn challenge(asked: &Challenge, file: &Path) -> Result<Answer, Failure> {
    let Challenge { peer, audience, lineage, anew } = asked;
    let question = Question::of(file, peer);
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|error| Failure::system("no random bytes", &error))?;
    let options = ChallengeOptions { lineage: *lineage, anew: *anew };
    let now = now()?;
    let mut store = question.done(Store::open(file))?;
    let challenge = question.done(store.challenge(peer, audience, &nonce, &now, &options))?;
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
pub(super) fn meet(asked: &Meet, file: &Path) -> Result<Answer, Failure> {
    const WHAT: &str = "the introduction";
    let Meet { peer, introduction, replace } = asked;
    let question = Question::of(file, peer);
    let introduction = Introduction::parse(&introduction.message(WHAT)?)
        .map_err(|error| malformed(WHAT, &error.to_string()))?;
    let now = now()?;
    let mut store = question.done(Store::open(file))?;
    question.done(store.meet(peer, &introduction, &now, *replace))?;
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
pub(super) fn peers(file: &Path) -> Result<Answer, Failure> {
    let question = Question::of(file, "");
    let peers = question.done(question.open()?.peers())?;
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
pub(super) fn forget(peer: &str, file: &Path) -> Result<Answer, Failure> {
    let question = Question::of(file, peer);
    question.done(question.open()?.forget(peer))?;
    let text = format!("{}: forgotten", printable(peer));
    Ok(Answer::new(text, json!({ "peer": peer, "forgotten": true })))
}

impl Question<'_> {
    /// Opens the store that is there. A name that was mistyped must not make an empty one, in which every peer is
    /// unknown.
    pub(super) fn open(&self) -> Result<Store, Failure> {
        if !self.file.exists() {
            let text = format!("{}: there is no such store", self.file.display());
            return Err(Failure::new(Code::Unusable, "StoreUnavailable", text)
                .next("check the path; `challenge` and `meet` make a new store"));
        }
        self.done(Store::open(self.file))
    }

    /// What the store did, or why not.
    pub(super) fn done<T>(&self, outcome: Result<T, StoreError>) -> Result<T, Failure> {
        outcome.map_err(|error| Failure::of_store(&error, self))
    }
}

/// The verifier's clocks. They are read before the store is waited for.
pub(super) fn now() -> Result<Now, Failure> {
    clock::now().map_err(|error| Failure::system("no clock", &error))
}

/// Bytes of a nonce: 32 unless there is a reason (protocol section 7).
const NONCE_BYTES: usize = 32;

/// A challenge lives so long (protocol section 7).
const LIFE_MS: u64 = 60_000;
