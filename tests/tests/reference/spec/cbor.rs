//! Section 5, deterministic CBOR as far as the protocol uses it: RFC 8949 §4.2.1, maps with unsigned keys, at most 8
//! deep, and no negative number, float, tag or null.

/// What is not as it has to be.
pub type Shape<T> = Result<T, &'static str>;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Uint(u64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Value>),
    Map(Vec<(u64, Value)>),
    Bool(bool),
}

/// A value that is the whole of these bytes.
pub fn decode(bytes: &[u8]) -> Shape<Value> {
    let mut input = bytes;
    let value = value(&mut input, 8)?;
    if input.is_empty() { Ok(value) } else { Err("a trailing byte") }
}

/// A value, arrays and maps at most `depth` deep.
fn value(input: &mut &[u8], depth: usize) -> Shape<Value> {
    let first = *input.first().ok_or("the end")?;
    match first {
        0xf4 | 0xf5 => {
            take(input, 1)?;
            return Ok(Value::Bool(first == 0xf5));
        }
        0xc0.. => return Err("a tag, float, null or other simple value"),
        _ => (),
    }
    let major = first / 32;
    let number = head(input)?;
    if major >= 4 && depth == 0 {
        return Err("too deep");
    }
    match major {
        0 => Ok(Value::Uint(number)),
        2 => Ok(Value::Bytes(take(input, number)?.to_vec())),
        3 => match String::from_utf8(take(input, number)?.to_vec()) {
            Ok(text) => Ok(Value::Text(text)),
            Err(_) => Err("a text that is not UTF-8"),
        },
        4 => {
            let mut items = Vec::new();
            for _ in 0..number {
                items.push(value(input, depth - 1)?);
            }
            Ok(Value::Array(items))
        }
        5 => {
            let mut entries: Vec<(u64, Value)> = Vec::new();
            for _ in 0..number {
                if input.first().is_none_or(|first| first / 32 != 0) {
                    return Err("a key that is no unsigned number");
                }
                let key = head(input)?;
                if entries.last().is_some_and(|(before, _)| *before >= key) {
                    return Err("keys that don't ascend");
                }
                entries.push((key, value(input, depth - 1)?));
            }
            Ok(Value::Map(entries))
        }
        _ => Err("a negative number"),
    }
}

/// The number in an item's head, in its shortest form.
fn head(input: &mut &[u8]) -> Shape<u64> {
    let info = take(input, 1)?[0] % 32;
    let (bytes, least) = match info {
        0..=23 => return Ok(u64::from(info)),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        27 => (8, 1 << 32),
        _ => return Err("an indefinite length"),
    };
    let mut number = 0;
    for byte in take(input, bytes)? {
        number = number * 256 + u64::from(*byte);
    }
    if number < least { Err("a longer head than needed") } else { Ok(number) }
}

fn take<'a>(input: &mut &'a [u8], count: u64) -> Shape<&'a [u8]> {
    if count > input.len() as u64 {
        return Err("the end");
    }
    let (taken, rest) = input.split_at(count as usize);
    *input = rest;
    Ok(taken)
}

/// Bytes of a value's encoding.
pub fn encoded_bytes(value: &Value) -> usize {
    let head = |number: usize| match number {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    };
    match value {
        Value::Bool(_) => 1,
        Value::Uint(number) => head(*number as usize),
        Value::Bytes(bytes) => head(bytes.len()) + bytes.len(),
        Value::Text(text) => head(text.len()) + text.len(),
        Value::Array(items) => head(items.len()) + items.iter().map(encoded_bytes).sum::<usize>(),
        Value::Map(entries) => {
            let entry = |(key, value): &(u64, Value)| head(*key as usize) + encoded_bytes(value);
            head(entries.len()) + entries.iter().map(entry).sum::<usize>()
        }
    }
}

/// How deep arrays and maps stand in each other, the outermost counted.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Map(entries) => 1 + entries.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}
