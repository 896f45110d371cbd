//! What is found of a proof that stands, in plain types: the D-Bus contract's verdict, member by member, so that it is
//! the same whether the agent or the `selfsame` command has asked the store.

use selfsame::{Subject, Timing, Verdict};

use crate::enrol::Enrolment;
use crate::span::{ms_of_ticks, ms_of_ticks_at_least};
use crate::succession::Claim;
use crate::tpm::TpmStep;

/// A verdict by the contract's names. Those that are `None` of a [`Verdict`] are an [`Enrolment`]'s.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The lineage, as text.
    pub lineage: String,
    /// Index of the moment that the statement is in.
    pub index: u64,
    /// Milliseconds from what was known before to that moment.
    pub gap_ms: u64,
    /// Hops in the proof.
    pub hops: u32,
    /// Milliseconds by which it lags, rounded up.
    pub stalled_ms: u64,
    /// False: the host no longer remembers a head that was accepted of it. At a first meeting there is none to remember.
    pub confirmed: bool,
    /// Whether this is the newest that is known.
    pub moved: bool,
    /// Whether it was a first meeting.
    pub first: bool,
    /// `checked`, `first` or `unjudged`.
    pub time: String,
    /// Whether time was checked by wall time, to ten minutes.
    pub by_wall: bool,
    /// Who made the statement.
    pub subject: Subject,
    /// What the statement carries; may be empty.
    pub payload: Vec<u8>,
    /// What the host says of itself: CBOR (protocol section 5).
    pub evidence: Vec<u8>,
    /// How unusual the host's behaviour is, 0 to 1.
    pub drift: Option<f64>,
    /// `steady`, `warming` or `degraded`.
    pub condition: Option<String>,
    /// Why the lineage began, by its own word.
    pub reason: Option<String>,
    /// The lineage that it says it follows, as text.
    pub predecessor: Option<String>,
    /// The lineage before it of which a fork is known, as text.
    pub forked: Option<String>,
    /// The peer's lineage that it succeeds, or would, as text.
    pub succeeds: Option<String>,
    /// What its word on its predecessor is worth: `nobody`, `other`, `past`, `known`, `ahead`, `behind` or `false`.
    pub claim: Option<String>,
    /// Milliseconds between the moment that it names and the last that was accepted, rounded up.
    pub claim_ms: Option<u64>,
    /// The index that it names, where that is none of the known history.
    pub claim_index: Option<u64>,
    /// How often the host's TPM was reset meanwhile.
    pub tpm_resets: Option<u64>,
    /// `on`, `unsafe` or `back`.
    pub tpm_clock: Option<String>,
    /// By how many milliseconds.
    pub tpm_clock_ms: Option<u64>,
    /// Milliseconds since the peer was last met.
    pub silent_ms: Option<u64>,
}

impl From<&Verdict> for Found {
    fn from(verdict: &Verdict) -> Self {
        let Verdict { lineage, index, gap, hops, lag, known, moved, first_meeting, timing, .. } = verdict;
        let (statement, evidence) = (&verdict.statement, &verdict.evidence);
        let fields = evidence.fields();
        let thousandths = fields.behaviour.and_then(|behaviour| behaviour.drift);
        let (time, by_wall) = match timing {
            Timing::Checked => ("checked", false),
            Timing::CheckedByWall => ("checked", true),
            Timing::First => ("first", false),
            Timing::Unjudged => ("unjudged", false),
        };
        Self {
            lineage: lineage.to_string(),
            index: *index,
            gap_ms: ms_of_ticks(*gap),
            hops: u32::try_from(*hops).unwrap_or(u32::MAX),
            stalled_ms: ms_of_ticks_at_least(*lag),
            // unconfirmed is what the host said no to (protocol section 7)
            confirmed: *known != Some(false),
            moved: *moved,
            first: *first_meeting,
            time: time.to_owned(),
            by_wall,
            subject: statement.subject().clone(),
            payload: statement.payload().unwrap_or_default().to_vec(),
            evidence: evidence.as_bytes().to_vec(),
            drift: thousandths.map(|thousandths| thousandths as f64 / 1000.0),
            condition: fields.condition.map(|condition| condition.as_str().to_owned()),
            ..Self::default()
        }
    }
}

