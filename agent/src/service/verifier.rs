//! `org.selfsame.Verifier1`: a verifier for the apps on this host.
//!
//! Each method checks its arguments and the caller's right, and has the verifier's thread do the rest: bytes become
//! messages there, too.

mod refusal;
mod reply;

use std::path::PathBuf;

use selfsame::{Fork, Hop, HopAnswer, Introduction, LineageId, ParseError, Policy, Refusal as ProofRefusal};
use selfsame_dbus::{ByteBuf, Bytes, Details, Error, KnownPeer, Question, Refusal, VerdictReply, limits};
use selfsame_store::{ChallengeOptions, EnrolOptions, Found, StoreError};
use zbus::{Connection, interface, message::Header, object_server::SignalEmitter};

use super::{
    caller::{Caller, Callers},
    given::{Given, Way},
    limits::{Limits, Place, Weight, bytes_of},
    rights::{Right, Rights},
};
use crate::{
    audit::{self, ForkShown},
    keeper::random,
    verifier::{Verifier, VerifierError},
};
use refusal::{Refusing, malformed};
use reply::verdict;

/// The interface's object.
pub(crate) struct VerifierObject {
    verifier: Verifier,
    callers: Callers,
    rights: Rights,
    limits: Limits,
    refusing: Refusing,
}

impl VerifierObject {
    /// `file` is the store's, for what is said of it.
    pub(super) fn new(verifier: Verifier, file: PathBuf, callers: Callers, rights: Rights) -> Self {
        Self { verifier, callers, rights, limits: Limits::new(), refusing: Refusing::new(file) }
    }

    /// Who makes this call, where they have the right, and its place among those that are under way: it has one before
    /// anything of it is looked at, and before anybody is asked.
    async fn admit(
        &self,
        weight: Weight,
        header: &Header<'_>,
        bus: &Connection,
    ) -> Result<(Caller, Place), Error> {
        let mut place = self.limits.enter(self.rights.sure(header), weight, bytes_of(header))?;
        if !place.is_known() {
            place.belongs_to(self.callers.uid(header, bus).await?)?;
        }
        let caller = self.rights.check(Right::Verify, header, bus).await?;
        place.may();
        Ok((caller, place))
    }

    /// Keeps the journal, and tells all who listen, of a fork that was not known.
    async fn found(
        &self,
        fork: &Fork,
        bytes: &[u8],
        (peer, shown): (&str, ForkShown),
        caller: &Caller,
        emitter: &SignalEmitter<'_>,
    ) {
        audit::fork_found(peer, &fork.lineage().to_string(), shown, caller);
        if let Err(error) = Self::fork_found(emitter, peer, Bytes::new(bytes)).await {
            tracing::debug!(%error, "a fork could not be told");
        }
    }

    fn refused(&self, error: &VerifierError) -> Refusal {
        self.refusing.of(error)
    }
}

#[interface(name = "org.selfsame.Verifier1")]
impl VerifierObject {
    /// Issue a challenge for a peer: it is good for one proof, for 60 s.
    #[zbus(out_args("challenge"))]
    async fn challenge(
        &self,
        audience: &str,
        peer: &str,
        options: Given<'_>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<ByteBuf, Refusal> {
        let _admitted = self.admit(Weight::Light, &header, bus).await?;
        options.only(&["lineage", "anew"])?;
        let lineage = options.text("lineage")?.map(lineage).transpose()?;
        let options = ChallengeOptions { lineage, anew: options.flag("anew")? };
        audience_fits(audience)?;
        let nonce = random().map_err(|error| Error::Failed(format!("no random bytes: {error}")))?;
        let (audience, peer) = (audience.to_owned(), peer.to_owned());
        let work = self.verifier.ask(move |store, now| {
            let challenge = store.challenge(&peer, &audience, &nonce[..], now, &options)?;
            Ok(challenge.as_bytes().to_vec())
        });
        work.await.map(ByteBuf::from).map_err(|error| self.refused(&error))
    }

    /// Meet a peer by an introduction, from a channel that is trusted.
    async fn meet(
        &self,
        peer: &str,
        introduction: &Bytes,
        options: Given<'_>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Refusal> {
        let (caller, _place) = self.admit(Weight::Light, &header, bus).await?;
        let replace = options.only(&["replace"])?.flag("replace")?;
        let (name, introduction) = (peer.to_owned(), introduction.to_vec());
        let work = self.verifier.ask(move |store, now| {
            let introduction = match Introduction::parse(&introduction) {
                Ok(introduction) => introduction,
                Err(error) => return Ok(Err(error)),
            };
            store.meet(&name, &introduction, now, replace)?;
            Ok(Ok(introduction.anchor().lineage().to_string()))
        });
        let lineage = parsed(work.await.map_err(|error| self.refused(&error))?, "the introduction")?;
        audit::met(peer, &lineage, replace, &caller);
        Ok(())
    }

