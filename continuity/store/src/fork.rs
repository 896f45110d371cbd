//! Finding forks by questions, and taking evidence of them from others.

use selfsame::{Fork, ForkStart, HopAnswer, LineageId};

use crate::error::StoreError;
use crate::name::Name;
use crate::rows::Holder;
use crate::store::{Done, Store};

/// Evidence of a fork that was checked and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedFork {
    /// The peer whose lineage is, or was, forked.
    pub peer: String,
    /// From where it was shown.
    pub start: ForkStart,
    /// Whether no fork of this lineage was known before.
    pub is_new: bool,
}

impl Store {
    /// The hops to ask a peer's host for after a refusal, as index and tier (protocol section 7).
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownPeer`].
    pub fn questions(&mut self, peer: &str) -> Result<Vec<(u64, u8)>, StoreError> {
        Ok(self.peer(peer)?.questions())
    }

    /// Takes the host's answer to one of the questions, and keeps the fork that it shows, if any.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownPeer`]; [`StoreError::OtherAnswer`] where it is of another lineage than the peer's.
    pub fn confront(&mut self, peer: &str, answer: &HopAnswer) -> Result<Option<Fork>, StoreError> {
        let name = Name::parse(peer)?;
        self.change(|rows| {
            let known = rows.known(&name)?;
            let found = *answer.hop.moment().lineage();
            if found != known.lineage {
                return Err(StoreError::OtherAnswer { expected: known.lineage, found });
            }
            let mut peer = known.peer.clone();
            let fork = peer.confront(answer);
            rows.keep_peer(&known, &peer, None)?;
            if let Some(fork) = &fork {
                rows.keep_fork(fork)?;
            }
            Ok(Done::Keep(fork))
        })
    }

    /// The forks that are known of a peer's present and past lineages; of all lineages, forgotten peers' included,
    /// where no peer is named.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownPeer`].
    pub fn forks(&mut self, peer: Option<&str>) -> Result<Vec<Fork>, StoreError> {
        let Some(name) = peer.map(Name::parse).transpose()? else {
            return self.read(|rows| rows.all_forks());
        };
        self.read(|rows| {
            rows.known(&name)?;
            rows.forks_of(&name)
        })
    }

    /// Bytes of all that [`Store::forks`] would give, without reading it.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownPeer`].
    pub fn fork_bytes(&mut self, peer: Option<&str>) -> Result<u64, StoreError> {
        let Some(name) = peer.map(Name::parse).transpose()? else {
            return self.read(|rows| rows.all_fork_bytes());
        };
        self.read(|rows| {
            rows.known(&name)?;
            rows.fork_bytes_of(&name)
        })
    }

    /// Whether a fork of this lineage is known.
    ///
    /// # Errors
    ///
    /// Where the file can't be read.
    pub fn is_forked(&mut self, lineage: &LineageId) -> Result<bool, StoreError> {
        self.read(|rows| rows.is_forked(lineage))
    }

    /// Takes evidence of a fork from anyone, checks it, and keeps it: one a lineage, rather one for anyone than one
    /// for who holds the moment that it starts from. Of a past lineage no moment is held any more: only one for
    /// anyone can show its fork.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownLineage`] where no peer is or was of the lineage; [`StoreError::NoFork`]: why it shows
    /// none.
    pub fn report_fork(&mut self, fork: &Fork) -> Result<ReportedFork, StoreError> {
        let lineage = *fork.lineage();
        self.change(|rows| {
            let (peer, start) = match rows.holder(&lineage)? {
                None => return Err(StoreError::UnknownLineage { lineage }),
                Some(Holder::Past(peer)) => (peer, fork.check([])?),
                Some(Holder::Present(peer)) => {
                    let known = rows.known(&Name::parse(&peer)?)?;
                    let mut learning = known.peer.clone();
                    let start = learning.learn(fork)?;
                    rows.keep_peer(&known, &learning, None)?;
                    (peer, start)
                }
            };
            let is_new = rows.keep_fork(fork)?;
            Ok(Done::Keep(ReportedFork { peer, start, is_new }))
        })
    }
}
