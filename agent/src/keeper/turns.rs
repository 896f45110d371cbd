//! Whose turn it is: what waits for a moment, by user, so that nobody's flood pushes others into a later one.

use std::collections::{BTreeMap, VecDeque};

/// What waits, each user's in the order of arrival. How much that is, is bounded by those who put it in.
pub(super) struct Turns<T> {
    queues: BTreeMap<u32, VecDeque<T>>,
    waiting: usize,
}

impl<T> Turns<T> {
    pub(super) fn new() -> Self {
        Self { queues: BTreeMap::new(), waiting: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Puts one of this user's behind the others of the same user.
    pub(super) fn push(&mut self, uid: u32, item: T) {
        self.queues.entry(uid).or_default().push_back(item);
        self.waiting += 1;
    }

    /// Takes `most` at most: one of each user's in turn, round and round. So each user that has something waiting is
    /// among them, as long as there are no more users than `most`.
    pub(super) fn take(&mut self, most: usize) -> Vec<T> {
        let mut taken = Vec::with_capacity(most.min(self.waiting));
        while taken.len() < most && self.waiting > 0 {
            let room = most - taken.len();
            let round = self.queues.values_mut().take(room).filter_map(VecDeque::pop_front);
            let before = taken.len();
            taken.extend(round);
            self.waiting -= taken.len() - before;
            self.queues.retain(|_, queue| !queue.is_empty());
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flooded() -> Turns<(u32, u32)> {
        let mut turns = Turns::new();
        for uid in [7, 8, 9] {
            (0..1000).for_each(|number| turns.push(uid, (uid, number)));
        }
        turns
    }

    #[test]
    fn who_comes_behind_floods_is_in_the_next_moment() {
        let mut turns = flooded();
        turns.push(1000, (1000, 0));
        let next = turns.take(2000);
        assert_eq!(next.len(), 2000);
        assert!(next.contains(&(1000, 0)));
        for uid in [7, 8, 9] {
            let numbers: Vec<u32> = next.iter().filter(|(of, _)| *of == uid).map(|(_, n)| *n).collect();
            assert!((665..=668).contains(&numbers.len()), "{}", numbers.len());
            assert!(numbers.is_sorted(), "each user's own stay in order");
        }
    }

    #[test]
    fn all_of_it_is_taken_once() {
        let mut turns = flooded();
        let mut all: Vec<_> = (0..4).flat_map(|_| turns.take(1024)).collect();
        assert!(turns.is_empty() && turns.take(1024).is_empty());
        assert_eq!(all.len(), 3000);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 3000);
    }

    #[test]
    fn one_alone_has_all_of_a_moment() {
        let mut turns = Turns::new();
        (0..3000).for_each(|number| turns.push(7, number));
        assert_eq!(turns.take(2048), (0..2048).collect::<Vec<_>>());
    }
}
