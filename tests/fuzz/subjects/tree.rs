//! CBOR as the subjects read it: any message as a tree of items, by no code of the crate's.

use minicbor::Decoder;
use minicbor::data::Type;

use super::item::Item;

/// Items may be so many deep.
const MAX_DEPTH: usize = 8;

/// The one item that these bytes are, where they are one of those that the protocol knows.
pub fn read(bytes: &[u8]) -> Option<Item> {
    let mut decoder = Decoder::new(bytes);
    let item = next(&mut decoder, MAX_DEPTH)?;
    (decoder.position() == bytes.len()).then_some(item)
}

fn next(decoder: &mut Decoder<'_>, depth: usize) -> Option<Item> {
    let depth = depth.checked_sub(1)?;
    match decoder.datatype().ok()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().ok().map(Item::Uint),
        Type::Bytes => decoder.bytes().ok().map(|bytes| Item::Bytes(bytes.to_vec())),
        Type::String => decoder.str().ok().map(|text| Item::Text(text.to_owned())),
        Type::Bool => decoder.bool().ok().map(Item::Bool),
        Type::Array => {
            let count = decoder.array().ok()??;
            (0..count).map(|_| next(decoder, depth)).collect::<Option<_>>().map(Item::Array)
        }
        Type::Map => {
            let count = decoder.map().ok()??;
            let mut entry = || Some((decoder.u64().ok()?, next(decoder, depth)?));
            (0..count).map(|_| entry()).collect::<Option<_>>().map(Item::Map)
        }
        _ => None,
    }
}

/// The value of a map's key.
pub fn get(item: &Item, key: u64) -> Option<&Item> {
    let Item::Map(entries) = item else { return None };
    entries.iter().find(|(found, _)| *found == key).map(|(_, value)| value)
}

/// The bytes that it is.
pub fn bytes(item: &Item) -> Option<&[u8]> {
    if let Item::Bytes(bytes) = item { Some(bytes) } else { None }
}

/// The number that it is.
pub fn number(item: &Item) -> Option<u64> {
    if let Item::Uint(number) = item { Some(*number) } else { None }
}

/// The items of the array that it is.
pub fn items(item: &Item) -> Option<&[Item]> {
    if let Item::Array(items) = item { Some(items) } else { None }
}
