//! Security labels, and what they say of a sandbox.

/// The text of a label, as the bus gives it: bytes, and a zero at their end; `None`: it is none that a statement takes.
///
/// Source: D-Bus specification, `GetConnectionCredentials`, `LinuxSecurityLabel`. `unconfined` is kept: that a module is
/// there which confines this caller in nothing is another thing than that nothing is known.
pub(super) fn text(mut label: Vec<u8>) -> Option<String> {
    if label.last() == Some(&0) {
        label.pop();
    }
    let is_one = LABEL_BYTES.contains(&label.len()) && !label.contains(&0);
    is_one.then(|| String::from_utf8(label).ok()).flatten()
}

/// The app id of a sandboxed app, by the label of its sandbox: `snap.NAME`, as xdg-desktop-portal has it.
///
/// snapd has one AppArmor profile for each app of a snap, `snap.NAME.APP`; only root can load a profile. In any mode
/// but `enforce` it confines nobody, and is no sandbox.
pub(super) fn app(label: &str) -> Option<String> {
    let profile = label.strip_suffix(" (enforce)")?;
    let (name, app) = profile.strip_prefix("snap.")?.split_once('.')?;
    // snapd's own rule for names, a parallel instance's key with them; what is stacked or of a namespace has other signs
    let is_name = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || more.contains(char))
    };
    (is_name(name, "-_") && is_name(app, "-.")).then(|| format!("snap.{name}"))
}

/// Of a label in a statement. Source: docs/protocol.md, section 6.
const LABEL_BYTES: std::ops::RangeInclusive<usize> = 1..=4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_text_with_a_zero_at_its_end() {
        for (label, expected) in [
            (&b"unconfined\0"[..], Some("unconfined")),
            (b"system_u:system_r:init_t:s0\0", Some("system_u:system_r:init_t:s0")),
            (b"snap.a.b (enforce)", Some("snap.a.b (enforce)")),
            (b"", None),
            (b"\0", None),
            (b"a\0b\0", None),
            (b"a\0\0", None),
            (b"\xff\0", None),
        ] {
            assert_eq!(text(label.to_vec()).as_deref(), expected, "{label:?}");
        }
        assert!(text(vec![b'a'; 4096]).is_some());
        assert_eq!(text(vec![b'a'; 4097]), None);
    }

    #[test]
    fn only_a_snaps_own_profile_in_force_names_an_app() {
        for (label, expected) in [
            ("snap.firefox.firefox (enforce)", Some("snap.firefox")),
            ("snap.lxd_two.hook.configure (enforce)", Some("snap.lxd_two")),
            ("snap.firefox.firefox (complain)", None),
            ("snap.firefox.firefox", None),
            ("snap.firefox (enforce)", None),
            ("snap..firefox (enforce)", None),
            ("snap.firefox. (enforce)", None),
            ("snap.firefox.firefox//&:lxd:unconfined (enforce)", None),
            ("snap.firefox.firefox//inner (enforce)", None),
            (":ns:snap.firefox.firefox (enforce)", None),
            ("/usr/bin/snap.firefox.firefox (enforce)", None),
            ("unconfined", None),
        ] {
            assert_eq!(app(label).as_deref(), expected, "{label:?}");
        }
    }
}
