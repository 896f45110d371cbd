//! Section 7: what it takes to be accepted, by inputs that are choices, not messages.
//!
//! Half of them change the honest answer of a real lineage, anywhere in its structure: none of that may be accepted.
//! The others let somebody answer who has all secrets, and keep the rules or break them: what is accepted must be what
//! `rule`, which is written slowly from the specification, allows, and a refusal must change nothing.

mod alter;
mod choices;
mod crafting;
mod honest;
mod ledger;
mod merkle;
mod rule;
mod unchanged;

use selfsame::Refusal;

use choices::Choices;

/// What comes of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is accepted.
    Accepted,
    /// It is refused by check 7: there is a fork.
    Forked,
    /// It is refused by check 8.
    Contradiction,
    /// It is refused for any other reason.
    Refused,
}

impl Outcome {
    fn of<T>(taken: &Result<T, Refusal>) -> Self {
        match taken {
            Ok(_) => Self::Accepted,
            Err(Refusal::Forked { .. }) => Self::Forked,
            Err(Refusal::Contradiction { .. }) => Self::Contradiction,
            Err(_) => Self::Refused,
        }
    }
}

/// Any bytes as choices.
pub fn verify(data: &[u8]) {
    outcomes(data);
}

/// The same, and what came of each proof: one at least.
pub fn outcomes(data: &[u8]) -> Vec<Outcome> {
    let mut choices = Choices::new(data);
    if choices.below(2) == 0 { vec![honest::altered(&mut choices)] } else { crafting::crafted(&mut choices) }
}
