//! `org.selfsame.Identity1`: what local callers ask of this host's identity.

use std::sync::Arc;

use selfsame::{Challenge, HopError, ProveRefusal, Reason, Request};
use selfsame_dbus::{ByteBuf, Bytes, CallerCount, Check, Error, Origin, Source, limits};
use selfsame_tsm_report::{Report, ReportData};
use zbus::{Connection, interface, message::Header, object_server::SignalEmitter};

use super::{
    Parts,
    caller::{Caller, Callers},
    diagnosing::Diagnosing,
    given::Given,
    limits::{arguments_fit, bytes_of},
    once_a_minute::OnceAMinute,
    proofs::Proofs,
    report::TeeReports,
    rights::{Right, Rights},
    waiting::{Most, OTHERS, PROVING_MOST, Place, Unknown, Waiting},
};
use crate::{
    audit,
    behaviour::{Audited, Seen},
    entropy::Status,
    keeper::{Keeper, KeeperError},
};

/// The interface's object.
pub(crate) struct Identity {
    keeper: Keeper,
    sources: Status,
    seen: Arc<Seen>,
    callers: Callers,
    rights: Rights,
    unknown: Unknown,
    proving: Waiting,
    others: Waiting,
    proofs: Proofs,
    foreign_anchors: OnceAMinute,
    diagnosing: Diagnosing,
    reports: TeeReports,
}

impl Identity {
    pub(super) fn new(parts: Parts, callers: Callers, rights: Rights) -> Self {
        let Parts { keeper, sources, seen, waiting_per_uid, diagnosing, reports } = parts;
        Self {
            keeper,
            sources,
            seen,
            callers,
            rights,
            unknown: Unknown::default(),
            proving: Waiting::new(Most { per_uid: waiting_per_uid, queued: PROVING_MOST }),
            others: Waiting::new(OTHERS),
            proofs: Proofs::default(),
            foreign_anchors: OnceAMinute::default(),
            diagnosing,
            reports,
        }
    }

    /// Who makes this call, where they have the right, and the call's place among theirs. It is counted from before polkit is
    /// asked: who may not is bounded, too.
    async fn admit(
        &self,
        right: Right,
        waiting: &Waiting,
        header: &Header<'_>,
        bus: &Connection,
    ) -> Result<(Caller, Place), Error> {
        // what waits for polkit, or for its turn, is in memory meanwhile
        arguments_fit(bytes_of(header), limits::CALL_MAX_BYTES)?;
        let uid = match self.callers.known(header, |uid, _| uid) {
            Some(uid) => uid,
            None => {
                let _entry = self.unknown.enter()?;
                self.callers.uid(header, bus).await?
            }
        };
        let place = waiting.enter(uid)?;
        Ok((self.rights.check(right, header, bus).await?, place))
    }
}

#[interface(name = "org.selfsame.Identity1")]
impl Identity {
    /// Answers a challenge with a proof of continuity, and with a statement of the caller in it.
    #[zbus(out_args("proof"))]
    async fn prove(
        &self,
        audience: &str,
        challenge: &Bytes,
        payload: &Bytes,
        options: Given<'_>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<ByteBuf, Error> {
        let (caller, mut place) = self.admit(Right::Prove, &self.proving, &header, bus).await?;
        let challenge = check(audience, challenge, payload, options.any())?;
        place.queue()?;
        let request = Request {
            audience: audience.to_owned(),
            challenge,
            subject: caller.subject(),
            payload: (!payload.is_empty()).then(|| payload.to_vec()),
        };
        let answer = self.keeper.prove(request).await.map_err(keeper_error)?;
        if matches!(answer, Err(ProveRefusal::ForeignAnchor { .. }))
            && self.foreign_anchors.may_tell(caller.uid)
        {
            audit::foreign_anchor(&self.keeper.published().face().lineage.to_string(), &caller);
        }
        match answer {
            Ok(proof) => {
                self.proofs.count(&caller);
                Ok(ByteBuf::from(proof.encode()))
            }
            Err(refusal) => Err(refused(&refusal)),
        }
    }

