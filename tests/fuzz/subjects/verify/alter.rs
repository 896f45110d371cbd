//! Changes to a message's structure: any item of it, also those in the bodies and statements that it carries.

use super::super::item::Item;
use super::super::tree;
use super::choices::Choices;

/// Changes something in it; `parts` may be put where others stand.
pub fn alter(item: &mut Item, parts: &[Item], choices: &mut Choices<'_>) {
    let stays_here = choices.rarely(6);
    match item {
        Item::Array(items) if !stays_here && !items.is_empty() => {
            let at = choices.below(items.len());
            alter(&mut items[at], parts, choices);
        }
        Item::Map(entries) if !stays_here && !entries.is_empty() => {
            let at = choices.below(entries.len());
            alter(&mut entries[at].1, parts, choices);
        }
        Item::Bytes(bytes) if !stays_here => match tree::read(bytes) {
            Some(mut inner @ Item::Map(_)) => {
                alter(&mut inner, parts, choices);
                *bytes = inner.encode();
            }
            _ => change(item, parts, choices),
        },
        _ => change(item, parts, choices),
    }
}

/// Changes an encoding, with no regard to what it says.
pub fn damage(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) {
    let at = choices.below(bytes.len());
    match choices.below(4) {
        0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << choices.below(8)),
        1 => bytes.truncate(at),
        2 => bytes.push(choices.byte()),
        _ => bytes.insert(at, choices.byte()),
    }
}

/// Changes this very item.
fn change(item: &mut Item, parts: &[Item], choices: &mut Choices<'_>) {
    if choices.rarely(8) {
        *item = choices.pick(parts).cloned().unwrap_or(Item::Uint(0));
        return;
    }
    match item {
        Item::Uint(value) => *value = number(*value, choices),
        Item::Bool(value) => *value = !*value,
        Item::Text(value) => *value = text(value, choices),
        Item::Bytes(value) => change_bytes(value, parts, choices),
        Item::Array(items) => change_items(items, parts, choices),
        Item::Map(entries) => {
            change_items(entries, &parts.iter().map(|part| (9, part.clone())).collect::<Vec<_>>(), choices);
            if choices.rarely(3) {
                let key = choices.byte().into();
                let at = choices.below(entries.len());
                entries.get_mut(at).into_iter().for_each(|entry| entry.0 = key);
            }
        }
    }
}

fn number(value: u64, choices: &mut Choices<'_>) -> u64 {
    match choices.below(5) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        2 => value ^ 1 << choices.below(64),
        3 => value.wrapping_mul(4),
        _ => choices.number(),
    }
}

fn text(value: &str, choices: &mut Choices<'_>) -> String {
    match choices.below(3) {
        0 => format!("{value}."),
        1 => value.chars().skip(1).collect(),
        _ => value.repeat(choices.below(40)),
    }
}

fn change_bytes(value: &mut Vec<u8>, parts: &[Item], choices: &mut Choices<'_>) {
    let alike = parts.iter().filter_map(tree::bytes).filter(|part| part.len() == value.len());
    let alike: Vec<_> = alike.collect();
    match choices.below(3) {
        0 => damage(value, choices),
        1 => value.clear(),
        _ => choices.pick(&alike).into_iter().for_each(|part| *value = part.to_vec()),
    }
}

fn change_items<T: Clone>(items: &mut Vec<T>, parts: &[T], choices: &mut Choices<'_>) {
    let (at, other) = (choices.below(items.len()), choices.below(items.len()));
    if items.is_empty() {
        return;
    }
    match choices.below(5) {
        0 => items.swap(at, other),
        1 => drop(items.remove(at)),
        2 => items.insert(other, items[at].clone()),
        3 => choices.pick(parts).into_iter().for_each(|part| items.insert(at, part.clone())),
        _ => choices.pick(parts).into_iter().for_each(|part| items[at] = part.clone()),
    }
}
