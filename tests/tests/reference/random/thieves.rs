//! Proofs of who copied a host's memory, in answer to challenges against what the host was before and after.

use selfsame::{Digest, LineageId, Wanted, hazmat};
use selfsame_tests::play::Thief;
use selfsame_tests::play::crafted::Says;

use super::agree::Case;
use super::dice::Dice;
use super::history::History;

/// The memory is copied, the host goes on, and the thief answers.
pub fn stolen(history: &mut History, count: usize, dice: &mut Dice) -> Vec<Case> {
    let thief = Thief::of(&history.host.lineage, "thief");
    if dice.once_in(2) {
        history.live(dice);
    }
    let mut thief = thief;
    for _ in 0..dice.below(4) {
        let index = thief.last().head.index + dice.up_to_bits(20);
        thief.moment(index);
    }
    let mut cases = vec![];
    for _ in 0..count {
        let (anchor, challenge) = history.challenge(dice);
        let last = challenge.start().max(thief.last().head.index);
        let before = thief.last().head.index;
        let index = last + dice.up_to_bits(30);
        let host = history.host.lineage.head();
        let mut lies = |says: &mut Says| {
            let tier = usize::from(hazmat::tier(before, says.index));
            match dice.below(12) {
                0 => says.lineage = LineageId::new(dice.hash()),
                1 if host.index < index => says.previous = host,
                2 => says.previous.digest = Digest::new(dice.hash()),
                3 => says.new_pledge(dice.below(16), "a lie"),
                4 => says.new_pledge(tier, "a lie"),
                5 => says.statements = None,
                _ => (),
            }
        };
        let proof = thief.answer_saying(&challenge, index, &mut lies);
        cases.push(Case { made: "thief", anchor, challenge, proof, wanted: Wanted::default() });
    }
    cases
}