    /// Enrol a peer by a proof from its lineage's genesis, or let a new lineage succeed a peer's.
    #[zbus(out_args("verdict"))]
    async fn enrol(
        &self,
        peer: &str,
        proof: &Bytes,
        options: Given<'_>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<VerdictReply, Refusal> {
        let (caller, _place) = self.admit(Weight::Heavy, &header, bus).await?;
        options.only(&["succeeds", "dry_run"])?;
        let (succeeds, dry_run) = (options.flag("succeeds")?, options.flag("dry_run")?);
        let _turn = self.limits.turn().await;
        let (name, proof) = (peer.to_owned(), proof.to_vec());
        let options = EnrolOptions { succeeds, dry_run, ..EnrolOptions::default() };
        let work = self.verifier.ask(move |store, now| {
            let enrolment = store.enrol(&name, &proof, now, &options)?;
            Ok(Found::from(&enrolment))
        });
        let found = work.await.map_err(|error| self.refused(&error))?;
        match &found.succeeds {
            _ if dry_run => {}
            Some(before) => audit::succeeded(peer, before, &found.lineage, &caller),
            None => audit::enrolled(peer, &found.lineage, &caller),
        }
        Ok(verdict(found))
    }

    /// Verify a proof of a known peer.
    #[zbus(out_args("verdict"))]
    async fn verify(
        &self,
        peer: &str,
        proof: &Bytes,
        options: Given<'_>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<VerdictReply, Refusal> {
        let (caller, _place) = self.admit(Weight::Heavy, &header, bus).await?;
        options.only(&["subject", "time"])?;
        let policy =
            Policy { wanted: options.wanted()?, pass_time: options.flag("time")?, ..Policy::default() };
        let _turn = self.limits.turn().await;
        let (name, proof) = (peer.to_owned(), proof.to_vec());
        let work = self.verifier.ask(move |store, now| {
            let verdict = store.verify(&name, &proof, now, &policy)?;
            Ok(Found::from(&verdict))
        });
        let outcome = work.await;
        if let Err(VerifierError::Store(StoreError::Refused(ProofRefusal::Forked { fork }))) = &outcome {
            self.found(fork, &fork.encode(), (peer, ForkShown::Proof), &caller, &emitter).await;
        }
        outcome.map(verdict).map_err(|error| self.refused(&error))
    }

