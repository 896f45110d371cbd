//! Who copied a host's memory, and may make of it whatever it likes.

use selfsame::{Challenge, Lineage, Memory, Ordinary, Proof, hazmat};

use super::crafted::{self, Made, Says};
use super::hops::hop_item;
use super::item::{self, Item};

/// A thief with a copy of a host's memory: all its secrets, and all that it keeps.
#[derive(Debug)]
pub struct Thief {
    /// The copy, as it was taken: it is asked for what the host made before.
    copy: Lineage<Ordinary>,
    /// What was made since, the last moment of the host first.
    made: Vec<Made>,
    seed: String,
}

impl Thief {
    /// One who copies the memory of this host now. Of two seeds two thieves, whose moments differ.
    pub fn of<M: Memory>(host: &Lineage<M>, seed: &str) -> Self {
        let Ok(copy) = hazmat::copy(host, Ordinary::default());
        Self { copy, made: vec![stolen(host)], seed: seed.to_owned() }
    }

    /// The last moment that it made, or stole.
    pub fn last(&self) -> &Made {
        self.made.last().unwrap()
    }

    /// Makes a moment, as the host would.
    pub fn moment(&mut self, index: u64) {
        self.moment_saying(index, |_| {});
    }

    /// Makes a moment that says what it should not.
    pub fn moment_saying(&mut self, index: u64, change: impl FnOnce(&mut Says)) {
        let made = self.last().then_saying(&self.seed, index, change);
        self.made.push(made);
    }

    /// Answers a challenge by a moment at `index`.
    pub fn answer(&mut self, challenge: &Challenge, index: u64) -> Vec<u8> {
        self.answer_saying(challenge, index, |_| {})
    }

    /// Answers a challenge by a moment at `index` that says what it should not.
    pub fn answer_saying(
        &mut self,
        challenge: &Challenge,
        index: u64,
        change: impl FnOnce(&mut Says),
    ) -> Vec<u8> {
        let statement = crafted::statement(challenge).encode();
        self.moment_saying(index, |says| {
            says.statements = Some((1, crafted::leaf(&statement)));
            change(says);
        });
        let hops = self.way(challenge.start());
        let start = challenge.start();
        let proof = crafted::Proof {
            version: 1,
            lineage: *self.copy.id(),
            since: start,
            hops,
            statement,
            inclusion: item::inclusion(0, 1, &[]),
            genesis: (start == 0).then(|| self.copy.genesis().body().to_vec()),
        };
        let bytes = proof.encode();
        assert!(Proof::parse(&bytes).is_ok(), "a thief's proofs are well-formed");
        bytes
    }

    /// The one way from index `start` to its last moment: over the host's moments, then over its own.
    fn way(&self, start: u64) -> Vec<Item> {
        let head = self.last().head.index;
        let cap = hazmat::cap(head - start);
        let (mut x, mut hops) = (start, Vec::new());
        while x < head {
            let tier = cap.min(hazmat::tier(x, head));
            let (to, hop) = self.hop(x, tier);
            hops.push(hop);
            x = to;
        }
        hops
    }

    /// The hop from index `x` by tier `tier`, and where it leads.
    fn hop(&self, x: u64, tier: u8) -> (u64, Item) {
        if let Ok(answer) = self.copy.hop(x, tier, false) {
            return (answer.hop.moment().index(), hop_item(&answer.hop));
        }
        // what stands at that tier stood there in the moment before, too
        let pairs = self.made.iter().zip(self.made.iter().skip(1));
        let mut after = pairs.filter(|(before, made)| {
            made.head.index > x && hazmat::tier(before.head.index, made.head.index) >= tier
        });
        let (before, made) = after.next().expect("a digit turns only by a moment of its tier");
        (made.head.index, before.hop(tier, made))
    }
}

/// The last moment of a host whose memory is copied, with the secrets that are in it.
fn stolen<M: Memory>(host: &Lineage<M>) -> Made {
    let Ok(mut copy) = hazmat::copy(host, Ordinary::default());
    let introduction = copy.introduce();
    let anchor = introduction.anchor();
    let genesis = introduction.genesis().body().to_vec();
    let body = introduction.moment().map_or_else(|| genesis.clone(), |moment| moment.body().to_vec());
    let secrets = hazmat::pending(host.memory().secrets()).each_ref().map(|secret| *secret.expose());
    let (lineage, salt) = (*anchor.lineage(), *anchor.salt());
    Made { lineage, salt, head: anchor.head(), body, pledges: *anchor.pledges(), secrets, genesis }
}
