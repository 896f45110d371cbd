//! Peers that the agent keeps: `org.selfsame.Verifier1`.

use selfsame::{Challenge, Fork, ForkStart, HopAnswer, Introduction, LineageId, Subject, Wanted};
use selfsame_dbus::{
    Bus, ByteBuf, Bytes, CallError, KnownPeer, Options, VerdictReply, VerdictSubject, Verifier1Proxy,
};
use selfsame_store::{ChallengeOptions, Found, PeerSummary, ReportedFork};
use zbus::Variant;

use super::peers::{Denial, Peers};
use crate::bus::Line;
use crate::failure::{Failure, Refused};

/// The agent on a bus.
pub(super) struct Agent<'b> {
    line: Line,
    bus: &'b Bus,
}

impl<'b> Agent<'b> {
    /// Connects to the bus.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub(super) fn on(bus: &'b Bus) -> Result<Self, Denial> {
        Ok(Self { line: Line::to(bus)?, bus })
    }

    fn ask<T>(
        &self,
        question: impl AsyncFnOnce(Verifier1Proxy<'static>) -> Result<T, CallError>,
    ) -> Result<T, Denial> {
        let answer = self.line.ask(async |connection| question(Verifier1Proxy::to(connection).await?).await);
        answer.map_err(|error| match &error {
            CallError::Refused(refusal, details) => Denial::Refused(Refused::by_agent(refusal, details)),
            error => Failure::of_call(error, self.bus).into(),
        })
    }
}

impl Peers for Agent<'_> {
    fn challenge(
        &mut self,
        peer: &str,
        audience: &str,
        options: &ChallengeOptions,
    ) -> Result<Challenge, Denial> {
        let ChallengeOptions { lineage, anew } = options;
        let lineage = lineage.map(|lineage| ("lineage", lineage.to_string().into()));
        let options: Options<'_> = lineage.into_iter().chain(flag("anew", *anew)).collect();
        let challenge = self.ask(async |agent| agent.challenge(audience, peer, &options).await)?;
        Challenge::parse(&challenge).map_err(malformed)
    }

    fn meet(&mut self, peer: &str, introduction: &Introduction, replace: bool) -> Result<(), Denial> {
        let options: Options<'_> = flag("replace", replace).collect();
        let introduction = introduction.encode();
        self.ask(async |agent| agent.meet(peer, Bytes::new(&introduction), &options).await)
    }

    fn enrol(&mut self, peer: &str, proof: &[u8], succeeds: bool, dry_run: bool) -> Result<Found, Denial> {
        let options: Options<'_> = flag("succeeds", succeeds).chain(flag("dry_run", dry_run)).collect();
        found(self.ask(async |agent| agent.enrol(peer, Bytes::new(proof), &options).await)?)
    }

    fn verify(
        &mut self,
        peer: &str,
        proof: &[u8],
        wanted: &Wanted,
        pass_time: bool,
    ) -> Result<Found, Denial> {
        let Wanted { uid, unit, app } = wanted;
        let uid = uid.map(|uid| ("uid", uid.into()));
        let texts = [("unit", unit), ("app", app)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?.into())));
        let subject: Options<'_> = uid.into_iter().chain(texts).collect();
        let subject = (!subject.is_empty()).then(|| ("subject", subject.into()));
        let options: Options<'_> = subject.into_iter().chain(flag("time", pass_time)).collect();
        found(self.ask(async |agent| agent.verify(peer, Bytes::new(proof), &options).await)?)
    }

    fn questions(&mut self, peer: &str) -> Result<Vec<(u64, u8)>, Denial> {
        let questions = self.ask(async |agent| agent.questions(peer).await)?;
        Ok(questions.into_iter().map(|question| (question.index, question.tier)).collect())
    }

    fn confront(&mut self, peer: &str, answer: &HopAnswer) -> Result<Option<Fork>, Denial> {
        let (hop, way) = (answer.hop.encode(), answer.way.iter().map(selfsame::Hop::encode));
        let way: Vec<Vec<u8>> = way.collect();
        let way: Vec<&Bytes> = way.iter().map(|hop| Bytes::new(hop)).collect();
        let fork = self.ask(async |agent| agent.confront(peer, Bytes::new(&hop), &way).await)?;
        (!fork.is_empty()).then(|| Fork::parse(&fork).map_err(malformed)).transpose()
    }

    fn peers(&mut self) -> Result<Vec<PeerSummary>, Denial> {
        let peers = self.ask(async |agent| agent.peers().await)?;
        let summary = |KnownPeer { name, lineage, index, met_ms }: KnownPeer| {
            Ok(PeerSummary { name, lineage: lineage.parse().map_err(malformed)?, index, met_wall_ms: met_ms })
        };
        peers.into_iter().map(summary).collect()
    }

    fn forget(&mut self, peer: &str) -> Result<(), Denial> {
        self.ask(async |agent| agent.forget(peer).await)
    }

    fn forks(&mut self, peer: Option<&str>) -> Result<Vec<Fork>, Denial> {
        let forks = self.ask(async |agent| agent.forks(peer.unwrap_or_default()).await)?;
        forks.iter().map(|fork| Fork::parse(fork).map_err(malformed)).collect()
    }

    fn whose(&mut self, lineage: &LineageId) -> Result<Option<String>, Denial> {
        let lineage = lineage.to_string();
        let peer = self.ask(async |agent| agent.whose(&lineage).await)?;
        Ok(Some(peer).filter(|peer| !peer.is_empty()))
    }

    /// Whether it is new is asked before: another who reports the same one meanwhile has done so, too.
    fn report_fork(&mut self, fork: &Fork) -> Result<ReportedFork, Denial> {
        let peer = self.whose(fork.lineage())?;
        let known = match &peer {
            // a peer of so many lineages that were copied that they are no message's: the report is what counts
            Some(peer) => match self.forks(Some(peer)) {
                Err(Denial::Refused(refused)) if refused.is_busy() => Vec::new(),
                known => known?,
            },
            None => Vec::new(),
        };
        let bytes = fork.encode();
        self.ask(async |agent| agent.report_fork(Bytes::new(&bytes)).await)?;
        Ok(ReportedFork {
            peer: peer.unwrap_or_default(),
            // where it has the genesis it is checked from there, whatever is held
            start: if fork.is_for_anyone() { ForkStart::Genesis } else { ForkStart::Held },
            is_new: known.iter().all(|known| known.lineage() != fork.lineage()),
        })
    }
}

