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

use choices::Choices;

/// Any bytes as choices.
pub fn verify(data: &[u8]) {
    let mut choices = Choices::new(data);
    if choices.below(2) == 0 { honest::altered(&mut choices) } else { crafting::crafted(&mut choices) }
}
