//! Why a lineage began, in words.

use crate::printable::printable;

/// Why it began and whom it follows, for people: `follows LINEAGE: the host was started anew (boot)`. The predecessor is
/// empty where there is none.
pub(crate) fn in_words(reason: &str, predecessor: &str) -> String {
    let why = match reason {
        "install" => "the agent's first on this host",
        "boot" => "the host was started anew",
        "lost" => "the agent's memory was lost while the host was up, or what it keeps of it can't be read",
        "clone" => "the platform said that the host was cloned",
        "rollback" => "the platform said that the host was rolled back",
        "reset" => "the TPM was reset",
        "hibernate" => "the host was about to hibernate",
        "ended" => "a person ended the one before",
        // of a later version
        other => return with(predecessor, &printable(other)),
    };
    with(predecessor, &format!("{why} ({reason})"))
}

fn with(predecessor: &str, why: &str) -> String {
    if predecessor.is_empty() { why.to_owned() } else { format!("follows {}: {why}", printable(predecessor)) }
}

#[cfg(test)]
mod tests {
    use selfsame::Reason;

    use super::*;

    #[test]
    fn it_says_whom_it_follows_and_why() {
        assert_eq!(in_words("install", ""), "the agent's first on this host (install)");
        assert_eq!(in_words("boot", "selfsame1x"), "follows selfsame1x: the host was started anew (boot)");
        assert_eq!(in_words("la\nter", "a\u{1b}"), "follows a\\u{1b}: la\\nter");
    }

    #[test]
    fn every_reason_of_the_protocol_has_words() {
        for reason in [
            Reason::Install,
            Reason::Boot,
            Reason::Lost,
            Reason::Clone,
            Reason::Rollback,
            Reason::Reset,
            Reason::Hibernate,
            Reason::Ended,
        ] {
            let reason = reason.as_str();
            assert!(in_words(reason, "").ends_with(&format!(" ({reason})")), "{reason}");
        }
    }
}
