//! A thief's moments, with pledges that it made beforehand: making them anew for each would take all the time.

use std::array;
use std::sync::LazyLock;

use selfsame::hazmat::{self, Purpose};
use selfsame::{Digest, Head, Pledge, Salt, Secret};
use selfsame_tests::play::crafted::{self, Made};
use selfsame_tests::play::item::{self, Item, bytes, map, uint};

/// Secrets of 16 pledges, for each of two moments that may follow one another: no pledge may stand that was due.
static SECRETS: LazyLock<[[[u8; 32]; 16]; 2]> = LazyLock::new(|| {
    array::from_fn(|set| {
        array::from_fn(|tier| Purpose::Sample.hash(format!("thief {set} {tier}").as_bytes()))
    })
});

/// A thief's own pledges, in a lineage.
#[derive(Clone, Debug)]
pub struct Pledges([[Pledge; 16]; 2]);

/// Which of the two sets, for a moment that follows one of the host's, or one of its own.
#[derive(Clone, Copy, Debug)]
pub enum After {
    Host = 0,
    Own = 1,
}

impl Pledges {
    pub fn of(salt: &Salt) -> Self {
        Self(
            SECRETS
                .each_ref()
                .map(|set| set.each_ref().map(|secret| hazmat::pledge(&Secret::new(*secret), salt))),
        )
    }

    /// The moment at `index` that follows another, with what it states, and `instead` as its new pledges if given.
    pub fn moment(
        &self,
        (before, after): (&Made, After),
        index: u64,
        statement: Option<&[u8]>,
        instead: Option<&[Pledge; 16]>,
    ) -> Made {
        let mut made = before.clone();
        let own = &self.0[after as usize];
        for tier in 0..=usize::from(hazmat::tier(before.head.index, index)) {
            made.secrets[tier] = SECRETS[after as usize][tier];
            made.pledges[tier] = instead.unwrap_or(own)[tier];
        }
        let batch = |statement| Item::Array(vec![uint(1u8), bytes(crafted::leaf(statement).as_bytes())]);
        made.body = map([
            (1, Some(uint(1u8))),
            (2, Some(bytes(before.lineage.as_bytes()))),
            (3, Some(uint(index))),
            (4, Some(item::head(&before.head))),
            (5, Some(item::pledges(&made.pledges))),
            (6, statement.map(batch)),
            (7, Some(uint(crafted::BORN_MS + index / 4096 * 1000))),
            (8, Some(Item::Map(vec![]))),
        ])
        .encode();
        made.head = Head { index, digest: Digest::new(Purpose::Moment.hash(&made.body)) };
        made
    }
}
