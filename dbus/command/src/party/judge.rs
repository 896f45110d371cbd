//! What judges a proof: `enrol` and `verify`.

use std::path::Path;

use selfsame::{Policy, Wanted};
use selfsame_store::{EnrolOptions, Enrolment};
use serde_json::json;

use super::keep::now;
use super::verdict::Told;
use super::{Enrol, Verify};
use crate::answer::Answer;
use crate::failure::{Failure, Question};
use crate::printable::printable;
use crate::quantity::span;

/// Enrols a peer.
pub(super) fn enrol(asked: &Enrol, file: &Path) -> Result<Answer, Failure> {
    let Enrol { peer, proof, dry_run } = asked;
    let question = Question::of_first(file, peer);
    let proof = proof.message("the proof")?;
    let options = EnrolOptions { dry_run: *dry_run, ..EnrolOptions::default() };
    let now = now()?;
    let mut store = question.open()?;
    let enrolment = question.done(store.enrol(peer, &proof, &now, &options))?;
    let done = if *dry_run { "would be enrolled (nothing has changed)" } else { "enrolled" };
    let mut told = Told::of(&enrolment.verdict, &format!("{}: {done}", printable(peer)));
    let Enrolment { reason, predecessor, tpm_resets, silent_ms, .. } = enrolment;
    let predecessor = predecessor.map(|before| before.lineage.to_string());
    told.add("origin", reason.as_str().to_owned(), "reason", json!(reason.as_str()));
    if let Some(before) = predecessor {
        told.add("predecessor", before.clone(), "predecessor", json!(before));
    }
    if let Some(resets) = tpm_resets {
        told.add("TPM resets", format!("{resets} since it was last met"), "tpm_resets", json!(resets));
    }
    if let Some(silent) = silent_ms {
        told.add("silent for", span(silent), "silent_ms", json!(silent));
    }
    told.set("dry_run", json!(dry_run));
    Ok(told.answer())
}

/// Verifies a proof.
pub(super) fn verify(asked: &Verify, file: &Path) -> Result<Answer, Failure> {
    let Verify { peer, proof, uid, unit, app, pass_time } = asked;
    let question = Question::of(file, peer);
    let proof = proof.message("the proof")?;
    let policy = Policy {
        wanted: Wanted { uid: *uid, unit: unit.clone(), app: app.clone() },
        pass_time: *pass_time,
        ..Policy::default()
    };
    let now = now()?;
    let mut store = question.open()?;
    let verdict = question.done(store.verify(peer, &proof, &now, &policy))?;
    Ok(Told::of(&verdict, &format!("{}: yes, the same host", printable(peer))).answer())
}
