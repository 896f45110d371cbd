//! What a generator is, by the name that its driver gave it.

use super::NAME_BYTES_MOST;

/// A generator's name, as the kernel has it: printable, and short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generator(String);

/// What a generator counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A TPM.
    Tpm,
    /// A trusted execution environment or secure processor.
    Tee,
    /// Anything else.
    Other,
}

impl Generator {
    /// A name of 1 to 58 bytes that print, without a space: the kernel lists names with spaces between.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > NAME_BYTES_MOST || !text.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        String::from_utf8(text.to_vec()).ok().map(Self)
    }

    /// The name.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// What it counts as, by the name in the kernel's driver:
    ///
    /// - `tpm-rng-0`: a TPM (drivers/char/tpm/tpm-chip.c; before 4.16 `tpm-rng`, drivers/char/hw_random/tpm-rng.c).
    /// - `optee-rng`: OP-TEE, in the secure world of an Arm processor (drivers/char/hw_random/optee-rng.c).
    /// - `ccp-1-rng`: AMD's secure processor (drivers/crypto/ccp/ccp-dev.c).
    /// - `smccc_trng`: the firmware of an Arm processor (drivers/char/hw_random/arm_smccc_trng.c). To a guest a hypervisor
    ///   may answer in its place, as KVM does (arch/arm64/kvm/trng.c), and the kernel does not show which.
    /// - `virtio_rng.0`: the hypervisor (drivers/char/hw_random/virtio-rng.c).
    /// - All others are generators on a chip or a card, some 40 drivers. They may be good, but nothing keeps the rest of
    ///   the chip out of them, and nobody here knows each: so they count with what the platform gives, and not as
    ///   hardware that `require` can rest on by default. So does a name that only resembles one of the above.
    pub(super) fn kind(&self) -> Kind {
        match self.as_str() {
            "optee-rng" | "smccc_trng" => Kind::Tee,
            "tpm-rng" => Kind::Tpm,
            name if name.strip_prefix("tpm-rng-").is_some_and(is_number) => Kind::Tpm,
            name if name
                .strip_prefix("ccp-")
                .and_then(|rest| rest.strip_suffix("-rng"))
                .is_some_and(is_number) =>
            {
                Kind::Tee
            }
            _ => Kind::Other,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_prints() {
        for good in ["virtio_rng.0", "a", &"x".repeat(58)] {
            assert_eq!(Generator::parse(good.as_bytes()).unwrap().as_str(), good);
        }
        for bad in ["", "two words", "tab\t", "line\nline", "\u{e4}", "\0", &"x".repeat(59)] {
            assert_eq!(Generator::parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Generator::parse(&[0xff]), None);
    }

    #[test]
    fn a_kind_is_told_by_the_drivers_name() {
        for (name, kind) in [
            ("tpm-rng-0", Kind::Tpm),
            ("tpm-rng-12", Kind::Tpm),
            ("tpm-rng", Kind::Tpm),
            ("optee-rng", Kind::Tee),
            ("ccp-0-rng", Kind::Tee),
            ("ccp-12-rng", Kind::Tee),
            ("smccc_trng", Kind::Tee),
            ("virtio_rng.0", Kind::Other),
            ("3f104000.rng", Kind::Other),
            ("intel", Kind::Other),
            ("s390-trng", Kind::Other),
            // Like one of them, and none of them.
            ("tpm-rng-", Kind::Other),
            ("tpm-rng-x", Kind::Other),
            ("optee-rng-2", Kind::Other),
            ("ccp--rng", Kind::Other),
            ("ccp-1a-rng", Kind::Other),
            ("ccp-1", Kind::Other),
            ("smccc_trng.0", Kind::Other),
        ] {
            assert_eq!(Generator::parse(name.as_bytes()).unwrap().kind(), kind, "{name}");
        }
    }
}