impl From<&Enrolment> for Found {
    fn from(enrolment: &Enrolment) -> Self {
        let Enrolment { verdict, reason, predecessor, succeeds, claim, forked, .. } = enrolment;
        let (claim, claim_ms, claim_index) = claim.as_ref().map_or((None, None, None), of_claim);
        let (tpm_clock, tpm_clock_ms) = match enrolment.tpm_step {
            None => (None, None),
            Some(TpmStep::On { by_ms }) => (Some("on"), Some(by_ms)),
            Some(TpmStep::Unsafe { by_ms }) => (Some("unsafe"), Some(by_ms)),
            Some(TpmStep::Back { by_ms }) => (Some("back"), Some(by_ms)),
        };
        Self {
            reason: Some(reason.as_str().to_owned()),
            predecessor: predecessor.map(|before| before.lineage.to_string()),
            forked: forked.map(|lineage| lineage.to_string()),
            succeeds: succeeds.map(|lineage| lineage.to_string()),
            claim: claim.map(str::to_owned),
            claim_ms,
            claim_index,
            tpm_resets: enrolment.tpm_resets,
            tpm_clock: tpm_clock.map(str::to_owned),
            tpm_clock_ms,
            silent_ms: enrolment.silent_ms,
            ..Self::from(verdict)
        }
    }
}

/// A claim's name, how far the moment that it names is from the anchor, and an index that is false.
fn of_claim(claim: &Claim) -> (Option<&'static str>, Option<u64>, Option<u64>) {
    match *claim {
        Claim::Nobody => (Some("nobody"), None, None),
        Claim::Other => (Some("other"), None, None),
        Claim::Past => (Some("past"), None, None),
        Claim::Known { behind } => (Some("known"), Some(ms_of_ticks_at_least(behind)), None),
        Claim::Ahead { by } => (Some("ahead"), Some(ms_of_ticks_at_least(by)), None),
        Claim::Behind { by } => (Some("behind"), Some(ms_of_ticks_at_least(by)), None),
        Claim::False { index } => (Some("false"), None, Some(index)),
    }
}

#[cfg(test)]
mod tests {
    use selfsame::{
        Behaviour, Condition, Digest, Evidence, EvidenceFields, Head, LineageId, Predecessor, Reason,
        Statement,
    };

    use super::*;

    fn verdict() -> Verdict {
        let digest = [0; 32];
        // audience "a", a challenge, uid 33, payload "hi" (protocol section 6)
        let statement =
            [&[0xa4, 1, 0x61, b'a', 2, 0x58, 32][..], &digest, &[3, 0xa1, 1, 0x18, 33, 4, 0x42, b'h', b'i']];
        let behaviour = Some(Behaviour { drift: Some(125), ..Behaviour::default() });
        let condition = Some(Condition::Degraded);
        let fields = EvidenceFields { behaviour, condition, ..EvidenceFields::default() };
        Verdict {
            lineage: LineageId::new([1; 32]),
            index: 8192,
            gap: 4097,
            hops: 3,
            lag: 1,
            known: Some(true),
            moved: true,
            first_meeting: false,
            timing: Timing::Checked,
            statement: Statement::parse(&statement.concat()).expect("a statement"),
            evidence: Evidence::new(fields).expect("it is short"),
            wall_ms: 7,
        }
    }

    fn enrolment() -> Enrolment {
        Enrolment {
            verdict: verdict(),
            reason: Reason::Install,
            predecessor: None,
            succeeds: None,
            claim: None,
            forked: None,
            tpm_resets: None,
            tpm_step: None,
            silent_ms: None,
        }
    }

