//! Peers in a file: `--store`.

use std::path::Path;

use selfsame::{Challenge, Fork, HopAnswer, Introduction, LineageId, Now, Policy, Wanted};
use selfsame_store::{ChallengeOptions, EnrolOptions, Found, PeerSummary, ReportedFork, Store};

use super::peers::{Denial, Peers};
use crate::clock;
use crate::exit::Code;
use crate::failure::Failure;

/// The file, and when it was asked: its clocks are read before the file is waited for, and while a person thinks,
/// neither a proof that came before nor its challenge grows old.
pub(super) struct File {
    store: Store,
    now: Now,
}

impl File {
    /// Opens the file, and makes one where there is none.
    pub(super) fn open(file: &Path) -> Result<Self, Denial> {
        let now = clock::now().map_err(|error| Failure::system("no clock", &error))?;
        Ok(Self { store: Store::open(file)?, now })
    }

    /// Opens the file that is there.
    pub(super) fn existing(file: &Path) -> Result<Self, Denial> {
        if !file.exists() {
            let text = format!("{}: there is no such store", file.display());
            let failure = Failure::new(Code::Unusable, "StoreUnavailable", text);
            return Err(failure.next("check the path; `challenge` and `meet` make a new store").into());
        }
        Self::open(file)
    }
}

impl Peers for File {
    fn challenge(
        &mut self,
        peer: &str,
        audience: &str,
        options: &ChallengeOptions,
    ) -> Result<Challenge, Denial> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| Failure::system("no random bytes", &error))?;
        Ok(self.store.challenge(peer, audience, &nonce, &self.now, options)?)
    }

    fn meet(&mut self, peer: &str, introduction: &Introduction, replace: bool) -> Result<(), Denial> {
        Ok(self.store.meet(peer, introduction, &self.now, replace)?)
    }

    fn enrol(&mut self, peer: &str, proof: &[u8], succeeds: bool, dry_run: bool) -> Result<Found, Denial> {
        let options = EnrolOptions { succeeds, dry_run, ..EnrolOptions::default() };
        Ok(Found::from(&self.store.enrol(peer, proof, &self.now, &options)?))
    }

    fn verify(
        &mut self,
        peer: &str,
        proof: &[u8],
        wanted: &Wanted,
        pass_time: bool,
    ) -> Result<Found, Denial> {
        let policy = Policy { wanted: wanted.clone(), pass_time, ..Policy::default() };
        Ok(Found::from(&self.store.verify(peer, proof, &self.now, &policy)?))
    }

    fn questions(&mut self, peer: &str) -> Result<Vec<(u64, u8)>, Denial> {
        Ok(self.store.questions(peer)?)
    }

    fn confront(&mut self, peer: &str, answer: &HopAnswer) -> Result<Option<Fork>, Denial> {
        Ok(self.store.confront(peer, answer)?)
    }

    fn peers(&mut self) -> Result<Vec<PeerSummary>, Denial> {
        Ok(self.store.peers()?)
    }

    fn forget(&mut self, peer: &str) -> Result<(), Denial> {
        Ok(self.store.forget(peer)?)
    }

    fn forks(&mut self, peer: Option<&str>) -> Result<Vec<Fork>, Denial> {
        Ok(self.store.forks(peer)?)
    }

    fn whose(&mut self, lineage: &LineageId) -> Result<Option<String>, Denial> {
        Ok(self.store.whose(lineage)?)
    }

    fn report_fork(&mut self, fork: &Fork) -> Result<ReportedFork, Denial> {
        Ok(self.store.report_fork(fork)?)
    }
}

/// Bytes of a nonce: 32 unless there is a reason (protocol section 7).
const NONCE_BYTES: usize = 32;
