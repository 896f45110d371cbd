//! Section 6, the tree over a batch: RFC 9162, 2.1, by its recursive definition.

use super::hash::{Hash, h};

/// `H("statement", bytes)`
pub fn leaf(statement: &[u8]) -> Hash {
    h("statement", statement)
}

/// `H("statement node", left ‖ right)`
fn node(left: &Hash, right: &Hash) -> Hash {
    h("statement node", &[left.as_slice(), right].concat())
}

/// The largest power of two smaller than n.
fn split(n: u64) -> u64 {
    let mut k = 1;
    while 2 * k < n {
        k *= 2;
    }
    k
}

/// Nodes on the longest path in a tree of n leaves.
pub fn height(n: u64) -> usize {
    if n == 1 { 0 } else { 1 + height(split(n)) }
}

/// The root over leaves.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
            node(&root(left), &root(right))
        }
    }
}

/// The path of the leaf at a position, leaf upwards.
pub fn path(leaves: &[Hash], position: usize) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
    let (mut path, sibling) = if position < left.len() {
        (path(left, position), root(right))
    } else {
        (path(right, position - left.len()), root(left))
    };
    path.push(sibling);
    path
}

/// The root that a leaf's path leads to; `None` where the path is not one of such a tree.
pub fn led_to(leaf: &Hash, position: u64, count: u64, path: &[Hash]) -> Option<Hash> {
    if position >= count {
        return None;
    }
    if count == 1 {
        return if path.is_empty() { Some(*leaf) } else { None };
    }
    let (sibling, below) = path.split_last()?;
    let k = split(count);
    if position < k {
        Some(node(&led_to(leaf, position, k, below)?, sibling))
    } else {
        Some(node(sibling, &led_to(leaf, position - k, count - k, below)?))
    }
}
