//! Fuzzes `subjects::proof`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| subjects::proof(data));
