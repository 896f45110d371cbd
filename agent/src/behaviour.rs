//! What the host is doing: one sample a beat, stirred into the state.

mod programs;
mod reading;
mod sample;

pub(crate) use sample::{Sample, Sampler};
