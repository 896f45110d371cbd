//! What a thief has: the secrets of a copy of memory, by the pledges that they open.

use std::collections::BTreeMap;

use selfsame::{Anchor, Genesis, Lineage, Memory, Moment, Pledge, Salt, Secret, hazmat};
use selfsame_tests::play::crafted::Made;

/// All secrets that stood in a host's memory, by the pledges that they open.
#[derive(Clone, Debug)]
pub struct Loot {
    salt: Salt,
    secrets: BTreeMap<[u8; 32], [u8; 32]>,
}

impl Loot {
    /// What opens the pledges that stand, and those of the next moment where they were made ahead.
    pub fn of<M: Memory>(lineage: &Lineage<M>) -> Self {
        let mut loot = Self::but_for_what_is_ahead(lineage);
        loot.add(hazmat::ahead(lineage.memory().secrets()));
        loot
    }

    /// What opens the pledges that stand.
    pub fn but_for_what_is_ahead<M: Memory>(lineage: &Lineage<M>) -> Self {
        let mut loot = Self { salt: *lineage.genesis().salt(), secrets: BTreeMap::new() };
        loot.add(hazmat::pending(lineage.memory().secrets()));
        loot
    }

    fn add(&mut self, secrets: &[Secret]) {
        for secret in secrets {
            let pledge = hazmat::pledge(secret, &self.salt);
            self.secrets.insert(*pledge.as_bytes(), *secret.expose());
        }
    }

    /// Whether it can open this pledge.
    pub fn opens(&self, pledge: &Pledge) -> bool {
        self.secrets.contains_key(pledge.as_bytes())
    }

    /// The tiers at which it can open what stands after a moment, ascending.
    pub fn tiers(&self, moment: &Made) -> Vec<u8> {
        (0..).zip(&moment.pledges).filter(|(_, pledge)| self.opens(pledge)).map(|(tier, _)| tier).collect()
    }

    /// A moment of the host as this thief has it: with the secrets that it has, and guesses for the others.
    pub fn on(&self, moment: &Made) -> Made {
        let mut known = moment.clone();
        for (secret, pledge) in known.secrets.iter_mut().zip(&known.pledges) {
            *secret = self.secrets.get(pledge.as_bytes()).copied().unwrap_or([0xee; 32]);
        }
        known
    }
}

/// A moment as everyone knows it: without secrets.
pub fn public(genesis: &Genesis, moment: &Moment) -> Made {
    let (head, body, pledges) = (moment.head(), moment.body().to_vec(), *moment.pledges());
    Made { head, body, pledges, ..public_genesis(genesis) }
}

/// A genesis as everyone knows it.
pub fn public_genesis(genesis: &Genesis) -> Made {
    Made {
        lineage: genesis.lineage(),
        salt: *genesis.salt(),
        head: Anchor::of_genesis(genesis).head(),
        body: genesis.body().to_vec(),
        pledges: *genesis.pledges(),
        secrets: [[0; 32]; 16],
        genesis: genesis.body().to_vec(),
    }
}
