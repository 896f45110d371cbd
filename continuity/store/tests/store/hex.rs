//! Bytes as text: what commands and vectors hold.

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ascii"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}
