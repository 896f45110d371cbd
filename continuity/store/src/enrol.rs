//! Enrolling a peer by a proof from the genesis, and letting a new lineage succeed a peer's.

use selfsame::{Genesis, LineageId, Now, Peer, PeerRecord, Policy, Predecessor, Proof, Reason, Verdict};

use crate::error::StoreError;
use crate::name::Name;
use crate::rows::{KeptChallenge, KeptPeer, Meeting, Rows};
use crate::store::{Done, Store};
use crate::succession::Claim;
use crate::tpm::{Tpm, TpmStep};
use crate::verify::parse;

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
    /// The peer's lineage that it succeeds; of that there are `claim`, `tpm_resets`, `tpm_step` and `silent_ms`.
    pub succeeds: Option<LineageId>,
    /// What its word on its predecessor is worth.
    pub claim: Option<Claim>,
    /// The lineage that it succeeds, or else the one that it says it follows, where a fork of that is known: it was
    /// copied, and so the successor may be the host's or the copy's.
    pub forked: Option<LineageId>,
    /// How often the host's TPM was reset since the peer was last met, where both lineages say how often it was by
    /// then, and the later count is not below the earlier (another TPM's would be).
    pub tpm_resets: Option<u64>,
    /// How the clock of the host's TPM stands to what the peer's lineage last said of it, where both say so.
    pub tpm_step: Option<TpmStep>,
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
            let found = Found { verdict, candidate: &candidate, proof: &parsed };
            let enrolment = found.enrolment(rows, &name, known.as_ref(), now)?;
            let met = Meeting { wall_ms: now.wall_ms, tpm: Tpm::of_proof(&parsed) };
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

/// A proof that is right, and the peer that it would make.
struct Found<'f> {
    verdict: Verdict,
    candidate: &'f Peer,
    proof: &'f Proof,
}

impl Found<'_> {
    fn enrolment(
        self,
        rows: Rows<'_>,
        name: &Name<'_>,
        known: Option<&KeptPeer>,
        now: &Now,
    ) -> Result<Enrolment, StoreError> {
        let Self { verdict, candidate, proof } = self;
        let origin = candidate.genesis().map(Genesis::origin);
        let origin = origin.ok_or_else(|| StoreError::damaged("a peer without a genesis"))?;
        let predecessor = origin.predecessor().copied();
        let succeeds = known.map(|known| known.lineage);
        let met = known.map(|known| known.met);
        Ok(Enrolment {
            verdict,
            reason: origin.reason(),
            predecessor,
            succeeds,
            claim: known.map(|known| rows.claim(name, known, predecessor.as_ref())).transpose()?,
            forked: rows.forked(succeeds.into_iter().chain(predecessor.map(|before| before.lineage)))?,
            tpm_resets: met.and_then(|met| Tpm::of_proof(proof).resets_since(met.tpm)),
            tpm_step: met.and_then(|met| met.tpm.step_to(proof)),
            silent_ms: met.map(|met| now.wall_ms.saturating_sub(met.wall_ms)),
        })
    }
}

fn succession(known: &KeptPeer, enrolment: &Enrolment) -> StoreError {
    StoreError::Succession {
        own: known.lineage,
        found: enrolment.verdict.lineage,
        predecessor: enrolment.predecessor.map(|predecessor| predecessor.lineage),
        reason: enrolment.reason,
    }
}
