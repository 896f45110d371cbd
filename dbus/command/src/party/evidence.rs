//! What speaks for or against a new lineage: whom it says it follows, its TPM, and what is known of the one before.

use selfsame_store::{Claim, Enrolment, TpmStep};
use serde_json::{Value, json};

use super::verdict::Told;
use crate::origin;
use crate::quantity::{ms_of_ticks_at_least, span};

/// Adds what is found of a lineage's origin; of one that succeeds, or would succeed, a peer's, all that there is to
/// decide by.
pub(super) fn add(told: &mut Told, found: &Enrolment) {
    let Enrolment { reason, predecessor, succeeds, forked, .. } = found;
    let predecessor = predecessor.map(|before| before.lineage.to_string());
    if let Some(lineage) = forked {
        let lineage = lineage.to_string();
        let text = format!(
            "a fork of {lineage} is known: that host was copied. The new lineage is not forked, and is the host's or \
             the copy's: find out whose"
        );
        told.add("ALARM", text, "forked", json!(lineage));
    }
    let origin = origin::in_words(reason.as_str(), predecessor.as_deref().unwrap_or_default());
    told.add("origin", origin, "reason", json!(reason.as_str()));
    if let Some(before) = predecessor {
        told.set("predecessor", json!(before));
    }
    if let Some(lineage) = succeeds {
        let lineage = lineage.to_string();
        told.add("peer's lineage", lineage.clone(), "succeeds", json!(lineage));
        add_comparison(told, found);
    }
}

/// Adds how it stands to what is known of the peer.
fn add_comparison(told: &mut Told, found: &Enrolment) {
    if let Some(claim) = &found.claim {
        let (name, ms, text) = in_words(claim);
        told.add("its word", text, "claim", json!(name));
        told.set("claim_ms", json!(ms));
    }
    let resets = match found.tpm_resets {
        None => {
            "not known: one of the two does not say, or its count went back, as another TPM's does".to_owned()
        }
        Some(0) => "none since it last said: a start of the host resets its TPM".to_owned(),
        Some(1) => "one since it last said: as by one start of the host".to_owned(),
        Some(resets) => format!("{resets} since it last said: as by so many starts of the host"),
    };
    told.add("TPM resets", resets, "tpm_resets", json!(found.tpm_resets));
    let (step, by_ms, text) = clock(found.tpm_step);
    told.add("TPM clock", text, "tpm_clock", step);
    told.set("tpm_clock_ms", json!(by_ms));
    if let Some(silent) = found.silent_ms {
        told.add("silent for", format!("{} since it was last met", span(silent)), "silent_ms", json!(silent));
    }
}

/// What the word on the predecessor is worth: for programs, the time between the moment that it names and the anchor, and
/// for people.
fn in_words(claim: &Claim) -> (&'static str, Option<u64>, String) {
    let ms = ms_of_ticks_at_least;
    match *claim {
        Claim::Nobody => ("nobody", None, "it names no predecessor".to_owned()),
        Claim::Other => ("other", None, "it names another than the peer's lineage".to_owned()),
        Claim::Past => {
            let text = "it names a lineage that was the peer's before its present one: an old state may have come back";
            ("past", None, text.to_owned())
        }
        Claim::Known { behind: 0 } => {
            ("known", Some(0), "it names the very moment that was accepted last of the peer's".to_owned())
        }
        Claim::Known { behind } => {
            let text = format!(
                "it names a moment of the peer's that was accepted, {} before the last",
                span(ms(behind))
            );
            ("known", Some(ms(behind)), text)
        }
        Claim::Ahead { by } => {
            let text = format!(
                "it names a moment of the peer's {} after the last that was accepted: it is not known here",
                span(ms(by))
            );
            ("ahead", Some(ms(by)), text)
        }
        Claim::Behind { by } => {
            let by = ms(by);
            let why = match by {
                ..=NOTED_EVERY_MS => "as may be",
                _ => "it could not, or an old state has come back",
            };
            let text = format!(
                "it names a moment of the peer's {} before the last that was accepted; a host notes its last once a \
                 minute: {why}",
                span(by)
            );
            ("behind", Some(by), text)
        }
        Claim::False { index } => {
            let text = format!(
                "it names a moment of the peer's, of index {index}, where another was accepted: it is none of the \
                 history that is known"
            );
            ("false", None, text)
        }
    }
}

fn clock(step: Option<TpmStep>) -> (Value, Option<u64>, String) {
    let (name, by_ms, text) = match step {
        None => return (Value::Null, None, "not known: one of the two does not say".to_owned()),
        Some(TpmStep::On { by_ms }) => ("on", by_ms, format!("goes on, {} after it last said", span(by_ms))),
        Some(TpmStep::Unsafe { by_ms }) => (
            "unsafe",
            by_ms,
            format!("behind by {}, as may be after a loss of power, and it says so", span(by_ms)),
        ),
        Some(TpmStep::Back { by_ms }) => {
            ("back", by_ms, format!("behind by {}: another TPM's, or one that was cleared", span(by_ms)))
        }
    };
    (json!(name), Some(by_ms), text)
}

/// Source: the agent keeps its last head once a minute (ARCHITECTURE.md, "How data flows").
const NOTED_EVERY_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_claim_has_its_name_and_says_what_it_is_worth() {
        for (claim, name, ms, part) in [
            (Claim::Nobody, "nobody", None, "no predecessor"),
            (Claim::Other, "other", None, "another than the peer's"),
            (Claim::Past, "past", None, "an old state may have come back"),
            (Claim::Known { behind: 0 }, "known", Some(0), "the very moment"),
            (Claim::Known { behind: 4096 }, "known", Some(1000), "1.0 s before the last"),
            (Claim::Ahead { by: 4096 }, "ahead", Some(1000), "1.0 s after the last"),
            (Claim::Behind { by: 60 * 4096 }, "behind", Some(60_000), "as may be"),
            (Claim::Behind { by: 60 * 4096 + 1 }, "behind", Some(60_001), "an old state has come back"),
            (Claim::False { index: 7 }, "false", None, "index 7"),
        ] {
            let (found, found_ms, text) = in_words(&claim);
            assert_eq!((found, found_ms), (name, ms), "{claim:?}");
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_clock_goes_on_or_is_behind() {
        for (step, name, by_ms, part) in [
            (None, json!(null), None, "not known"),
            (Some(TpmStep::On { by_ms: 5 }), json!("on"), Some(5), "goes on, 5 ms after"),
            (Some(TpmStep::Unsafe { by_ms: 6 }), json!("unsafe"), Some(6), "loss of power"),
            (Some(TpmStep::Back { by_ms: 7 }), json!("back"), Some(7), "another TPM's"),
        ] {
            let (found, found_ms, text) = clock(step);
            assert_eq!((found, found_ms), (name, by_ms), "{step:?}");
            assert!(text.contains(part), "{text}");
        }
    }
}
