//! What speaks for or against a new lineage: whom it says it follows, its TPM, and what is known of the one before.

use selfsame_store::{Found, span};
use serde_json::json;

use super::verdict::Told;
use crate::origin;
use crate::printable::printable;

/// Adds what is found of a lineage's origin; of one that succeeds, or would succeed, a peer's, all that there is to
/// decide by.
pub(super) fn add(told: &mut Told, found: &Found) {
    let Found { reason, predecessor, succeeds, forked, .. } = found;
    if let Some(lineage) = forked {
        let text = format!(
            "a fork of {} is known: that host was copied. The new lineage is not forked, and is the host's or the \
             copy's: find out whose",
            printable(lineage)
        );
        told.add("ALARM", text, "forked", json!(lineage));
    }
    if let Some(reason) = reason {
        let origin = origin::in_words(reason, predecessor.as_deref().unwrap_or_default());
        told.add("origin", origin, "reason", json!(reason));
    }
    if let Some(before) = predecessor {
        told.set("predecessor", json!(before));
    }
    if let Some(lineage) = succeeds {
        told.add("peer's lineage", printable(lineage), "succeeds", json!(lineage));
        add_comparison(told, found);
    }
}

/// Adds how it stands to what is known of the peer.
fn add_comparison(told: &mut Told, found: &Found) {
    if let Some(claim) = &found.claim {
        let text = in_words(claim, found.claim_ms.unwrap_or(0), found.claim_index.unwrap_or(0));
        told.add("its word", text, "claim", json!(claim));
        told.set("claim_ms", json!(found.claim_ms));
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
    let clock = clock(found.tpm_clock.as_deref(), found.tpm_clock_ms.unwrap_or(0));
    told.add("TPM clock", clock, "tpm_clock", json!(found.tpm_clock));
    told.set("tpm_clock_ms", json!(found.tpm_clock_ms));
    if let Some(silent) = found.silent_ms {
        told.add("silent for", format!("{} since it was last met", span(silent)), "silent_ms", json!(silent));
    }
}

/// What the word on the predecessor is worth; `ms` is the time between the moment that it names and the anchor.
fn in_words(claim: &str, ms: u64, index: u64) -> String {
    let time = span(ms);
    match (claim, ms) {
        ("nobody", _) => "it names no predecessor".to_owned(),
        ("other", _) => "it names another than the peer's lineage".to_owned(),
        ("past", _) => {
            "it names a lineage that was the peer's before its present one: an old state may have come back"
                .to_owned()
        }
        ("known", 0) => "it names the very moment that was accepted last of the peer's".to_owned(),
        ("known", _) => format!("it names a moment of the peer's that was accepted, {time} before the last"),
        ("ahead", _) => {
            format!(
                "it names a moment of the peer's {time} after the last that was accepted: it is not known here"
            )
        }
        ("behind", _) => {
            let why = match ms {
                ..=NOTED_EVERY_MS => "as may be",
                _ => "it could not, or an old state has come back",
            };
            format!(
                "it names a moment of the peer's {time} before the last that was accepted; a host notes its last once a \
                 minute: {why}"
            )
        }
        ("false", _) => format!(
            "it names a moment of the peer's, of index {index}, where another was accepted: it is none of the history \
             that is known"
        ),
        // of a later version
        (other, _) => printable(other),
    }
}

/// How its TPM's clock stands to what it last said.
fn clock(step: Option<&str>, by_ms: u64) -> String {
    let by = span(by_ms);
    match step {
        None => "not known: one of the two does not say".to_owned(),
        Some("on") => format!("goes on, {by} after it last said"),
        Some("unsafe") => format!("behind by {by}, as may be after a loss of power, and it says so"),
        Some("back") => format!("behind by {by}: another TPM's, or one that was cleared"),
        // of a later version
        Some(other) => printable(other),
    }
}

/// Source: the agent keeps its last head once a minute (ARCHITECTURE.md, "How data flows").
const NOTED_EVERY_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_claim_says_what_it_is_worth() {
        for (claim, ms, index, part) in [
            ("nobody", 0, 0, "no predecessor"),
            ("other", 0, 0, "another than the peer's"),
            ("past", 0, 0, "an old state may have come back"),
            ("known", 0, 0, "the very moment"),
            ("known", 1000, 0, "1.0 s before the last"),
            ("ahead", 1000, 0, "1.0 s after the last"),
            ("behind", 60_000, 0, "as may be"),
            ("behind", 60_001, 0, "an old state has come back"),
            ("false", 0, 7, "index 7"),
            ("later\n", 0, 0, "later\\n"),
        ] {
            let text = in_words(claim, ms, index);
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_clock_goes_on_or_is_behind() {
        for (step, by_ms, part) in [
            (None, 0, "not known"),
            (Some("on"), 5, "goes on, 5 ms after"),
            (Some("unsafe"), 6, "by 6 ms, as may be after a loss of power"),
            (Some("back"), 7, "another TPM's"),
            (Some("later"), 7, "later"),
        ] {
            let text = clock(step, by_ms);
            assert!(text.contains(part), "{text}");
        }
    }
}
