//! The TPM as a source: TPM2_GetRandom in an encrypted session, one small file an operation.
//!
//! Commands that go to the TPM, and no others: GetRandom, StartAuthSession, CreatePrimary (null
//! hierarchy), FlushContext, and on a TPM without a resource manager GetCapability, ReadPublic
//! (of what is about to be flushed) and Startup.
//!
//! Between two draws the TPM holds one HMAC session of ours and no key: so a draw is one command,
//! where a session for each would be four, at 10 to 500 ms each (architecture, Entropy).
//!
//! What this does not stop: an interposer that is there when the session begins can put its own
//! key in place of the null primary. Only the primary's name, known from before, would show it.
//!
//! libtss2 writes to standard error when a command fails. `TSS2_LOG=all+none` in the unit silences
//! it; it is not set here, since changing the environment of a running process is not safe.

mod error;
mod esys;
mod open;
mod random;
mod session;
mod tcti;

pub(crate) use error::TpmError;
pub(crate) use random::TpmSource;
pub(crate) use tcti::{Tcti, TctiError};

#[cfg(test)]
mod tests;
