//! How to reach a TPM: a TCTI string, read strictly.

use std::{ffi::CString, fmt, path::Path, str::FromStr};

/// A TCTI string that is understood whole, such as `device:/dev/tpmrm0` or `swtpm:path=DIR/socket`.
///
/// libtss2 falls back to what nobody asked for: a bare `swtpm` is whatever listens on
/// localhost:2321, and an unknown name is loaded as a library. So nothing is taken that is not in the list below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tcti {
    text: CString,
    transport: Transport,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Transport {
    /// A character device, by its path.
    Device(String),
    /// A TPM simulator.
    Simulator,
    /// The user-space resource manager, over D-Bus.
    Tabrmd,
}

impl Tcti {
    /// The string, as `Tss2_TctiLdr_Initialize` takes it.
    pub(super) fn as_c_str(&self) -> &std::ffi::CStr {
        &self.text
    }

    /// The path of the device, where it is one.
    pub(crate) fn device(&self) -> Option<&Path> {
        match &self.transport {
            Transport::Device(path) => Some(Path::new(path)),
            Transport::Simulator | Transport::Tabrmd => None,
        }
    }

    /// Whether a resource manager stands between us and the TPM: it gives each client its own
    /// handles, and cleans up after it.
    pub(crate) fn has_resource_manager(&self) -> bool {
        match &self.transport {
            Transport::Device(path) => path.starts_with(RESOURCE_MANAGER_DEVICE),
            Transport::Tabrmd => true,
            Transport::Simulator => false,
        }
    }
}

impl Default for Tcti {
    fn default() -> Self {
        DEFAULT.parse().expect("the default is well-formed, see the test")
    }
}

impl FromStr for Tcti {
    type Err = TctiError;

    fn from_str(text: &str) -> Result<Self, TctiError> {
        let (name, settings) = text.split_once(':').unwrap_or((text, ""));
        let transport = match name {
            "device" if settings.starts_with('/') => Transport::Device(settings.to_owned()),
            "device" => return Err(TctiError::NoDevice { found: settings.to_owned() }),
            "swtpm" | "mssim" if settings.is_empty() => {
                return Err(TctiError::NoAddress { name: name.to_owned() });
            }
            "swtpm" => only_known(name, settings, &["host", "port", "path"], Transport::Simulator)?,
            "mssim" => only_known(name, settings, &["host", "port"], Transport::Simulator)?,
            "tabrmd" => only_known(name, settings, &["bus_name", "bus_type"], Transport::Tabrmd)?,
            _ => return Err(TctiError::UnknownName { found: name.to_owned() }),
        };
        let text = CString::new(text).map_err(|_| TctiError::Nul)?;
        Ok(Self { text, transport })
    }
}

impl fmt::Display for Tcti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text.to_string_lossy())
    }
}

/// Why a TCTI string is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TctiError {
    /// Not a transport that is known here.
    #[error("expected `device:`, `swtpm:`, `mssim:` or `tabrmd:`, found `{found}`")]
    UnknownName {
        /// What stands before the colon.
        found: String,
    },
    /// `device:` without an absolute path.
    #[error("expected `device:` and an absolute path, found `{found}`")]
    NoDevice {
        /// What stands after the colon.
        found: String,
    },
    /// A simulator without its address.
    #[error("expected an address after `{name}:`, such as `{name}:host=localhost,port=2321`")]
    NoAddress {
        /// The transport.
        name: String,
    },
    /// A setting that the transport does not have, or one without a value.
    #[error("expected {expected} after `{name}:`, found `{found}`")]
    Setting {
        /// The transport.
        name: String,
        /// Its settings.
        expected: String,
        /// The one that is wrong.
        found: String,
    },
    /// A NUL byte in the string.
    #[error("expected text without NUL bytes")]
    Nul,
}

fn only_known(
    name: &str,
    settings: &str,
    known: &[&str],
    transport: Transport,
) -> Result<Transport, TctiError> {
    for setting in settings.split(',').filter(|_| !settings.is_empty()) {
        let good =
            setting.split_once('=').is_some_and(|(key, value)| known.contains(&key) && !value.is_empty());
        if !good {
            let expected = known.iter().map(|key| format!("`{key}=`")).collect::<Vec<_>>().join(" or ");
            return Err(TctiError::Setting { name: name.to_owned(), expected, found: setting.to_owned() });
        }
    }
    Ok(transport)
}

/// Source: architecture, Entropy. The kernel's resource manager of the first TPM.
const DEFAULT: &str = "device:/dev/tpmrm0";

/// Devices of the kernel's resource manager are /dev/tpmrm0 and on. Source: drivers/char/tpm/tpm-chip.c.
const RESOURCE_MANAGER_DEVICE: &str = "/dev/tpmrm";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_kernels_resource_manager() {
        let tcti = Tcti::default();
        assert_eq!(tcti.device(), Some(Path::new("/dev/tpmrm0")));
        assert!(tcti.has_resource_manager());
    }

    #[test]
    fn what_is_understood_is_kept_to_the_letter() {
        for (text, managed) in [
            ("device:/dev/tpmrm1", true),
            ("device:/dev/tpm0", false),
            ("swtpm:path=/run/x/s", false),
            ("swtpm:host=localhost,port=2321", false),
            ("mssim:host=127.0.0.1,port=2321", false),
            ("tabrmd:bus_type=session", true),
            ("tabrmd", true),
        ] {
            let tcti: Tcti = text.parse().unwrap();
            assert_eq!(tcti.to_string(), text);
            assert_eq!(tcti.has_resource_manager(), managed, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "tpm0",
            "/dev/tpmrm0",
            "libtss2-tcti-device.so",
            "cmd:sh",
            "device",
            "device:",
            "device:tpm0",
            "swtpm",
            "swtpm:",
            "swtpm:/run/x/s",
            "swtpm:path=",
            "swtpm:path=/x,",
            "swtpm:paht=/x",
            "mssim:path=/x",
            "tabrmd:port=1",
            "device:/dev/tpm\0",
        ] {
            assert!(text.parse::<Tcti>().is_err(), "{text:?}");
        }
    }
}
