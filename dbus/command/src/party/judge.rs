//! `verify`: judging a known peer's proof.

use std::path::Path;

use selfsame::{Policy, Wanted};

use super::Verify;
use super::keep::now;
use super::verdict::Told;
use crate::answer::Answer;
use crate::failure::{Failure, Question};
use crate::printable::printable;

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
