//! Section 6, the prover's part: requests, their statements, and the moment and proofs that answer them.

use super::{Lineage, MomentError, ProveRefusal, Step};
use crate::anchor::Head;
use crate::challenge::Challenge;
use crate::handed::Judgement;
use crate::hop::Hop;
use crate::merkle::{Inclusion, MAX_STATEMENTS, Tree};
use crate::moment::Batch;
use crate::odometer;
use crate::proof::{self, Proof};
use crate::state::Memory;
use crate::statement::{Statement, Subject};

/// A caller's request for a proof.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whom the caller means to talk to.
    pub audience: String,
    /// The relying party's challenge.
    pub challenge: Challenge,
    /// Who the caller is, as far as the agent itself established it.
    pub subject: Subject,
    /// What the caller says; at most 4,096 bytes.
    pub payload: Option<Vec<u8>>,
}

impl<M: Memory> Lineage<M> {
    /// One moment that answers all of these, each with its proof or why there is none. Where none can be
    /// answered, no moment is made.
    ///
    /// # Errors
    ///
    /// Why the moment can't be made; then nothing has changed.
    pub fn prove(
        &mut self,
        step: Step<'_>,
        requests: Vec<Request>,
    ) -> Result<Vec<Result<Proof, ProveRefusal>>, MomentError<M::Error>> {
        let count = requests.len();
        if count as u64 > MAX_STATEMENTS {
            return Err(MomentError::TooManyStatements { count });
        }
        let statements: Vec<_> = requests.into_iter().map(|request| self.statement(request)).collect();
        let tree = Tree::over(statements.iter().flatten().map(|stated| &stated.bytes));
        let Some(root) = tree.root() else {
            return Ok(statements.into_iter().filter_map(Result::err).map(Err).collect());
        };
        let count = statements.iter().flatten().count();
        self.advance(step, Some(Batch { count: count as u64, root }))?;
        let mut positions = 0..count;
        let mut draw = |stated: Stated| {
            let inclusion = positions.next().and_then(|position| tree.inclusion(position));
            self.draw(stated, inclusion.expect("the tree has a leaf for every statement"))
        };
        Ok(statements.into_iter().map(|stated| stated.and_then(&mut draw)).collect())
    }

    /// The statement that answers a request, or why it is not answered.
    fn statement(&self, request: Request) -> Result<Stated, ProveRefusal> {
        let Request { audience, challenge, subject, payload } = request;
        if audience != challenge.audience() {
            let found = challenge.audience().to_owned();
            return Err(ProveRefusal::WrongAudience { asked: audience, found });
        }
        if let Some(asked) = challenge.lineage().filter(|asked| **asked != self.id) {
            let predecessor = self.genesis.origin().predecessor().map(|before| before.lineage);
            return Err(ProveRefusal::OtherLineage { asked: *asked, own: self.id, predecessor });
        }
        let known = match self.judge(challenge.since()) {
            Judgement::Known => true,
            Judgement::Unknown => false,
            Judgement::Foreign(head) => return Err(ProveRefusal::ForeignAnchor { head }),
        };
        let known = (!challenge.since().is_empty()).then_some(known);
        let statement = Statement { audience, challenge: challenge.digest(), subject, payload, known };
        let bytes = statement.encode();
        // what does not parse would be refused by every relying party
        Ok(Stated { statement: Statement::parse(&bytes)?, bytes, since: challenge.start() })
    }

    /// Judges heads that a relying party names: whether this lineage handed them out.
    pub fn judge(&self, since: &[Head]) -> Judgement {
        self.handed.judge(since, self.head.index, |index| {
            self.retained.at_or_after(index).map(|moment| (moment.head(), *moment.previous()))
        })
    }

    fn draw(&self, stated: Stated, inclusion: Inclusion) -> Result<Proof, ProveRefusal> {
        let Stated { statement, bytes, since } = stated;
        let cap = odometer::cap(self.head.index - since);
        let hops = self.retained.way(since, self.head.index, cap).ok_or(ProveRefusal::NotKept { since })?;
        let hop_bytes: usize = hops.iter().map(Hop::encoded_bytes).sum();
        let total = hop_bytes + bytes.len() + MAX_OTHER_BYTES;
        if total > proof::MAX_BYTES {
            return Err(ProveRefusal::TooOld { bytes: total });
        }
        let genesis = (since == 0).then(|| (*self.genesis).clone());
        Ok(Proof { lineage: self.id, since, hops, statement_bytes: bytes, statement, inclusion, genesis })
    }
}

/// A statement on its way into a moment.
struct Stated {
    statement: Statement,
    bytes: Vec<u8>,
    /// The index that its proof starts from.
    since: u64,
}

/// Bytes of a proof beside its hops and statement at most: genesis, path, and the other fields and heads.
const MAX_OTHER_BYTES: usize = crate::moment::MAX_BODY_BYTES + 16 * 34 + 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Evidence, EvidenceFields, Origin, Reason};
    use crate::hash::{Pledge, Salt};
    use crate::moment::Genesis;
    use crate::odometer::{LIMIT, TIERS};

    #[test]
    fn what_a_proof_has_beside_hops_and_statement_is_within_its_limit() {
        let salt = Salt::new([0; 32]);
        let evidence = Evidence::new(EvidenceFields::default()).expect("short");
        let origin = Origin::new(Reason::Install, None);
        let genesis = Genesis::compose([Pledge::new([0; 32]); TIERS], 0, evidence, salt, origin);
        let (count, digest) = (MAX_STATEMENTS, genesis.lineage().genesis_digest());
        let path = vec![digest; crate::merkle::max_path(count) as usize];
        let statement_bytes = vec![0; crate::statement::MAX_BYTES];
        let (subject, payload) = (Subject::default(), None);
        let statement =
            Statement { audience: String::new(), challenge: digest, subject, payload, known: None };
        let beside = crate::moment::MAX_BODY_BYTES - genesis.body().len();
        let proof = Proof {
            lineage: genesis.lineage(),
            since: LIMIT - 1,
            hops: Vec::new(),
            statement,
            inclusion: Inclusion { position: count - 1, count, path },
            genesis: Some(genesis),
            statement_bytes,
        };
        // were the genesis as large as a body may be, and the count of hops as long
        let bytes = proof.encode().len() - crate::statement::MAX_BYTES + beside + 4;
        assert!(bytes <= MAX_OTHER_BYTES, "{bytes} of {MAX_OTHER_BYTES}");
    }
}
