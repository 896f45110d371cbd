//! Enrolling a peer by a proof from the genesis, and letting a new lineage succeed a peer's.

use selfsame::{Genesis, LineageId, Now, Peer, PeerRecord, Policy, Predecessor, Proof, Reason, Verdict};

use crate::error::StoreError;
use crate::name::Name;
use crate::rows::{KeptChallenge, KeptPeer, Meeting, Rows};
use crate::store::{Done, Store};
use crate::verify::{last_tpm_resets, parse};

/// How a proof is enrolled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnrolOptions {
    /// Whether a new lineage may succeed the peer's: a person's decision, or policy's.
    pub succeeds: bool,
    /// Makes every check, and changes nothing: not even the challenge is used.
    pub dry_run: bool,
    /// What the relying party decides for itself.
    pub policy: Policy,
}

/// What is found of a proof that enrols a peer: what the verdict says, and what helps to decide about a successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// What is found of the proof.
    pub verdict: Verdict,
    /// Why the lineage says that it began.
    pub reason: Reason,
    /// The lineage that it says it follows, and the last moment that it knows of that.
    pub predecessor: Option<Predecessor>,
    /// The peer's lineage that it succeeds.
    pub succeeds: Option<LineageId>,
    /// How often the host's TPM was reset since the peer was last met, where both lineages say how often it was by
    /// then, and the later count is not below the earlier (another TPM's would be).
    pub tpm_resets: Option<u64>,
    /// Milliseconds since the peer was last met, by the verifier's wall clock; only of a peer that was known.
    pub silent_ms: Option<u64>,
}

impl Store {
    /// Enrols a peer by a proof from the genesis, in answer to a challenge for a peer that is not known, or `anew`
    /// for one that is. The digest in the proof's statement finds the challenge. All challenges of that name are
    /// gone then.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`]: why the proof is refused; [`StoreError::PeerExists`] where the lineage is a peer's,
    /// this one's included, or the challenge is one for [`Store::verify`]; [`StoreError::PastLineage`];
    /// [`StoreError::Forked`]; [`StoreError::Succession`] where the peer is known, the proof is right and of
    /// another lineage, and `succeeds` is not set. They leave all as it was, but a refused proof counts as one of
    /// the challenge's refusals (not in a dry run).
    pub fn enrol(
        &mut self,
        peer: &str,
        proof: &[u8],
        now: &Now,
        options: &EnrolOptions,
    ) -> Result<Enrolment, StoreError> {
        let name = Name::parse(peer)?;
        let parsed = parse(proof)?;
        let done = |value| if options.dry_run { Done::Leave(value) } else { Done::Keep(value) };
        let outcome = self.change(|rows| {
            let known = rows.peer(&name)?;
            let challenge = challenge_of(rows, &name, &parsed, known.as_ref())?;
            rows.refuse_forked(parsed.lineage())?;
            rows.refuse_held(parsed.lineage())?;
            let mut candidate = candidate(&challenge)?;
            let verdict = match candidate.take(proof, now, &options.policy) {
                Ok(verdict) => verdict,
                Err(refusal) => {
                    rows.keep_challenges(&[challenge], &candidate.record().challenges)?;
                    return Ok(done(Err(refusal)));
                }
            };
            let enrolment = enrolment(verdict, &candidate, &parsed, known.as_ref(), now)?;
            let met = Meeting { wall_ms: now.wall_ms, tpm_resets: last_tpm_resets(&parsed) };
            match &known {
                Some(known) if options.succeeds => {
                    rows.add_past(known)?;
                    rows.replace_peer(&name, known, &candidate, met)?;
                }
                Some(known) => return Err(succession(known, &enrolment)),
                None => rows.add_peer(&name, &candidate, met)?,
            }
            Ok(done(Ok(enrolment)))
        })?;
        Ok(outcome?)
    }
}

/// The challenge that the proof answers: one from the genesis, of whoever comes.
fn challenge_of(
    rows: Rows<'_>,
    name: &Name<'_>,
    proof: &Proof,
    known: Option<&KeptPeer>,
) -> Result<KeptChallenge, StoreError> {
    let challenge = rows.challenge(name, proof.statement().challenge())?;
    match (challenge, known) {
        (Some(challenge), _) if challenge.anew => Ok(challenge),
        (Some(_), Some(known)) => {
            Err(StoreError::PeerExists { peer: name.as_str().to_owned(), lineage: known.lineage })
        }
        (Some(_), None) => Err(StoreError::damaged("a challenge of a peer that is not there")),
        (None, _) => Err(selfsame::Refusal::UnknownChallenge.into()),
    }
}

/// A peer of which nothing is known but this challenge.
fn candidate(challenge: &KeptChallenge) -> Result<Peer, StoreError> {
    let PeerRecord { state, hops, .. } = Peer::unknown().record();
    let challenges = vec![(challenge.digest, challenge.issued.clone())];
    let peer = Peer::restore(&PeerRecord { state, hops, challenges });
    peer.map_err(|error| StoreError::damaged(error.to_string()))
}

fn enrolment(
    verdict: Verdict,
    candidate: &Peer,
    proof: &Proof,
    known: Option<&KeptPeer>,
    now: &Now,
) -> Result<Enrolment, StoreError> {
    let origin = candidate.genesis().map(Genesis::origin);
    let origin = origin.ok_or_else(|| StoreError::damaged("a peer without a genesis"))?;
    let met = known.map(|known| known.met);
    let before = met.and_then(|met| met.tpm_resets);
    let tpm_resets = before.zip(last_tpm_resets(proof)).and_then(|(before, after)| after.checked_sub(before));
    Ok(Enrolment {
        verdict,
        reason: origin.reason(),
        predecessor: origin.predecessor().copied(),
        succeeds: known.map(|known| known.lineage),
        tpm_resets,
        silent_ms: met.map(|met| now.wall_ms.saturating_sub(met.wall_ms)),
    })
}

fn succession(known: &KeptPeer, enrolment: &Enrolment) -> StoreError {
    StoreError::Succession {
        own: known.lineage,
        found: enrolment.verdict.lineage,
        predecessor: enrolment.predecessor.map(|predecessor| predecessor.lineage),
        reason: enrolment.reason,
    }
}
