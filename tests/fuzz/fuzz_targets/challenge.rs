//! Fuzzes `subjects::challenge`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| subjects::challenge(data));
