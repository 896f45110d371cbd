//! What can go wrong with a TPM.

use std::{fmt, path::PathBuf};

use nix::errno::Errno;

/// Why a draw from the TPM gave nothing. The context it happened in is dead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TpmError {
    /// The device is not there, or not ours to use.
    #[error("{path}: {}", errno.desc(), path = path.display())]
    Device {
        /// The device.
        path: PathBuf,
        /// What the kernel says.
        errno: Errno,
    },
    /// No connection to the TPM.
    #[error("no connection to {tcti}: {code}")]
    Connection {
        /// How it was to be reached.
        tcti: String,
        /// What libtss2 says.
        code: ResponseCode,
    },
    /// A command was refused, or its answer was.
    #[error("{command}: {code}")]
    Command {
        /// The command, as TPM 2.0 Part 3 spells it.
        command: &'static str,
        /// What the TPM or libtss2 says.
        code: ResponseCode,
    },
    /// The null primary is not the one that the kernel has: something stands between us and the TPM, or the TPM was
    /// reset behind the kernel's back.
    #[error(
        "the null primary's name is {found}, the kernel's {path} says {kernel}: something between us and the TPM \
         answers in its place, or the TPM was reset since the boot",
        path = path.display()
    )]
    NullName {
        /// Where the kernel shows its own.
        path: PathBuf,
        /// What it shows, or why that can't be read.
        kernel: String,
        /// What CreatePrimary gave, as hex.
        found: String,
    },
    /// The TPM answers without random bytes.
    #[error("GetRandom: expected {need} more bytes, found none")]
    NoBytes {
        /// Bytes that are still missing.
        need: usize,
    },
}

/// A TSS2_RC that is not success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResponseCode(pub(super) u32);

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer = match self.0 >> LAYER_SHIFT {
            0 => "TPM",
            7 => "ESYS",
            8 => "SYS",
            9 => "MU",
            10 => "TCTI",
            11 | 12 => "resource manager",
            _ => "TSS",
        };
        let meaning = match self.0 {
            0x0007_001b => ", answer refused: wrong HMAC",
            0x0007_0007 => ", context dead",
            0x000a_0001 => ", general failure",
            0x000a_0008 => ", no connection",
            0x000a_000a => ", input or output error",
            _ => "",
        };
        write!(f, "{:#010x} ({layer}{meaning})", self.0)
    }
}

/// Where the layer stands in a TSS2_RC. Source: tss2_common.h, TSS2_RC_LAYER_SHIFT.
const LAYER_SHIFT: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_names_its_layer() {
        for (code, text) in [
            (0x0000_0100, "0x00000100 (TPM)"),
            (0x0007_001b, "0x0007001b (ESYS, answer refused: wrong HMAC)"),
            (0x000a_000a, "0x000a000a (TCTI, input or output error)"),
            (0x00ff_0001, "0x00ff0001 (TSS)"),
        ] {
            assert_eq!(ResponseCode(code).to_string(), text);
        }
    }

    #[test]
    fn a_missing_device_is_named() {
        let error = TpmError::Device { path: "/dev/tpmrm0".into(), errno: Errno::ENOENT };
        assert_eq!(error.to_string(), "/dev/tpmrm0: No such file or directory");
    }
}
