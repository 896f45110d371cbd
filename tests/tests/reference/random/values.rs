//! CBOR that is changed at random: somewhere in a value, and somewhere in bytes.

use selfsame_tests::play::item::{Item, bytes, text, uint};

use super::dice::Dice;
use crate::spec::cbor::{self, Value};

/// These bytes, which are CBOR, with one thing changed somewhere inside.
pub fn changed(given: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut item = item_of(cbor::decode(given).unwrap());
    change(&mut item, dice);
    item.encode()
}

fn item_of(value: Value) -> Item {
    match value {
        Value::Uint(number) => Item::Uint(number),
        Value::Bytes(bytes) => Item::Bytes(bytes),
        Value::Text(text) => Item::Text(text),
        Value::Bool(value) => Item::Bool(value),
        Value::Array(items) => Item::Array(items.into_iter().map(item_of).collect()),
        Value::Map(entries) => {
            Item::Map(entries.into_iter().map(|(key, value)| (key, item_of(value))).collect())
        }
    }
}

/// Changes this value, or one in it.
fn change(item: &mut Item, dice: &mut Dice) {
    let inside: Vec<&mut Item> = match item {
        Item::Array(items) => items.iter_mut().collect(),
        Item::Map(entries) => entries.iter_mut().map(|(_, value)| value).collect(),
        _ => vec![],
    };
    if !inside.is_empty() && !dice.once_in(4) {
        let place = dice.below(inside.len());
        return change(inside.into_iter().nth(place).unwrap(), dice);
    }
    if dice.once_in(5) {
        *item = any(dice, 5);
        return;
    }
    match item {
        Item::Uint(number) => {
            let edges = [0, 1, 65_536, 65_537, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX];
            *number = match dice.below(3) {
                0 => number.wrapping_add(1),
                1 => number.wrapping_sub(1),
                _ => dice.one_of(&edges),
            };
        }
        Item::Bytes(bytes) => match dice.below(4) {
            0 => drop(bytes.pop()),
            1 => bytes.push(0),
            _ if bytes.is_empty() => bytes.push(0),
            2 => bytes.clear(),
            _ => {
                let place = dice.below(bytes.len());
                bytes[place] ^= 1 << dice.below(8);
            }
        },
        Item::Text(text) => {
            *text = dice.one_of(&["", "steady", "ended", "x", "relying.example "]).to_owned();
            if dice.once_in(4) {
                *text = "x".repeat(dice.one_of(&[255, 256, 4096, 4097]));
            }
        }
        Item::Bool(value) => *value = !*value,
        Item::Array(items) => elsewhere(items, any(dice, 4), dice),
        Item::Map(entries) => {
            let key = dice.below(12) as u64;
            elsewhere(entries, (key, any(dice, 4)), dice);
            if !dice.once_in(4) {
                entries.sort_by_key(|(key, _)| *key);
            }
        }
    }
}

/// One more, one less, one twice, or two that change places.
fn elsewhere<T: Clone>(items: &mut Vec<T>, other: T, dice: &mut Dice) {
    if items.is_empty() || dice.once_in(2) {
        return items.push(other);
    }
    let (one, two) = (dice.below(items.len()), dice.below(items.len()));
    match dice.below(3) {
        0 => drop(items.remove(one)),
        1 => items.insert(one, items[one].clone()),
        _ => items.swap(one, two),
    }
}

/// Any value, up to `depth` deep.
fn any(dice: &mut Dice, depth: usize) -> Item {
    if depth > 0 && !dice.once_in(3) {
        let inner = any(dice, depth - 1);
        return if dice.once_in(2) {
            Item::Array(vec![inner])
        } else {
            Item::Map(vec![(dice.number(), inner)])
        };
    }
    match dice.below(5) {
        0 => uint(dice.up_to_bits(63)),
        1 => bytes(dice.hash()),
        2 => text("text"),
        3 => bytes(vec![0; dice.below(1100)]),
        _ => Item::Bool(true),
    }
}

/// These bytes with a change to the bytes themselves.
pub fn damaged(given: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = given.to_vec();
    // most of a proof is openings: what is around them counts as much
    let place = match dice.below(3) {
        0 => dice.below(bytes.len().min(60)),
        1 => bytes.len() - 1 - dice.below(bytes.len().min(700)),
        _ => dice.below(bytes.len()),
    };
    match dice.below(8) {
        0 => bytes.truncate(place),
        1 => drop(bytes.remove(place)),
        2 => bytes.insert(place, dice.number() as u8),
        3 => bytes.push(0),
        // the first byte is a map's: its count may be longer than need be, or left open
        4 => drop(bytes.splice(..1, [0xb8, given[0] % 32])),
        5 => {
            bytes[0] = 0xbf;
            bytes.push(0xff);
        }
        _ => bytes[place] ^= 1 << dice.below(8),
    }
    bytes
}
