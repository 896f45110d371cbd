//! Real swtpm on demand, for tests and demos.
//!
//! ```no_run
//! use selfsame_tpm_sim::Simulator;
//!
//! let simulator = Simulator::start()?;
//! println!("{}", simulator.tcti()); // swtpm:path=/tmp/tpm-sim-XXXXXX/s
//! simulator.stop()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Each [`Simulator`] is one swtpm process with a temporary directory of its own, which holds its Unix sockets
//! and its state: no fixed ports, nothing shared, nothing written elsewhere. Both are gone when it is stopped or
//! dropped, and also when its owner is killed.
//!
//! A [`Tap`] stands between a client and the simulator. It records each command as an [`Exchange`], and disturbs those
//! that it is told to:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use selfsame_tpm_sim::{CommandCode, How, Simulator, Tap, When};
//!
//! let simulator = Simulator::start()?;
//! let tap = Tap::start(&simulator)?;
//! tap.disturb(When::Next(CommandCode::GET_RANDOM), How::Freeze);
//! // … give tap.tcti() to what is tested …
//! assert!(tap.wait_for(Duration::from_secs(10), |exchange| exchange.code() == CommandCode::GET_RANDOM));
//! tap.calm();
//! for exchange in tap.take() {
//!     println!("{exchange}"); // TPM2_GetRandom handles:- sessions:0x02000000/0x41 response:0x0
//!     assert!(exchange.sessions().iter().all(|used| used.encrypts_answer()));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Device`] stands in for the kernel's `/dev/tpmrm0`.
//!
//! It is linked into tests only: it talks to no TPM but swtpm, and offers none of swtpm's secrets any protection.
#![forbid(unsafe_code)]

mod command_code;
mod device;
mod disturbance;
mod exchange;
mod place;
mod ready;
mod rule;
mod simulator;
mod swtpm;
mod tap;
mod watcher;

pub use command_code::{CommandCode, CommandCodeError};
pub use device::{Device, DeviceError};
pub use disturbance::{Alteration, How, When};
pub use exchange::{Exchange, SessionUse};
pub use place::PathError;
pub use rule::{Rule, RuleError};
pub use simulator::{FreezeError, Simulator, StartError, StopError};
pub use tap::{Tap, TapError};
