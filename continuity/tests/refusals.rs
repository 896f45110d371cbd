//! Each refusal, by what breaks just its rule: an otherwise right message that is made with real secrets, and the
//! same with the rule kept, which is accepted; and what is said and kept of what is accepted.

#[cfg(test)]
mod item;

#[cfg(test)]
mod refusals {
    mod challenges;
    mod contradictions;
    mod crafted;
    mod forks;
    mod hops;
    mod longest;
    mod party;
    mod peers;
    mod proofs;
    mod provers;
    mod table;
    mod times;
    mod verdicts;
}
