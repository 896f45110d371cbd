//! Sources that may block for ever, each in a process of its own.
//!
//! A call into a TPM blocks for as long as the TPM does, in the kernel too, and a thread in it can't be cancelled: only
//! a process can be killed. A vendor's PKCS#11 module is code that nobody here has read, and has no business in a
//! process with secrets. So these sources run in helpers: this same program, started as `selfsame-agent tpm-helper` or
//! `source-helper`, with one socket, and no other file of the agent's.
//!
//! The agent believes a helper nothing but its bytes, which are health-tested and mixed like any: what it says is
//! bounded, and one that says anything else, or nothing for too long, is killed and replaced. One that does not
//! even die, as it is stuck in the kernel, is written off, and no other is started while it is there: at most one hangs.
//!
//! The package's service manager starts the TPM's helper, as a unit of its own: so that a process which is stuck in the
//! kernel is none of the agent's, and never holds up its restart. There the unit's watchdog kills one that hangs, and a
//! lock sees to it that at most one does.

mod alone;
mod process;
mod remote;
mod serve;
mod unit;
mod wire;

pub(crate) use remote::{HelperError, Remote};
pub(crate) use serve::{ServeError, in_a_unit, on_standard_input};
pub(crate) use unit::Unit;
