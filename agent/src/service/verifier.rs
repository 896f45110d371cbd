//! `org.selfsame.Verifier1`: a verifier for the apps on this host.
//!
//! Each method checks its arguments, then the caller's right, and has the verifier's thread do the rest.

mod given;
mod refusal;
mod reply;

use selfsame::{Challenge, Fork, Hop, HopAnswer, Introduction, LineageId, Policy, Refusal as ProofRefusal};
use selfsame_dbus::{ByteBuf, Bytes, Error, KnownPeer, Question, Refusal, VerdictReply, limits};
use selfsame_store::{ChallengeOptions, EnrolOptions, Found, StoreError};
use zbus::{Connection, interface, message::Header, object_server::SignalEmitter};

use super::{
    caller::{Caller, Callers},
    limits::{Limits, Place, Weight},
};
use crate::{
    audit::{self, ForkShown},
    verifier::{Verifier, VerifierError},
};
use given::Given;
use refusal::Refusing;
use reply::verdict;

/// The interface's object.
pub(crate) struct VerifierObject {
    verifier: Verifier,
    callers: Callers,
    limits: Limits,
    refusing: Refusing,
}
