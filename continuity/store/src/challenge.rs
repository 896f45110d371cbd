//! Issuing challenges.

use selfsame::{Challenge, LineageId, Now, Peer};

use crate::error::StoreError;
use crate::name::Name;
use crate::rows::NewChallenge;
use crate::store::{Done, Store};

/// Challenges out at most for one peer.
const MAX_OF_A_PEER: u32 = 256;

/// Challenges out at most in all.
const MAX_IN_ALL: u32 = 16_384;

/// What a challenge is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChallengeOptions {
    /// The lineage to expect of a peer that is not known yet; `None`: whoever comes. For a known peer it has to be
    /// the peer's own, unless `anew`.
    pub lineage: Option<LineageId>,
    /// For a known peer: from the genesis and of any lineage (of `lineage`, where it is given), to enrol its
    /// successor.
    pub anew: bool,
}

impl Store {
    /// Issues a challenge and keeps it, for 60 s and one use: against the anchor of a peer that is known, else for
    /// a first meeting. `nonce` is fresh and random, 16 to 64 bytes, 32 unless there is a reason.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] where 256 are out for the peer, or 16,384 in all; [`StoreError::OtherLineage`] where
    /// the peer is known, of another lineage than is expected; [`StoreError::UnknownPeer`] where `anew` is asked
    /// for one that is not known; [`StoreError::NonceReused`]; what is wrong with name, audience or nonce.
    pub fn challenge(
        &mut self,
        peer: &str,
        audience: &str,
        nonce: &[u8],
        now: &Now,
        options: &ChallengeOptions,
    ) -> Result<Challenge, StoreError> {
        let name = Name::parse(peer)?;
        let ChallengeOptions { lineage, anew } = options;
        self.change(|rows| {
            let known = rows.bare_peer(&name)?;
            let anew = match &known {
                Some(_) => *anew,
                None if *anew => return Err(StoreError::UnknownPeer { peer: peer.to_owned() }),
                None => true,
            };
            let mut peer = match known {
                Some(known) if !anew => match lineage {
                    Some(found) if *found != known.lineage => {
                        return Err(StoreError::OtherLineage { expected: known.lineage, found: *found });
                    }
                    _ => known.peer,
                },
                _ => lineage.map_or_else(Peer::unknown, Peer::expecting),
            };
            let challenge = peer.challenge(audience, nonce, now)?;
            rows.drop_dead_challenges(now)?;
            let (of_peer, in_all) = rows.count_challenges(&name)?;
            for (out, limit, whose) in
                [(of_peer, MAX_OF_A_PEER, "for this peer"), (in_all, MAX_IN_ALL, "in all")]
            {
                if out >= limit {
                    return Err(StoreError::Busy { limit, whose });
                }
            }
            for (digest, issued) in &peer.record().challenges {
                let new = NewChallenge { digest, anew, at: now, issued };
                if !rows.add_challenge(&name, &new)? {
                    return Err(StoreError::NonceReused);
                }
            }
            Ok(Done::Keep(challenge))
        })
    }
}
