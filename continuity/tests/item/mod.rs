//! CBOR as a test writes it: any value, in the one deterministic form, by no code of the crate's.

use minicbor::Encoder;
use selfsame::{Challenge, Digest, Head, LineageId, Pledge};

/// A value. A map's keys stand in the order in which they are given.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Uint(u64),
    Bytes(Vec<u8>),
    Text(String),
    Bool(bool),
    Array(Vec<Item>),
    Map(Vec<(u64, Item)>),
}

impl Item {
    /// Its encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut Encoder::new(&mut bytes)).expect("a Vec takes all");
        bytes
    }

    fn write(
        &self,
        encoder: &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        match self {
            Self::Uint(value) => encoder.u64(*value)?,
            Self::Bytes(value) => encoder.bytes(value)?,
            Self::Text(value) => encoder.str(value)?,
            Self::Bool(value) => encoder.bool(*value)?,
            Self::Array(items) => {
                encoder.array(items.len() as u64)?;
                return items.iter().try_for_each(|item| item.write(encoder));
            }
            Self::Map(entries) => {
                encoder.map(entries.len() as u64)?;
                return entries.iter().try_for_each(|(key, item)| item.write(encoder.u64(*key)?));
            }
        };
        Ok(())
    }
}

/// A map of the entries that are there.
pub fn map<const N: usize>(entries: [(u64, Option<Item>); N]) -> Item {
    Item::Map(entries.into_iter().filter_map(|(key, item)| Some((key, item?))).collect())
}

pub fn uint(value: impl Into<u64>) -> Item {
    Item::Uint(value.into())
}

pub fn bytes(value: impl AsRef<[u8]>) -> Item {
    Item::Bytes(value.as_ref().to_vec())
}

pub fn text(value: &str) -> Item {
    Item::Text(value.to_owned())
}

/// A moment's index and digest.
pub fn head(head: &Head) -> Item {
    Item::Array(vec![uint(head.index), bytes(head.digest.as_bytes())])
}

pub fn pledges(pledges: &[Pledge; 16]) -> Item {
    Item::Array(pledges.iter().map(|pledge| bytes(pledge.as_bytes())).collect())
}

/// Position, count and path of an inclusion.
pub fn inclusion(position: u64, count: u64, path: &[Digest]) -> Item {
    let path = path.iter().map(|digest| bytes(digest.as_bytes())).collect();
    Item::Array(vec![uint(position), uint(count), Item::Array(path)])
}

/// A challenge with these fields.
pub fn challenge(audience: &str, nonce: &[u8], lineage: Option<&LineageId>, since: &[Head]) -> Challenge {
    let item = map([
        (1, Some(uint(1u8))),
        (2, Some(text(audience))),
        (3, Some(bytes(nonce))),
        (4, lineage.map(|lineage| bytes(lineage.as_bytes()))),
        (5, (!since.is_empty()).then(|| Item::Array(since.iter().map(head).collect()))),
    ]);
    Challenge::parse(&item.encode()).expect("these fields make a challenge")
}
