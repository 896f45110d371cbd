//! A lineage whose secrets never go: any moment can follow any other, and any pledge be opened over any of them.

use selfsame::hazmat::{self, Purpose};
use selfsame::{Anchor, Challenge, Digest, Head, Introduction, LineageId, Opening, Pledge, Salt, Secret};

use crate::item::{self, Item, bytes, map, text, uint};

/// Whom every test's statements are for.
pub const AUDIENCE: &str = "relying.example";

/// Unix time in milliseconds at which every test's lineage is born.
pub const BORN_MS: u64 = 1_800_000_000_000;

const SALT: Salt = Salt::new([0x5a; 32]);

/// A moment, and the secrets of the pledges in its list.
#[derive(Clone, Debug)]
pub struct Made {
    pub lineage: LineageId,
    pub salt: Salt,
    pub head: Head,
    pub body: Vec<u8>,
    pub pledges: [Pledge; 16],
    /// By tier.
    pub secrets: [[u8; 32]; 16],
    /// The genesis's body.
    pub genesis: Vec<u8>,
}

/// What a moment says, before it is encoded: any of it may be made wrong.
#[derive(Clone, Debug)]
pub struct Says {
    pub lineage: LineageId,
    pub index: u64,
    pub previous: Head,
    pub pledges: [Pledge; 16],
    pub statements: Option<(u64, Digest)>,
    pub wall_ms: u64,
    salt: Salt,
    secrets: [[u8; 32]; 16],
}

impl Says {
    /// Takes pledge and secret of a tier from another moment's list: a copy has them, or it is told them.
    pub fn take_pledge(&mut self, tier: usize, from: &Made) {
        self.pledges[tier] = from.pledges[tier];
        self.secrets[tier] = from.secrets[tier];
    }

    /// Replaces the pledge of a tier.
    pub fn new_pledge(&mut self, tier: usize, seed: &str) {
        self.secrets[tier] = secret(seed, self.index, tier);
        self.pledges[tier] = pledge(&self.secrets[tier], &self.salt);
    }
}

fn secret(seed: &str, index: u64, tier: usize) -> [u8; 32] {
    Purpose::Sample.hash(format!("{seed}, {index}, {tier}").as_bytes())
}

fn pledge(secret: &[u8; 32], salt: &Salt) -> Pledge {
    hazmat::pledge(&Secret::new(*secret), salt)
}

/// A lineage's genesis; another seed, another lineage.
pub fn genesis(seed: &str) -> Made {
    let secrets: [[u8; 32]; 16] = std::array::from_fn(|tier| secret(seed, 0, tier));
    let pledges = secrets.each_ref().map(|secret| pledge(secret, &SALT));
    let body = map([
        (1, Some(uint(1u8))),
        (3, Some(uint(0u8))),
        (5, Some(item::pledges(&pledges))),
        (7, Some(uint(BORN_MS))),
        (8, Some(Item::Map(vec![]))),
        (9, Some(bytes(SALT.as_bytes()))),
        (10, Some(map([(1, Some(text("install")))]))),
    ])
    .encode();
    let lineage = hazmat::lineage_of(&body).expect("it is a genesis");
    let head = Head { index: 0, digest: lineage.genesis_digest() };
    Made { lineage, salt: SALT, head, genesis: body.clone(), body, pledges, secrets }
}

impl Made {
    /// The moment at `index` that follows this one, as the host of `seed` makes it.
    pub fn then(&self, seed: &str, index: u64) -> Self {
        self.then_saying(seed, index, |_| {})
    }

    /// The moment at `index` that follows this one, but for what `change` changes.
    pub fn then_saying(&self, seed: &str, index: u64, change: impl FnOnce(&mut Says)) -> Self {
        let mut says = Says {
            lineage: self.lineage,
            index,
            previous: self.head,
            pledges: self.pledges,
            statements: None,
            wall_ms: BORN_MS + index * 1000 / 4096,
            salt: self.salt,
            secrets: self.secrets,
        };
        for tier in 0..=usize::from(hazmat::tier(self.head.index, index)) {
            says.new_pledge(tier, seed);
        }
        change(&mut says);
        let batch = |(count, root): (u64, Digest)| Item::Array(vec![uint(count), bytes(root.as_bytes())]);
        let body = map([
            (1, Some(uint(1u8))),
            (2, Some(bytes(says.lineage.as_bytes()))),
            (3, Some(uint(says.index))),
            (4, Some(item::head(&says.previous))),
            (5, Some(item::pledges(&says.pledges))),
            (6, says.statements.map(batch)),
            (7, Some(uint(says.wall_ms))),
            (8, Some(Item::Map(vec![]))),
        ])
        .encode();
        let digest = Digest::new(Purpose::Moment.hash(&body));
        let head = Head { index: says.index, digest };
        let genesis = self.genesis.clone();
        let Says { pledges, secrets, .. } = says;
        Self { lineage: self.lineage, salt: self.salt, head, body, pledges, secrets, genesis }
    }