/// An option that is said where it is so.
fn flag<'a>(name: &'a str, is_set: bool) -> impl Iterator<Item = (&'a str, Variant<'a>)> {
    is_set.then(|| (name, true.into())).into_iter()
}

/// A verdict's members are the same on the bus.
fn found(verdict: VerdictReply) -> Result<Found, Denial> {
    let VerdictReply {
        lineage, index, gap_ms, hops, stalled_ms, confirmed, moved, first, time, by_wall, ..
    } = verdict;
    let VerdictReply { drift, condition, reason, predecessor, forked, succeeds, claim, claim_ms, .. } =
        verdict;
    let VerdictReply { claim_index, tpm_resets, tpm_clock, tpm_clock_ms, silent_ms, .. } = verdict;
    let (payload, evidence) = (verdict.payload.into_vec(), verdict.evidence.into_vec());
    let VerdictSubject { uid, gid, pid, unit, exe, label, app, invocation } = verdict.subject;
    let id = |id: ByteBuf| <[u8; 16]>::try_from(id.into_vec());
    let invocation = invocation.map(id).transpose();
    let invocation = invocation.map_err(|id| malformed(format!("an invocation id of {} bytes", id.len())))?;
    let subject = Subject { uid, gid, pid, unit, exe, label, app, invocation };
    Ok(Found {
        lineage,
        index,
        gap_ms,
        hops,
        stalled_ms,
        confirmed,
        moved,
        first,
        time,
        by_wall,
        subject,
        payload,
        evidence,
        drift,
        condition,
        reason,
        predecessor,
        forked,
        succeeds,
        claim,
        claim_ms,
        claim_index,
        tpm_resets,
        tpm_clock,
        tpm_clock_ms,
        silent_ms,
    })
}

/// The agent's answer is not as the contract has it.
fn malformed(why: impl ToString) -> Denial {
    let text = format!("the agent's answer is malformed: {}", why.to_string());
    Failure::unexpected(&text).into()
}
