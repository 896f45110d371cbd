//! A verdict as the bus has it.

use selfsame::Subject;
use selfsame_dbus::{ByteBuf, VerdictReply, VerdictSubject};
use selfsame_store::Found;

/// What is found, member by member.
pub(super) fn verdict(found: Found) -> VerdictReply {
    VerdictReply {
        lineage: found.lineage,
        index: found.index,
        gap_ms: found.gap_ms,
        hops: found.hops,
        stalled_ms: found.stalled_ms,
        confirmed: found.confirmed,
        moved: found.moved,
        first: found.first,
        time: found.time,
        by_wall: found.by_wall,
        subject: subject(found.subject),
        payload: ByteBuf::from(found.payload),
        evidence: ByteBuf::from(found.evidence),
        drift: found.drift,
        condition: found.condition,
        reason: found.reason,
        predecessor: found.predecessor,
        forked: found.forked,
        succeeds: found.succeeds,
        claim: found.claim,
        claim_ms: found.claim_ms,
        claim_index: found.claim_index,
        tpm_resets: found.tpm_resets,
        tpm_clock: found.tpm_clock,
        tpm_clock_ms: found.tpm_clock_ms,
        silent_ms: found.silent_ms,
    }
}

fn subject(subject: Subject) -> VerdictSubject {
    let Subject { uid, gid, pid, unit, exe, label, app, invocation } = subject;
    let invocation = invocation.map(|id| ByteBuf::from(id.to_vec()));
    VerdictSubject { uid, gid, pid, unit, exe, label, app, invocation }
}
