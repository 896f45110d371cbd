//! What a thief may try, to answer a challenge that names an anchor younger than its copy.
//!
//! It knows its copy's secrets, and all that is public: the anchor, and the host's moments and openings since. It needs
//! a first moment of its own, after the anchor or after a moment of the host's that it hops over.

use selfsame::{Challenge, Lineage, Ordinary, Pledge, hazmat};
use selfsame_tests::play::crafted::{self, Made};
use selfsame_tests::play::hop_item;
use selfsame_tests::play::item::{self, Item};

use super::forge::{After, Pledges};
use super::loot::{Loot, public};
use super::scene::Scene;

macro_rules! strategies {
    ($($(#[$what:meta])* $name:ident,)*) => {
        /// One thing to try.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Strategy {
            /// From the anchor straight to the head, by a hop that says this tier.
            Straight(u8),
            $($(#[$what])* $name,)*
        }

        impl Strategy {
            /// All but the straight ones.
            const OTHERS: &[Self] = &[$(Self::$name,)*];
        }
    };
}

// listed once, so that none is left untried
strategies! {
    /// From the anchor straight to the head, by the tier of the one way.
    TheWay,
    /// Over the host's own moments as far as they go, then by the one way.
    OverTheHost,
    /// The same, then by the lowest pledge that it holds.
    OverTheHostByWhatItHolds,
    /// Over a moment of its own in between, by the lowest pledge that it holds, as soon as that one's digit turns.
    InBetween,
    /// The same, in the tick after the anchor and by the one way.
    InTheNextTick,
    /// Over a moment after the head, by the lowest pledge that it holds.
    BeyondTheHead,
    /// By a moment that follows the stolen one: a history without the anchor.
    PastTheAnchor,
    /// By a moment that follows one of its own in the anchor's place.
    InPlaceOfTheAnchor,
    /// By the host's own opening, from over another moment.
    HostsOpening,
    /// The host's next pledges in its list.
    HostsPledges,
    /// The stolen pledges in its list.
    StolenPledges,
    /// The pledge that it holds once more, at the tier of the one way.
    PledgeMoved,
    /// The host's own moment as the head.
    HostsHead,
    /// From the stolen moment in place of the anchor.
    SinceTheCopy,
}

/// An answer to a challenge, by a head at some index.
#[derive(Debug)]
pub struct Attack<'a> {
    host: &'a Lineage<Ordinary>,
    loot: &'a Loot,
    stolen: &'a Made,
    pledges: &'a Pledges,
    /// The anchor, with the secrets that are known.
    anchor: Made,
    head: u64,
    cap: u8,
    /// The lowest tier that the thief can open in the anchor.
    lowest: Option<u8>,
    statement: Vec<u8>,
    /// A head that follows the anchor.
    straight: Made,
}

impl<'a> Attack<'a> {
    pub fn new(scene: &'a Scene, challenge: &Challenge, head: u64) -> Self {
        let Scene { host, loot, stolen, anchor, pledges, .. } = scene;
        let statement = crafted::statement(challenge).encode();
        let anchor = loot.on(anchor);
        let straight = pledges.moment((&anchor, After::Host), head, Some(&statement), None);
        Self {
            host: &host.lineage,
            loot,
            stolen,
            pledges,
            cap: hazmat::cap(head - anchor.head.index),
            lowest: scene.lowest(),
            anchor,
            head,
            statement,
            straight,
        }
    }

    /// What may be tried here: straight by every tier that tells from others, and all else.
    pub fn strategies(&self) -> Vec<Strategy> {
        let turned = hazmat::tier(self.anchor.head.index, self.head);
        let mut tiers = vec![0, self.cap, (self.cap + 1).min(15), turned, 15];
        tiers.extend(self.lowest);
        tiers.sort_unstable();
        tiers.dedup();
        tiers.into_iter().map(Strategy::Straight).chain(Strategy::OTHERS.iter().copied()).collect()
    }

    /// The proof, where the strategy is one: some need a moment of the host's, or a pledge that the thief can open.
    pub fn proof(&self, strategy: Strategy) -> Option<Vec<u8>> {
        let (anchor, way) = (&self.anchor, self.way(self.anchor.head.index));
        let hops = match strategy {
            Strategy::Straight(tier) => vec![anchor.hop(tier, &self.straight)],
            Strategy::TheWay => vec![anchor.hop(way, &self.straight)],
            Strategy::OverTheHost => self.over_the_host(None)?,
            Strategy::OverTheHostByWhatItHolds => self.over_the_host(self.lowest)?,
            Strategy::InBetween => {
                let lowest = self.lowest?;
                let turns = ((anchor.head.index >> (2 * lowest)) + 1) << (2 * lowest);
                self.over(lowest, if turns < self.head { turns } else { self.head.checked_sub(1)? })?
            }
            Strategy::InTheNextTick => self.over(way, anchor.head.index + 1)?,
            Strategy::BeyondTheHead => {
                let beyond = self.head + (1 << (2 * self.lowest?));
                let beyond = self.pledges.moment((anchor, After::Host), beyond, None, None);
                vec![anchor.hop(self.lowest?, &beyond), beyond.hop(0, &self.straight)]
            }
            Strategy::PastTheAnchor => {
                vec![self.stolen.hop(way, &self.answer((self.stolen, After::Host), None))]
            }
            Strategy::InPlaceOfTheAnchor => {
                let index = anchor.head.index;
                let instead = self.pledges.moment((self.stolen, After::Host), index, None, None);
                vec![anchor.hop(way, &self.answer((&instead, After::Own), None))]
            }
            Strategy::HostsOpening => {
                let hop = self.host.hop(anchor.head.index, way, false).ok()?.hop;
                let (opening, body) = (hop.opening().as_bytes(), &self.straight.body);
                vec![Item::Array(vec![item::uint(way), item::bytes(opening), item::bytes(body)])]
            }
            Strategy::HostsPledges => {
                let next = self.host.hop(anchor.head.index, 0, false).ok()?.hop;
                vec![anchor.hop(way, &self.answer((anchor, After::Host), Some(next.moment().pledges())))]
            }
            Strategy::StolenPledges => {
                vec![anchor.hop(way, &self.answer((anchor, After::Host), Some(&self.stolen.pledges)))]
            }
            Strategy::PledgeMoved => {
                let opening = anchor.opening(self.lowest?, &self.straight.head.digest);
                let (opening, body) = (opening.as_bytes(), &self.straight.body);
                vec![Item::Array(vec![item::uint(way), item::bytes(opening), item::bytes(body)])]
            }
            Strategy::HostsHead => self.hosts_hops().0,
            Strategy::SinceTheCopy => {
                vec![self.stolen.hop(way, &self.answer((self.stolen, After::Host), None))]
            }
        };
        let start = if strategy == Strategy::SinceTheCopy { self.stolen } else { anchor };
        (!hops.is_empty()).then(|| crafted::Proof::from(start, hops, &self.statement).encode())
    }

    /// The tier of the one way from `x`.
    fn way(&self, x: u64) -> u8 {
        self.cap.min(hazmat::tier(x, self.head))
    }

    /// The head, after any moment.
    fn answer(&self, before: (&Made, After), instead: Option<&[Pledge; 16]>) -> Made {
        self.pledges.moment(before, self.head, Some(&self.statement), instead)
    }

    /// Over a moment of its own.
    fn over(&self, tier: u8, index: u64) -> Option<Vec<Item>> {
        (self.anchor.head.index < index && index < self.head).then(|| {
            let own = self.pledges.moment((&self.anchor, After::Host), index, None, None);
            let head = self.answer((&own, After::Own), None);
            vec![self.anchor.hop(tier, &own), own.hop(self.way(index), &head)]
        })
    }

    /// The host's hops by the one way that lead less far than the head, and where they lead.
    fn hosts_hops(&self) -> (Vec<Item>, Option<Made>) {
        let (mut hops, mut last, mut x) = (Vec::new(), None, self.anchor.head.index);
        while let Ok(answer) = self.host.hop(x, self.way(x), false) {
            let moment = answer.hop.moment();
            if moment.index() >= self.head {
                break;
            }
            hops.push(hop_item(&answer.hop));
            last = Some(public(self.host.genesis(), moment));
            x = moment.index();
        }
        (hops, last)
    }

    fn over_the_host(&self, by: Option<u8>) -> Option<Vec<Item>> {
        let (mut hops, last) = self.hosts_hops();
        let last = self.loot.on(&last?);
        let tier = by.unwrap_or_else(|| self.way(last.head.index));
        hops.push(last.hop(tier, &self.answer((&last, After::Host), None)));
        Some(hops)
    }
}
