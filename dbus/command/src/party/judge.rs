//! `verify`: judging a known peer's proof.

use selfsame::Wanted;

use super::Verify;
use super::verdict::Told;
use crate::answer::Answer;
use crate::failure::{Failure, Question};
use crate::place::Place;
use crate::printable::printable;
use crate::progress::Progress;

/// Verifies a proof.
pub(super) fn verify(asked: &Verify, place: &Place<'_>) -> Result<Answer, Failure> {
    let Verify { peer, proof, uid, unit, app, pass_time } = asked;
    let question = Question::of(place, peer);
    let proof = proof.message("the proof")?;
    let wanted = Wanted { uid: *uid, unit: unit.clone(), app: app.clone() };
    let _shown = Progress::of("checking the proof");
    let found = question.done(question.peers()?.verify(peer, &proof, &wanted, *pass_time))?;
    Ok(Told::of(&found, &format!("{}: yes, the same host", printable(peer))).answer())
}
