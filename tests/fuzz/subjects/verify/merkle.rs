//! The root of a batch's tree by RFC 9162's own definition, from a leaf and its path.

use selfsame::hazmat::Purpose;

/// The root that a leaf at `position` of `count` leads to, by siblings from the leaf upwards.
pub fn root(leaf: [u8; 32], position: u64, count: u64, path: &[[u8; 32]]) -> Option<[u8; 32]> {
    if count == 1 {
        return (position == 0 && path.is_empty()).then_some(leaf);
    }
    let (sibling, path) = path.split_last()?;
    let split = count.next_power_of_two() / 2;
    let node = |left: [u8; 32], right: [u8; 32]| Purpose::StatementNode.hash(&[left, right].concat());
    if position < split {
        Some(node(root(leaf, position, split, path)?, *sibling))
    } else {
        Some(node(*sibling, root(leaf, position - split, count - split, path)?))
    }
}
