//! A relying party's peers in one transactional file: who they are, the challenges that are out, the hops that
//! are kept, and the forks that are known.
//!
//! The rules of one proof are [`selfsame::Peer`]'s; this crate keeps peers, names them, and adds what takes more
//! than one of them: no lineage is two peers', a lineage that was succeeded or is forked is never taken again, and
//! so many challenges are out at most. Every method of [`Store`] is one transaction: of two processes on one file,
//! the second sees all that the first has done, so no challenge is used twice and no anchor moves twice from the
//! same state. A refused proof leaves the file as it was, but for the count of its challenge's refusals and a fork
//! that it shows (protocol section 7).
//!
//! Times and nonces come in as arguments: nothing here reads a clock or draws randomness. A caller reads its clock
//! before the call, so it may be behind what another process has stored since by as long as it waited.
//!
//! # Why SQLite
//!
//! An agent and the `selfsame` command, or many verifiers, share the file. redb and other embedded stores lock the
//! file for one process as long as it is open; SQLite locks it for one transaction. It is the system's library, not
//! a bundled one, so that its fixes come with the distribution's.
//!
//! # What is in the file, and how it survives
//!
//! *One file*: the journal is a rollback journal, beside the file only while a transaction writes, since a copy of
//! the file without a write-ahead log that belongs to it would be an older store. `synchronous` is `EXTRA`: a
//! commit is the removal of the journal, and that, too, is on the disk before a verdict is given; so power loss
//! never brings back an anchor, or a challenge, that was already used. After a crash at any instruction the next
//! one who opens the file finds the state before or after the transaction.
//!
//! The file is created with mode 0600 and says what it is (`application_id`) and its version (`user_version`). A
//! newer version's, or a file that is no such store, is refused and not written to; an older version's is brought up to
//! this one when it is opened, in one transaction; a damaged one is an error, and is kept.
//!
//! A store that is restored from a backup counts its peers as absent since the backup, by itself. Its challenges
//! are dead a minute after they were issued: wait as long. Forks that were found since are brought back by
//! [`Store::report_fork`].
#![forbid(unsafe_code)]

mod cause;
mod challenge;
mod drill;
mod enrol;
mod error;
mod fork;
mod found;
mod look;
mod meet;
mod name;
mod open;
mod peers;
mod rows;
mod schema;
mod span;
mod store;
mod succession;
mod tpm;
mod verify;

pub use cause::Cause;
pub use challenge::ChallengeOptions;
pub use drill::{DRILL_PREFIX, DRILL_SOURCE};
pub use enrol::{EnrolOptions, Enrolment};
pub use error::StoreError;
pub use fork::ReportedFork;
pub use found::Found;
pub use look::Look;
pub use peers::PeerSummary;
pub use span::{ms_of_ticks, ms_of_ticks_at_least, span};
pub use store::Store;
pub use succession::Claim;
pub use tpm::TpmStep;
