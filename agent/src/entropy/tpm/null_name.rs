//! The Name of the null primary, held against the kernel's own.
//!
//! An interposer between us and the TPM can answer CreatePrimary with a key of its own, and then knows the session's
//! salt. The null seed is the same for all until the TPM is reset, so by one template all get the same key, with the
//! same Name. The kernel (6.10 and later) makes its own at boot and shows its Name; where it shows none, nothing can
//! be compared.

use std::{fmt, fs, io::ErrorKind, path::Path};

use super::{error::TpmError, tcti::Tcti};

/// What came of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// The kernel has the same.
    Same,
    /// The kernel shows none for this TPM, or this TPM is not the kernel's.
    NotComparable,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compared::Same => "the kernel's own (null_name)",
            Compared::NotComparable => "not comparable: the kernel shows no null_name for this TPM",
        })
    }
}

/// Holds `found`, the Name of our null primary, against what the kernel shows in `sysfs` for the TPM that `tcti` names.
///
/// # Errors
/// Where the two differ, or the kernel shows what is no Name: the TPM is not to be used.
pub(super) fn compare(found: &[u8], tcti: &Tcti, sysfs: &Path) -> Result<Compared, TpmError> {
    let Some(number) = tcti.device().and_then(number) else { return Ok(Compared::NotComparable) };
    let path = sysfs.join(format!("tpm{number}")).join("null_name");
    let kernel = match fs::read_to_string(&path) {
        Ok(text) => text.trim_end().to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Compared::NotComparable),
        Err(error) => error.to_string(),
    };
    let found = hex(found);
    // Public both; nothing is gained by constant time.
    if kernel.eq_ignore_ascii_case(&found) {
        return Ok(Compared::Same);
    }
    Err(TpmError::NullName { path, kernel: kernel.chars().take(NAME_HEX_CHARS).collect(), found })
}

/// N of `/dev/tpmN` and `/dev/tpmrmN`, after links: the class's devices in sysfs go by `tpmN`.
fn number(device: &Path) -> Option<u32> {
    let device = fs::canonicalize(device).unwrap_or_else(|_| device.to_owned());
    let name = device.file_name()?.to_str()?;
    let number = name.strip_prefix("tpmrm").or_else(|| name.strip_prefix("tpm"))?;
    number.parse().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Two bytes of the algorithm and 32 of SHA-256, as hex. Source: Linux, include/linux/tpm.h, `TPM2_NULL_NAME_SIZE`.
const NAME_HEX_CHARS: usize = 68;

#[cfg(test)]
mod tests {
    use super::*;

    /// A sysfs in which the kernel shows `text` for TPM 3.
    fn sysfs(text: &str) -> tempfile::TempDir {
        let sysfs = tempfile::tempdir().unwrap();
        fs::create_dir(sysfs.path().join("tpm3")).unwrap();
        fs::write(sysfs.path().join("tpm3/null_name"), text).unwrap();
        sysfs
    }

    fn name() -> Vec<u8> {
        [&[0x00, 0x0b][..], &[0xab; 32]].concat()
    }

    #[test]
    fn the_same_name_passes_and_any_other_is_refused() {
        let kernel = sysfs(&format!("{}\n", hex(&name())));
        for tcti in ["device:/dev/tpmrm3", "device:/dev/tpm3"] {
            let tcti = tcti.parse().unwrap();
            assert_eq!(compare(&name(), &tcti, kernel.path()), Ok(Compared::Same));
            for bit in 0..name().len() * 8 {
                let mut other = name();
                other[bit / 8] ^= 1 << (bit % 8);
                assert!(matches!(compare(&other, &tcti, kernel.path()), Err(TpmError::NullName { .. })));
            }
            for other in [&[][..], &name()[..33]] {
                assert!(matches!(compare(other, &tcti, kernel.path()), Err(TpmError::NullName { .. })));
            }
        }
    }

    #[test]
    fn what_the_kernel_shows_and_is_no_name_is_refused() {
        for text in ["", "\n", "none\n", &hex(&name())[1..]] {
            let error =
                compare(&name(), &"device:/dev/tpmrm3".parse().unwrap(), sysfs(text).path()).unwrap_err();
            assert!(error.to_string().contains("tpm3/null_name"), "{error}");
        }
    }

    #[test]
    fn without_a_name_of_the_kernels_nothing_is_compared() {
        let kernel = sysfs(&hex(&name()));
        for tcti in ["device:/dev/tpmrm0", "device:/dev/other3", "swtpm:path=/dev/tpmrm3", "tabrmd"] {
            let compared = compare(&name(), &tcti.parse().unwrap(), kernel.path());
            assert_eq!(compared, Ok(Compared::NotComparable), "{tcti}");
        }
    }
}
