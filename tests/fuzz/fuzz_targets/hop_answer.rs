//! Fuzzes `subjects::hop_answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| subjects::hop_answer(data));