    #[test]
    fn a_verdict_has_the_contracts_members() {
        let verdict = verdict();
        let expected = Found {
            lineage: LineageId::new([1; 32]).to_string(),
            index: 8192,
            // down for what has passed, up for what is wrong
            gap_ms: 1000,
            stalled_ms: 1,
            hops: 3,
            confirmed: true,
            moved: true,
            first: false,
            time: "checked".into(),
            by_wall: false,
            subject: Subject { uid: Some(33), ..Subject::default() },
            payload: b"hi".to_vec(),
            evidence: verdict.evidence.as_bytes().to_vec(),
            drift: Some(0.125),
            condition: Some("degraded".into()),
            ..Found::default()
        };
        assert_eq!(Found::from(&verdict), expected);
    }

    #[test]
    fn it_is_unconfirmed_where_the_host_said_so_and_only_there() {
        for (known, confirmed) in [(None, true), (Some(true), true), (Some(false), false)] {
            assert_eq!(Found::from(&Verdict { known, ..verdict() }).confirmed, confirmed);
        }
    }

    #[test]
    fn how_time_was_checked_is_told() {
        for (timing, time, by_wall) in [
            (Timing::Checked, "checked", false),
            (Timing::CheckedByWall, "checked", true),
            (Timing::First, "first", false),
            (Timing::Unjudged, "unjudged", false),
        ] {
            let found = Found::from(&Verdict { timing, ..verdict() });
            assert_eq!((&*found.time, found.by_wall), (time, by_wall));
        }
    }

    #[test]
    fn each_claim_has_its_name_and_what_goes_with_it() {
        for (claim, name, ms, index) in [
            (Claim::Nobody, "nobody", None, None),
            (Claim::Other, "other", None, None),
            (Claim::Past, "past", None, None),
            (Claim::Known { behind: 0 }, "known", Some(0), None),
            (Claim::Known { behind: 4096 }, "known", Some(1000), None),
            (Claim::Ahead { by: 4097 }, "ahead", Some(1001), None),
            (Claim::Behind { by: 1 }, "behind", Some(1), None),
            (Claim::False { index: 7 }, "false", None, Some(7)),
        ] {
            let found = Found::from(&Enrolment { claim: Some(claim), ..enrolment() });
            assert_eq!((found.claim.as_deref(), found.claim_ms, found.claim_index), (Some(name), ms, index));
        }
    }

    #[test]
    fn what_there_is_to_decide_by_is_told() {
        let [own, before, forked] = [2, 3, 4].map(|byte| LineageId::new([byte; 32]));
        let head = Head { index: 1, digest: Digest::new([0; 32]) };
        let full = Enrolment {
            reason: Reason::Boot,
            predecessor: Some(Predecessor { lineage: before, head }),
            succeeds: Some(own),
            forked: Some(forked),
            tpm_resets: Some(1),
            silent_ms: Some(5),
            ..enrolment()
        };
        for (step, name) in [
            (TpmStep::On { by_ms: 6 }, "on"),
            (TpmStep::Unsafe { by_ms: 6 }, "unsafe"),
            (TpmStep::Back { by_ms: 6 }, "back"),
        ] {
            let found = Found::from(&Enrolment { tpm_step: Some(step), ..full.clone() });
            let expected = Found {
                reason: Some("boot".into()),
                predecessor: Some(before.to_string()),
                succeeds: Some(own.to_string()),
                forked: Some(forked.to_string()),
                tpm_resets: Some(1),
                tpm_clock: Some(name.into()),
                tpm_clock_ms: Some(6),
                silent_ms: Some(5),
                ..Found::from(&verdict())
            };
            assert_eq!(found, expected);
        }
        let found = Found::from(&enrolment());
        assert_eq!(found, Found { reason: Some("install".into()), ..Found::from(&verdict()) });
    }
}
