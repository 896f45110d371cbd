//! The TPM as a source: TPM2_GetRandom in an encrypted session, one small file an operation.
//!
//! Commands that go to the TPM, and no others: GetRandom, ReadClock, StartAuthSession, CreatePrimary (null
//! hierarchy), FlushContext, GetCapability, and on a TPM without a resource manager ReadPublic
//! (of what is about to be flushed) and Startup.
//!
//! Between two draws the TPM holds one HMAC session of ours and no key: so a draw is GetRandom and ReadClock,
//! where a session for each would be three commands more, at 10 to 500 ms each (architecture, Entropy).
//!
//! An interposer that is there when the session begins can put its own key in place of the null primary. Only the
//! primary's Name, known from before, shows it: the kernel's, where it has one (`null_name`).
//!
//! All this blocks for as long as the TPM does, so it runs in the helper process (`super::helper`), which also
//! silences what libtss2 writes to standard error.

mod error;
mod esys;
mod facts;
mod null_name;
mod open;
mod progress;
mod random;
mod session;
mod tcti;

pub(crate) use error::TpmError;
pub(crate) use progress::Progress;
pub(crate) use random::{SYSFS, TpmSource};
pub(crate) use tcti::{Tcti, TctiError};

#[cfg(test)]
mod tests;
