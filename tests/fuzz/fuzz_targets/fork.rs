//! Fuzzes `subjects::fork`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| subjects::fork(data));
