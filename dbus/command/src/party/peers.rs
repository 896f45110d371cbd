//! What is asked of a relying party's peers: one and the same of those in a file and of those that the agent has.

use selfsame::{Challenge, Fork, HopAnswer, Introduction, LineageId, Wanted};
use selfsame_store::{ChallengeOptions, Found, PeerSummary, ReportedFork, StoreError};

use super::agent::Agent;
use super::file::File;
use crate::exit::Code;
use crate::failure::{Failure, Question, Refused};
use crate::place::Place;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Denial {
    /// It is refused.
    Refused(Refused),
    /// It could not be asked.
    Unasked(Box<Failure>),
}

/// A relying party's peers. What each does is at the same name in `selfsame_store`.
pub(super) trait Peers {
    /// Issues a challenge.
    fn challenge(
        &mut self,
        peer: &str,
        audience: &str,
        options: &ChallengeOptions,
    ) -> Result<Challenge, Denial>;

    /// Meets a peer by an introduction.
    fn meet(&mut self, peer: &str, introduction: &Introduction, replace: bool) -> Result<(), Denial>;

    /// Enrols a peer by a proof from the genesis.
    fn enrol(&mut self, peer: &str, proof: &[u8], succeeds: bool, dry_run: bool) -> Result<Found, Denial>;

    /// Verifies a known peer's proof.
    fn verify(&mut self, peer: &str, proof: &[u8], wanted: &Wanted, pass_time: bool)
    -> Result<Found, Denial>;

    /// What to ask a peer's host, as index and tier.
    fn questions(&mut self, peer: &str) -> Result<Vec<(u64, u8)>, Denial>;

    /// Holds its answer against what is kept.
    fn confront(&mut self, peer: &str, answer: &HopAnswer) -> Result<Option<Fork>, Denial>;

    /// The peers that are known.
    fn peers(&mut self) -> Result<Vec<PeerSummary>, Denial>;

    /// Forgets a peer.
    fn forget(&mut self, peer: &str) -> Result<(), Denial>;

    /// The forks of a peer's lineages, or all.
    fn forks(&mut self, peer: Option<&str>) -> Result<Vec<Fork>, Denial>;

    /// Whose lineage this is, or was.
    fn whose(&mut self, lineage: &LineageId) -> Result<Option<String>, Denial>;

    /// Takes in a fork.
    fn report_fork(&mut self, fork: &Fork) -> Result<ReportedFork, Denial>;
}

impl From<Failure> for Denial {
    fn from(failure: Failure) -> Self {
        Self::Unasked(Box::new(failure))
    }
}

impl From<StoreError> for Denial {
    fn from(error: StoreError) -> Self {
        Self::Refused(Refused::from(&error))
    }
}

impl<'a> Question<'a> {
    /// The peers that are there. A name of a file that was mistyped must not make an empty one, in which every peer is
    /// unknown.
    pub(super) fn peers(&self) -> Result<Box<dyn Peers + 'a>, Failure> {
        match self.place {
            Place::File(file) => Ok(Box::new(self.done(File::existing(file))?)),
            Place::Agent(bus) => Ok(Box::new(self.done(Agent::on(bus))?)),
        }
    }

    /// The peers; where there is no file yet, one is made.
    pub(super) fn peers_or_new(&self) -> Result<Box<dyn Peers + 'a>, Failure> {
        match self.place {
            Place::File(file) => Ok(Box::new(self.done(File::open(file))?)),
            Place::Agent(_) => self.peers(),
        }
    }

    /// What was done, or why not.
    pub(super) fn done<T>(&self, outcome: Result<T, Denial>) -> Result<T, Failure> {
        outcome.map_err(|denial| match denial {
            Denial::Refused(refused) => refused.failure(self),
            Denial::Unasked(failure) if failure.code == Code::Unreachable => {
                let next = failure.next.as_deref().unwrap_or_default();
                let next = format!("{next}; or keep the peers in a file, without an agent: --store FILE");
                failure.next(next)
            }
            Denial::Unasked(failure) => *failure,
        })
    }
}
