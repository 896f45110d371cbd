//! Section 6, the tree over a moment's statements: RFC 9162's shape, with this protocol's hashes.

use crate::hash::{Digest, Purpose};

/// Statements of one moment at most.
pub(crate) const MAX_STATEMENTS: u64 = 65_536;

/// Siblings of a path at most, in a tree over so many leaves: its height. 16 for the largest.
pub(crate) fn max_path(count: u64) -> u64 {
    count.max(1).next_power_of_two().trailing_zeros().into()
}

/// Where a statement stands in its moment's batch, and the way from it to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    pub(crate) position: u64,
    pub(crate) count: u64,
    pub(crate) path: Vec<Digest>,
}

impl Inclusion {
    /// Position in the batch, from 0.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Statements in the batch: 1 to 65,536.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The siblings on the way from the leaf to the root.
    pub fn path(&self) -> &[Digest] {
        &self.path
    }

    /// The root that this leads to from `leaf`; `None` where the path has not the length that its position
    /// and count ask for. RFC 9162 section 2.1.3.2.
    pub(crate) fn root(&self, leaf: Digest) -> Option<Digest> {
        if self.position >= self.count {
            return None;
        }
        let (mut node, mut last) = (self.position, self.count - 1);
        let mut root = leaf;
        for sibling in &self.path {
            if last == 0 {
                return None;
            }
            if node & 1 == 1 || node == last {
                root = join(sibling, &root);
                while node & 1 == 0 && node != 0 {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                root = join(&root, sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        (last == 0).then_some(root)
    }
}

/// The tree over a batch's leaves, level by level: neighbours are joined, a last one without a neighbour goes
/// up as it is. (That is RFC 9162's shape, which splits at the largest power of two.)
pub(crate) struct Tree {
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    pub(crate) fn over<S: AsRef<[u8]>>(statements: impl IntoIterator<Item = S>) -> Self {
        Self::of(statements.into_iter().map(|statement| leaf(statement.as_ref())).collect())
    }

    pub(crate) fn of(leaves: Vec<Digest>) -> Self {
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let next = level.chunks(2).filter_map(|pair| match pair {
                [left, right] => Some(join(left, right)),
                [alone] => Some(*alone),
                _ => None,
            });
            let next = next.collect();
            levels.push(next);
        }
        Self { levels }
    }

    /// The root; `None` for no leaves.
    pub(crate) fn root(&self) -> Option<Digest> {
        self.levels.last()?.first().copied()
    }

    /// The way from the leaf at `position` to the root; `None` where there is none.
    pub(crate) fn inclusion(&self, position: usize) -> Option<Inclusion> {
        let count = self.levels.first()?.len();
        let path = self.levels.iter().enumerate();
        let path = path.filter_map(|(height, level)| level.get((position >> height) ^ 1)).copied().collect();
        (position < count).then_some(Inclusion { position: position as u64, count: count as u64, path })
    }
}

/// `H("statement", bytes)`.
pub(crate) fn leaf(statement: &[u8]) -> Digest {
    Digest::new(Purpose::Statement.hash(statement))
}

fn join(left: &Digest, right: &Digest) -> Digest {
    let hasher = &mut Purpose::StatementNode.hasher();
    Digest::new(*hasher.update(left.as_bytes()).update(right.as_bytes()).finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9162 section 2.1.1, word for word.
    fn slow_root(leaves: &[Digest]) -> Option<Digest> {
        match leaves {
            [] => None,
            [one] => Some(*one),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                Some(join(&slow_root(left)?, &slow_root(right)?))
            }
        }
    }

    fn leaves(count: u16) -> Vec<Digest> {
        (0..count).map(|n| leaf(&n.to_le_bytes())).collect()
    }

    #[test]
    fn every_leaf_of_every_small_tree_leads_to_its_root_and_to_no_other_place() {
        for count in 1..=33 {
            let leaves = leaves(count);
            let tree = Tree::of(leaves.clone());
            assert_eq!(tree.root(), slow_root(&leaves));
            for (position, leaf) in leaves.iter().enumerate() {
                let inclusion = tree.inclusion(position).expect("it is there");
                assert_eq!(inclusion.root(*leaf), tree.root());
                assert!(inclusion.path.len() as u64 <= max_path(count.into()));
                for elsewhere in (0..u64::from(count) + 1).filter(|at| *at != position as u64) {
                    let moved = Inclusion { position: elsewhere, ..inclusion.clone() };
                    assert_ne!(moved.root(*leaf), tree.root(), "{position} as {elsewhere} of {count}");
                }
                let mut long = inclusion.clone();
                long.path.push(*leaf);
                assert_eq!(long.root(*leaf), None);
                if inclusion.path.len() > 1 {
                    let mut short = inclusion.clone();
                    short.path.pop();
                    assert_eq!(short.root(*leaf), None);
                }
            }
            assert!(tree.inclusion(count.into()).is_none());
        }
        assert_eq!(Tree::of(vec![]).root(), None);
    }

    #[test]
    fn the_largest_batch_has_a_path_of_sixteen() {
        let leaves: Vec<_> = (0..MAX_STATEMENTS).map(|n| leaf(&n.to_le_bytes())).collect();
        let tree = Tree::of(leaves.clone());
        let inclusion = tree.inclusion(65_535).expect("it is there");
        assert_eq!(inclusion.path.len(), 16);
        assert_eq!(max_path(MAX_STATEMENTS), 16);
        assert_eq!(inclusion.root(leaves[65_535]), tree.root());
    }
}
