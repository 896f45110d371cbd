//! Section 4 word for word, and slowly: what the crate is held against.

/// 4^k ticks.
pub fn span(k: u8) -> u64 {
    4u64.pow(k.into())
}

/// The largest k ≤ 15 with ⌊p/4^k⌋ ≠ ⌊y/4^k⌋.
pub fn tier(p: u64, y: u64) -> u8 {
    (0..=15).rev().find(|k| p / span(*k) != y / span(*k)).expect("two moments have two indices")
}

/// The largest k ≤ 15 with 4^k ≤ g, 0 for g = 0.
pub fn cap(g: u64) -> u8 {
    (0..=15).rev().find(|k| span(*k) <= g).unwrap_or(0)
}

/// Hops that a way over gap `g` may have: 3·(cap + 1), at cap 15 45 and one for every whole 4^15 ticks.
pub fn most_hops(g: u64) -> u64 {
    match cap(g) {
        15 => 45 + g / span(15),
        cap => 3 * (u64::from(cap) + 1),
    }
}

/// The indices of a lineage's moments, ascending, the genesis's 0 first.
#[derive(Clone, Debug)]
pub struct History(Vec<u64>);

impl History {
    pub fn of_genesis() -> Self {
        Self(vec![0])
    }

    pub fn push(&mut self, index: u64) {
        assert!(index > self.head());
        self.0.push(index);
    }

    pub fn head(&self) -> u64 {
        *self.0.last().expect("the genesis is there")
    }

    /// The moments after the genesis, each as the index of the one before and its own.
    fn moments(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> {
        self.0.iter().copied().zip(self.0.iter().copied().skip(1))
    }

    /// The first moment after x of tier k or more, and the index of the moment before it.
    fn first_after(&self, x: u64, k: u8) -> Option<(u64, u64)> {
        self.moments().find(|(p, y)| *y > x && tier(*p, *y) >= k)
    }

    /// The moment that answers the question for the hop from x by tier k: the first after x of tier k or more of
    /// which that opening is kept, if its previous index p has ⌊p/4^k⌋ = ⌊x/4^k⌋.
    pub fn hop(&self, x: u64, k: u8) -> Option<u64> {
        let (p, y) = self.moments().find(|(_, y)| *y > x && self.keeps(*y, k))?;
        let is_of_x = p / span(k) == x / span(k);
        if is_of_x && self.0.contains(&x) {
            assert_eq!(self.first_after(x, k), Some((p, y)), "from an own moment: the first of all");
        }
        is_of_x.then_some(y)
    }

    /// The hops from a to h by tiers up to cap, each as tier and index: at x the tier is min(cap, tier(x, h)), and
    /// the hop leads to the first moment after x of that tier or more.
    pub fn way(&self, a: u64, h: u64, cap: u8) -> Vec<(u8, u64)> {
        let (mut x, mut way) = (a, Vec::new());
        while x < h {
            let k = cap.min(tier(x, h));
            (_, x) = self.first_after(x, k).expect("there always is one at or before h");
            assert!(x <= h, "there always is one at or before h");
            way.push((k, x));
        }
        way
    }

    /// The openings that are kept, as moment and tier: of tier k of moment y while y is one of the last 64
    /// moments, or y > head − 64·4^k, or k = 15.
    pub fn kept(&self) -> Vec<(u64, u8)> {
        let mut kept = Vec::new();
        for (age, (p, y)) in self.moments().rev().enumerate() {
            kept.extend((0..=tier(p, y)).map(|k| (y, k)).filter(|(y, k)| {
                let since = i128::from(self.head()) - 64 * i128::from(span(*k));
                age < 64 || i128::from(*y) > since || *k == 15
            }));
        }
        kept
    }

    /// Whether the opening of tier k of moment y is kept.
    pub fn keeps(&self, y: u64, k: u8) -> bool {
        self.kept().contains(&(y, k))
    }

    /// The last moment at or before x of tier k or more of which any opening is kept; the genesis counts.
    pub fn last_kept(&self, x: u64, k: u8) -> u64 {
        let kept = self.kept();
        let mut before = self.moments().rev().filter(|(p, y)| *y <= x && tier(*p, *y) >= k);
        before.find(|(_, y)| kept.iter().any(|(of, _)| of == y)).map_or(0, |(_, y)| y)
    }
}
