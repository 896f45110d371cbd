//! What keeps others from looking into the process, and the process from leaving traces.

use nix::{
    errno::Errno,
    sys::{
        prctl,
        resource::{Resource, setrlimit},
    },
};

/// Why the process can't be hardened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {}", errno.desc())]
pub(crate) struct HardenError {
    call: &'static str,
    errno: Errno,
}

/// No core dump, no ptrace by processes of the same user, no reading of /proc/PID/mem by them.
///
/// # Errors
/// Where the kernel refuses.
pub(crate) fn harden() -> Result<(), HardenError> {
    prctl::set_dumpable(false).map_err(|errno| HardenError { call: "prctl(PR_SET_DUMPABLE)", errno })?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)
        .map_err(|errno| HardenError { call: "setrlimit(RLIMIT_CORE)", errno })
}
