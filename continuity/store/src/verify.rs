//! Verifying a peer's proofs.

use selfsame::{Now, Policy, Proof, Refusal, Verdict};

use crate::error::StoreError;
use crate::name::Name;
use crate::rows::Meeting;
use crate::store::{Done, Store};
use crate::tpm::Tpm;

impl Store {
    /// Verifies a proof of a peer that is known, and keeps what it shows: of two that come at once, one is taken
    /// after the other. The first proof of a peer that was introduced is verified so, too.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownPeer`] where it is neither met nor enrolled; [`StoreError::Refused`]: why the proof is
    /// refused. A refusal leaves all as it was, but for the count of the challenge's refusals, and the fork in
    /// [`Refusal::Forked`], which is kept.
    pub fn verify(
        &mut self,
        peer: &str,
        proof: &[u8],
        now: &Now,
        policy: &Policy,
    ) -> Result<Verdict, StoreError> {
        let name = Name::parse(peer)?;
        // what is garbage needs no lock on the file
        let parsed = parse(proof)?;
        let outcome = self.change(|rows| {
            let known = rows.known(&name)?;
            let mut peer = known.peer.clone();
            let outcome = peer.take(proof, now, policy);
            let met = outcome.as_ref().ok().map(|verdict| Meeting {
                wall_ms: known.met.wall_ms.max(now.wall_ms),
                // what was overtaken is an older word
                tpm: if verdict.moved { Tpm::of_proof(&parsed).or(known.met.tpm) } else { known.met.tpm },
            });
            rows.keep_peer(&known, &peer, met)?;
            match &outcome {
                // the anchor has changed: a challenge that was made without it dies (protocol section 7)
                Ok(verdict) if verdict.moved => rows.drop_challenges_anew(&name)?,
                Err(Refusal::Forked { fork }) => {
                    rows.keep_fork(fork)?;
                }
                _ => {}
            }
            Ok(Done::Keep(outcome))
        })?;
        Ok(outcome?)
    }
}

/// The proof with these bytes.
pub(crate) fn parse(proof: &[u8]) -> Result<Proof, StoreError> {
    Ok(Proof::parse(proof).map_err(Refusal::from)?)
}
