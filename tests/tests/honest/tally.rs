//! How often what happened.

use std::collections::BTreeMap;

/// What happens in worlds, and how often at least where ten thousand steps are made: a fifth of what is usual.
const SITUATIONS: [(&str, u64); 37] = [
    ("accepted", 800),
    ("accepted: overtaken by a newer one", 100),
    ("accepted: at the last tick of a challenge's life", 8),
    ("accepted: unjudged, as the clock was set back", 8),
    ("accepted: by wall time", 100),
    ("accepted: by the age clock", 100),
    ("accepted: the host lagged", 20),
    ("accepted: first meeting", 4),
    ("accepted: first proof after an introduction", 2),
    ("accepted: a new lineage, as the old one's successor", 2),
    ("accepted: was busy before", 8),
    ("accepted: issued by another process", 100),
    ("accepted: by the other relying party", 100),
    ("accepted: confirms a head of the other relying party's", 200),
    ("accepted: confirms more than 8 heads at once", 20),
    ("busy: more than 64 unconfirmed", 8),
    ("too late: 60 s are over", 20),
    ("dead: the challenge is used up", 10),
    ("dead: the challenge was fragile or dropped", 10),
    ("answer lost", 20),
    ("answers of one moment with others", 60),
    ("asked: more than 32 out for one peer", 60),
    ("introduction lost, its head never used", 6),
    ("introduction taken up", 4),
    ("introduction taken up a minute later or more", 2),
    ("introduction that replaces an anchor", 1),
    ("head handed out to somebody else", 8),
    ("host: suspended", 8),
    ("host: paused, its clock too", 6),
    ("host: reboots", 2),
    ("host: another lineage, says the host", 8),
    ("store: another lineage, says the store", 2),
    ("party: a process restarted", 12),
    ("party: rebooted", 3),
    ("party: clock set back", 4),
    ("party: forgets a peer", 1),
    ("long silence, an hour to two months", 5),
];

/// How often what happened.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub steps: u64,
    counts: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// This happened. What is not in the list may happen or not.
    pub fn happened(&mut self, situation: &'static str) {
        *self.counts.entry(situation).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        for (situation, count) in &other.counts {
            *self.counts.entry(situation).or_default() += count;
        }
    }

    /// Prints them, and fails where something happened too seldom to say anything.
    pub fn report(&self) {
        for (situation, count) in &self.counts {
            println!("| {situation} | {count} |");
        }
        for (situation, least) in SITUATIONS {
            let count = self.counts.get(situation).copied().unwrap_or_default();
            assert!(count >= least * self.steps / 10_000, "{situation}: only {count}");
        }
    }
}
