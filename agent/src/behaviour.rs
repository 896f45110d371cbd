//! What the host is doing: one sample a beat, stirred into the state, judged against what is usual for it, and committed to
//! in the moment.
//!
//! A [`reading`] is one look at procfs, a [`sample`] its bytes. Its [`features`] are held against what is usual
//! ([`profile`], and [`familiar`] for the programs) over some horizons; what that distance means, the host's own distances
//! say ([`calibration`]); that is the [`drift`]. All of it is computed in the beat's thread ([`observer`]).

mod audit;
mod calibration;
mod drift;
mod familiar;
mod features;
mod observer;
mod profile;
mod programs;
mod reading;
mod sample;
mod seen;

pub(crate) use audit::{Audited, Blinded};
pub(crate) use drift::Drift;
pub(crate) use observer::{Observed, Observer};
pub(crate) use seen::Seen;