    /// The lineage's first moment.
    #[zbus(out_args("body"))]
    async fn genesis(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<ByteBuf, Error> {
        let _caller = self.admit(Right::Prove, &self.others, &header, bus).await?;
        Ok(ByteBuf::from(self.keeper.published().face().genesis.body()))
    }

    /// An introduction of this host: its genesis and its newest moment.
    #[zbus(out_args("introduction"))]
    async fn introduce(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<ByteBuf, Error> {
        let (_, mut place) = self.admit(Right::Prove, &self.others, &header, bus).await?;
        place.queue()?;
        let introduction = self.keeper.introduce().await.map_err(keeper_error)?;
        Ok(ByteBuf::from(introduction.encode()))
    }

    /// One hop of this host's own history, and the way to where its pledge was made.
    #[zbus(out_args("hop", "way"))]
    async fn hop(
        &self,
        index: u64,
        tier: u8,
        way: bool,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(ByteBuf, Vec<ByteBuf>), Error> {
        let (_, mut place) = self.admit(Right::Prove, &self.others, &header, bus).await?;
        place.queue()?;
        let answer = self.keeper.hop(index, tier, way).await.map_err(keeper_error)?;
        let answer = answer.map_err(|refusal| match refusal {
            HopError::Range { .. } => Error::InvalidArgument(refusal.to_string()),
            _ => Error::NotKept(refusal.to_string()),
        })?;
        let way = answer.way.iter().map(|hop| ByteBuf::from(hop.encode())).collect();
        Ok((ByteBuf::from(answer.hop.encode()), way))
    }

    /// A report by the TEE that this host runs in, over the lineage and a nonce.
    #[zbus(out_args("provider", "report", "aux"))]
    async fn report(
        &self,
        nonce: &Bytes,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(String, ByteBuf, ByteBuf), Error> {
        let _caller = self.admit(Right::Look, &self.others, &header, bus).await?;
        let nonce: &[u8; limits::NONCE_BYTES] = nonce.as_ref().try_into().map_err(|_| {
            Error::InvalidArgument(format!("nonce of {} bytes: exactly {}", nonce.len(), limits::NONCE_BYTES))
        })?;
        let data = ReportData::new(self.keeper.published().lineage().as_bytes(), nonce);
        let Report { provider, report, aux } = self.reports.report(&data).await?;
        Ok((provider, ByteBuf::from(report), ByteBuf::from(aux)))
    }

    /// What the agent finds where it looks at all that it needs.
    #[zbus(out_args("checks"))]
    async fn diagnose(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<Vec<Check>, Error> {
        let _caller = self.admit(Right::Look, &self.others, &header, bus).await?;
        self.diagnosing.checks().await
    }

    /// For whom the agent has made proofs since it started, the most recent first.
    #[zbus(out_args("callers"))]
    async fn callers(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<Vec<CallerCount>, Error> {
        let _caller = self.admit(Right::Look, &self.others, &header, bus).await?;
        Ok(self.proofs.all())
    }

    /// The sample that the moment of this index commits to.
    #[zbus(out_args("body", "blind", "sample"))]
    async fn audit(
        &self,
        index: u64,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(ByteBuf, ByteBuf, ByteBuf), Error> {
        let _caller = self.admit(Right::Look, &self.others, &header, bus).await?;
        let Some(Audited { body, blind, sample }) = self.seen.audit.find(index) else {
            return Err(Error::NotKept(format!(
                "no sample is kept that a moment of index {index} commits to"
            )));
        };
        Ok((ByteBuf::from(body), ByteBuf::from(blind), ByteBuf::from(sample)))
    }

    /// Ends the lineage, and begins another.
    async fn end(
        &self,
        reason: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
    ) -> Result<(), Error> {
        let (caller, mut place) = self.admit(Right::End, &self.others, &header, bus).await?;
        let reason = match reason {
            "ended" => Reason::Ended,
            "hibernate" => Reason::Hibernate,
            other => {
                let text = format!("reason `{other}`: a person may give \"ended\" or \"hibernate\"");
                return Err(Error::InvalidArgument(text));
            }
        };
        place.queue()?;
        audit::end_asked(reason.as_str(), &caller);
        self.keeper.end(reason).await.map_err(keeper_error)
    }

    /// A lineage has ended, and another has begun.
    #[zbus(signal)]
    pub(super) async fn lineage_ended(
        emitter: &SignalEmitter<'_>,
        lineage: &str,
        reason: &str,
        successor: &str,
    ) -> zbus::Result<()>;

    /// The host's behaviour has reached the threshold of drift.
    #[zbus(signal)]
    pub(super) async fn drift_exceeded(emitter: &SignalEmitter<'_>, drift: f64) -> zbus::Result<()>;

    /// The lineage, as bech32m text.
    #[zbus(property(emits_changed_signal = "true"))]
    fn lineage(&self) -> String {
        self.keeper.published().lineage().to_string()
    }

    /// When the lineage was born: Unix time in milliseconds.
    #[zbus(property(emits_changed_signal = "true"))]
    fn born(&self) -> u64 {
        self.keeper.published().face().genesis.wall_ms()
    }

    /// Index of the newest moment, in ticks of 1/4096 s.
    #[zbus(property(emits_changed_signal = "false"))]
    fn index(&self) -> u64 {
        self.keeper.published().face().head.index
    }

    /// How many moments the lineage has.
    #[zbus(property(emits_changed_signal = "false"))]
    fn moments(&self) -> u64 {
        self.keeper.published().face().moments
    }

    /// How many challenges were refused as `ForeignAnchor`.
    #[zbus(property(emits_changed_signal = "true"))]
    fn foreign_anchors(&self) -> u64 {
        *self.keeper.published().foreign_anchors().borrow()
    }

    /// How well the agent is.
    #[zbus(property(emits_changed_signal = "true"))]
    fn condition(&self) -> &'static str {
        self.sources.condition().as_str()
    }

    /// The sources of entropy.
    #[zbus(property(emits_changed_signal = "true"))]
    fn sources(&self) -> Vec<Source> {
        let sources = self.sources.sources().into_iter();
        sources
            .map(|source| Source {
                healthy: source.healthy(),
                class: source.class.as_str().to_owned(),
                name: source.name,
            })
            .collect()
    }

    /// Where the secret state lives.
    #[zbus(property(emits_changed_signal = "true"))]
    fn memory(&self) -> &'static str {
        self.keeper.published().face().memory
    }

    /// How unusual the newest sample of the host's behaviour is, 0 to 1.
    #[zbus(property(emits_changed_signal = "false"))]
    fn drift(&self) -> f64 {
        self.seen.drift().as_f64()
    }

    /// Why the lineage began.
    #[zbus(property(emits_changed_signal = "true"))]
    fn origin(&self) -> Origin {
        let genesis = self.keeper.published().face().genesis;
        let origin = genesis.origin();
        let predecessor = origin.predecessor().map(|before| before.lineage.to_string());
        Origin { reason: origin.reason().as_str().to_owned(), predecessor: predecessor.unwrap_or_default() }
    }

    /// The agent's version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// Checks the arguments of Prove, all of them before any work is done.
fn check(
    audience: &str,
    challenge: &Bytes,
    payload: &Bytes,
    option: Option<&str>,
) -> Result<Challenge, Error> {
    let invalid = |text: String| Err(Error::InvalidArgument(text));
    if !limits::AUDIENCE_BYTES.contains(&audience.len()) {
        return invalid(format!("audience of {} bytes: 1 to 255", audience.len()));
    }
    if payload.len() > limits::PAYLOAD_MAX_BYTES {
        return invalid(format!("payload of {} bytes: at most {}", payload.len(), limits::PAYLOAD_MAX_BYTES));
    }
    if let Some(option) = option {
        return invalid(format!("option `{option}`: there are none yet"));
    }
    Challenge::parse(challenge).map_err(|error| Error::InvalidArgument(error.to_string()))
}

fn keeper_error(error: KeeperError) -> Error {
    match error {
        KeeperError::Busy => Error::Busy(error.to_string()),
        KeeperError::Ended => {
            Error::Busy("the lineage has just ended, or the agent is ending: try again in a moment".into())
        }
    }
}

fn refused(refusal: &ProveRefusal) -> Error {
    let text = refusal.to_string();
    match refusal {
        ProveRefusal::WrongAudience { .. } => Error::WrongAudience(text),
        ProveRefusal::OtherLineage { .. } => Error::OtherLineage(text),
        ProveRefusal::ForeignAnchor { .. } => Error::ForeignAnchor(text),
        ProveRefusal::TooOld { .. } | ProveRefusal::NotKept { .. } => Error::TooOld(text),
        ProveRefusal::Statement(_) => Error::InvalidArgument(text),
        _ => Error::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_argument_is_checked_and_the_text_says_which() {
        let (nothing, none) = (Bytes::new(&[]), None);
        let text = |result: Result<Challenge, Error>| match result {
            Err(Error::InvalidArgument(text)) => text,
            other => panic!("{other:?}"),
        };
        assert!(text(check("", nothing, nothing, none)).contains("audience of 0 bytes"));
        assert!(text(check(&"a".repeat(256), nothing, nothing, none)).contains("audience of 256 bytes"));
        assert!(text(check("a", nothing, Bytes::new(&[0; 4097]), none)).contains("payload of 4097 bytes"));
        assert!(text(check("a", nothing, nothing, none)).contains("challenge"));
        assert!(text(check("a", Bytes::new(&[0; 4097]), nothing, none)).contains("4097 bytes: at most 4096"));
        assert!(text(check("a", nothing, nothing, Some("later"))).contains("option `later`"));
    }
}