    /// What to ask a peer's host after an alarm.
    #[zbus(out_args("questions"))]
    async fn questions(
        &self,
        peer: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<Vec<Question>, Refusal> {
        let _admitted = self.admit(Weight::Light, &header, bus).await?;
        let peer = peer.to_owned();
        let questions = self.verifier.ask(move |store, _| store.questions(&peer)).await;
        let questions = questions.map_err(|error| self.refused(&error))?;
        Ok(questions.into_iter().map(|(index, tier)| Question { index, tier }).collect())
    }

    /// Hold a host's answer to a question against what is kept of the peer.
    #[zbus(out_args("fork"))]
    async fn confront(
        &self,
        peer: &str,
        hop: &Bytes,
        way: Way<'_>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<ByteBuf, Refusal> {
        let (caller, _place) = self.admit(Weight::Heavy, &header, bus).await?;
        let _turn = self.limits.turn().await;
        let (name, hop) = (peer.to_owned(), hop.to_vec());
        let way: Vec<Vec<u8>> = way.0.into_iter().map(|hop| hop.to_vec()).collect();
        let work = self.verifier.ask(move |store, _| {
            let answer = match answer(&hop, &way) {
                Ok(answer) => answer,
                Err(error) => return Ok(Err(error)),
            };
            let was_known = store.is_forked(answer.hop.moment().lineage())?;
            let fork = store.confront(&name, &answer)?;
            Ok(Ok(fork.map(|fork| (fork.encode(), fork, !was_known))))
        });
        let shown = parsed(work.await.map_err(|error| self.refused(&error))?, "the answer")?;
        let Some((bytes, fork, is_new)) = shown else { return Ok(ByteBuf::new()) };
        if is_new {
            self.found(&fork, &bytes, (peer, ForkShown::Answer), &caller, &emitter).await;
        }
        Ok(ByteBuf::from(bytes))
    }

    /// The peers that are known, by name.
    #[zbus(out_args("peers"))]
    async fn peers(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<Vec<KnownPeer>, Refusal> {
        let _admitted = self.admit(Weight::Light, &header, bus).await?;
        let peers =
            self.verifier.ask(|store, _| store.peers()).await.map_err(|error| self.refused(&error))?;
        let peers = peers.into_iter().map(|peer| KnownPeer {
            name: peer.name,
            lineage: peer.lineage.to_string(),
            index: peer.index,
            met_ms: peer.met_wall_ms,
        });
        let peers: Vec<_> = peers.collect();
        // of each the two numbers, and the lengths of the texts with what aligns them
        let bytes: usize = peers.iter().map(|peer| peer.name.len() + peer.lineage.len() + 40).sum();
        fits(bytes, "the peers")?;
        Ok(peers)
    }

    /// Whose lineage this is, or was until another succeeded it.
    #[zbus(out_args("peer"))]
    async fn whose(
        &self,
        lineage: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<String, Refusal> {
        let _admitted = self.admit(Weight::Light, &header, bus).await?;
        let lineage = self::lineage(lineage)?;
        let peer = self.verifier.ask(move |store, _| store.whose(&lineage)).await;
        Ok(peer.map_err(|error| self.refused(&error))?.unwrap_or_default())
    }

    /// Forget a peer, with its challenges and past lineages.
    async fn forget(
        &self,
        peer: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Refusal> {
        let (caller, _place) = self.admit(Weight::Light, &header, bus).await?;
        let name = peer.to_owned();
        let done = self.verifier.ask(move |store, _| store.forget(&name)).await;
        done.map_err(|error| self.refused(&error))?;
        audit::forgotten(peer, &caller);
        Ok(())
    }

    /// The forks that are known.
    #[zbus(out_args("forks"))]
    async fn forks(
        &self,
        peer: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<Vec<ByteBuf>, Refusal> {
        // its answer is heavy
        let _admitted = self.admit(Weight::Heavy, &header, bus).await?;
        let _turn = self.limits.turn().await;
        let peer = peer.to_owned();
        let work = self.verifier.ask(move |store, _| {
            let peer = Some(peer.as_str()).filter(|peer| !peer.is_empty());
            let bytes = store.fork_bytes(peer)?;
            if bytes > limits::FORKS_MAX_BYTES as u64 {
                return Ok(Err(bytes));
            }
            let forks = store.forks(peer)?;
            Ok(Ok(forks.iter().map(|fork| ByteBuf::from(fork.encode())).collect()))
        });
        match work.await.map_err(|error| self.refused(&error))? {
            Ok(forks) => Ok(forks),
            Err(bytes) => Err(too_large(bytes, "the forks")),
        }
    }

    /// Take in a fork that somebody else found.
    async fn report_fork(
        &self,
        fork: &Bytes,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<(), Refusal> {
        let (caller, _place) = self.admit(Weight::Heavy, &header, bus).await?;
        let _turn = self.limits.turn().await;
        let bytes = fork.to_vec();
        let work = self.verifier.ask(move |store, _| match Fork::parse(&bytes) {
            Ok(fork) => {
                let reported = store.report_fork(&fork)?;
                Ok(Ok((fork, reported)))
            }
            Err(error) => Ok(Err(error)),
        });
        let (shown, reported) = parsed(work.await.map_err(|error| self.refused(&error))?, "the fork")?;
        if reported.is_new {
            self.found(&shown, fork, (&reported.peer, ForkShown::Report), &caller, &emitter).await;
        }
        Ok(())
    }

    /// A peer's lineage was found to have been copied.
    #[zbus(signal)]
    async fn fork_found(emitter: &SignalEmitter<'_>, peer: &str, fork: &Bytes) -> zbus::Result<()>;
}

fn lineage(text: &str) -> Result<LineageId, Error> {
    text.parse().map_err(|error| Error::InvalidArgument(format!("lineage: {error}")))
}

fn audience_fits(audience: &str) -> Result<(), Error> {
    if limits::AUDIENCE_BYTES.contains(&audience.len()) {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!("audience of {} bytes: 1 to 255", audience.len())))
}

/// A host's answer, as Hop gave its parts.
fn answer(hop: &[u8], way: &[Vec<u8>]) -> Result<HopAnswer, ParseError> {
    let way = way.iter().map(|hop| Hop::parse(hop)).collect::<Result<_, _>>()?;
    Ok(HopAnswer { hop: Hop::parse(hop)?, way })
}

fn parsed<T>(outcome: Result<T, ParseError>, what: &str) -> Result<T, Refusal> {
    outcome.map_err(|error| malformed(what, &error))
}

fn fits(bytes: usize, what: &str) -> Result<(), Refusal> {
    if bytes > limits::FORKS_MAX_BYTES { Err(too_large(bytes as u64, what)) } else { Ok(()) }
}

fn too_large(bytes: u64, what: &str) -> Refusal {
    let text = format!(
        "{what} are {bytes} bytes, and a message may have {}: ask of one peer, or read the file by `selfsame --store`",
        limits::FORKS_MAX_BYTES
    );
    let details = Details { why: Some("size".into()), ..Details::default() };
    Refusal { error: Error::Busy(text), details: Box::new(details) }
}