    /// The moment at `index` that follows this one and carries the statement.
    pub fn answering(&self, seed: &str, index: u64, statement: &[u8]) -> Self {
        self.then_saying(seed, index, |says| says.statements = Some((1, leaf(statement))))
    }

    pub fn anchor(&self) -> Anchor {
        Anchor::new(self.lineage, self.salt, self.head, self.pledges)
    }

    /// The hop from this moment by tier `tier` to another.
    pub fn hop(&self, tier: u8, to: &Self) -> Item {
        Item::Array(vec![uint(tier), bytes(self.opening(tier, &to.head.digest).as_bytes()), bytes(&to.body)])
    }

    /// The opening of this moment's pledge at a tier over any digest.
    pub fn opening(&self, tier: u8, digest: &Digest) -> Opening {
        hazmat::open(&Secret::new(self.secrets[usize::from(tier)]), &self.salt, digest)
    }

    pub fn introduction(&self) -> Introduction {
        let moment = (self.head.index > 0).then(|| bytes(&self.body));
        let item = map([(1, Some(uint(1u8))), (2, Some(bytes(&self.genesis))), (3, moment)]);
        Introduction::parse(&item.encode()).expect("well-formed")
    }
}

/// The hops from the first of these moments to the last, each of which follows the one before it, by the one way.
pub fn way(chain: &[Made]) -> Vec<Item> {
    let indices: Vec<u64> = chain.iter().map(|made| made.head.index).collect();
    let (start, head) = (indices[0], indices[indices.len() - 1]);
    let (mut x, mut hops) = (0, Vec::new());
    while indices[x] < head {
        let tier = hazmat::cap(head - start).min(hazmat::tier(indices[x], head));
        let next = (x + 1..).find(|y| hazmat::tier(indices[y - 1], indices[*y]) >= tier);
        let next = next.expect("a digit turns only by a moment of its tier");
        hops.push(chain[x].hop(tier, &chain[next]));
        x = next;
    }
    hops
}

/// The leaf of a statement: the root, where it is alone.
pub fn leaf(statement: &[u8]) -> Digest {
    Digest::new(Purpose::Statement.hash(statement))
}

/// What a statement says, before it is encoded.
#[derive(Clone, Debug)]
pub struct Statement {
    pub audience: String,
    pub challenge: Digest,
    pub subject: Item,
    pub known: Option<bool>,
}

/// The statement that answers a challenge, as it has to be.
pub fn statement(challenge: &Challenge) -> Statement {
    let subject = map([(1, Some(uint(1000u32))), (4, Some(text("a.service"))), (7, Some(text("an.app")))]);
    let known = (!challenge.since().is_empty()).then_some(true);
    Statement { audience: challenge.audience().into(), challenge: challenge.digest(), subject, known }
}

impl Statement {
    pub fn encode(&self) -> Vec<u8> {
        map([
            (1, Some(text(&self.audience))),
            (2, Some(bytes(self.challenge.as_bytes()))),
            (3, Some(self.subject.clone())),
            (5, self.known.map(Item::Bool)),
        ])
        .encode()
    }
}

/// A proof, before it is encoded.
#[derive(Clone, Debug)]
pub struct Proof {
    pub version: u64,
    pub lineage: LineageId,
    pub since: u64,
    pub hops: Vec<Item>,
    pub statement: Vec<u8>,
    pub inclusion: Item,
    pub genesis: Option<Vec<u8>>,
}

impl Proof {
    /// The proof from `start` by these hops, of a statement that is alone in the last moment.
    pub fn from(start: &Made, hops: Vec<Item>, statement: &[u8]) -> Self {
        Self {
            version: 1,
            lineage: start.lineage,
            since: start.head.index,
            hops,
            statement: statement.to_vec(),
            inclusion: item::inclusion(0, 1, &[]),
            genesis: (start.head.index == 0).then(|| start.genesis.clone()),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        map([
            (1, Some(uint(self.version))),
            (2, Some(bytes(self.lineage.as_bytes()))),
            (3, Some(uint(self.since))),
            (4, Some(Item::Array(self.hops.clone()))),
            (6, Some(bytes(&self.statement))),
            (7, Some(self.inclusion.clone())),
            (8, self.genesis.as_ref().map(bytes)),
        ])
        .encode()
    }
}
