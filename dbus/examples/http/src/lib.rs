//! An example: a relying party as an HTTP service, and what its client shares with it.
//!
//! A host asks for something of its own, `GET /hosts/web1`, and has no token:
//!
//! ```text
//! 401 Unauthorized
//! WWW-Authenticate: Selfsame challenge="pAEB…", audience="http://door.example"
//! ```
//!
//! It has its agent answer the challenge, for the audience that it takes from *the URL that it opened*, and posts the
//! proof to the same place. The proof goes in the body, since it may have 4 MiB, more than any server takes of a header:
//!
//! ```text
//! POST /hosts/web1                           200 OK
//! Content-Type: application/octet-stream     kT3v…
//! ```
//!
//! What comes back is a token for a short session, which the next requests use: `Authorization: Selfsame kT3v…`. It is
//! the relying party's own, and no part of the protocol: a random number, compared in constant time, that is over after a minute.
//!
//! # What binds a proof
//!
//! - The challenge: to one use, within a minute.
//! - The audience: to this relying party. One in the middle, who has the host open another URL and passes the challenge
//!   on, is refused by the host's own agent, as the client names the URL's origin and the challenge names another's.
//! - The payload: to the request that carries it, here `POST http://door.example/hosts/web1` ([`bound_to`]), so that what
//!   a host proves for one request is of no use in another.
//!
//! This example speaks plain HTTP, on loopback: who sits between the two can read the token. Over TLS, let the payload be
//! the connection's exporter (RFC 9266, `tls-exporter`: 32 bytes that both ends of one TLS connection derive, and nobody
//! else can), and have the server compare it with its own: then a proof that was passed on over another connection is
//! refused, even if whoever sits between has a certificate that the client takes.
#![forbid(unsafe_code)]

mod clock;
mod door;
mod offer;
mod sessions;

pub use door::Door;
pub use offer::{Offer, OfferError, bound_to};
pub use sessions::{Session, Sessions};

/// The authentication scheme, as RFC 9110, section 11, has them.
pub const SCHEME: &str = "Selfsame";

/// Bytes of a proof at most.
///
/// Source: protocol section 6.
pub const PROOF_MAX_BYTES: usize = selfsame_dbus::limits::PROOF_MAX_BYTES;
