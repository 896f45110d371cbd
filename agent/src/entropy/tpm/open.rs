//! Opening a TPM: the connection, and order in a TPM that has no resource manager.

use nix::unistd::{AccessFlags, access};
use tss_esapi::constants::tss;

use super::{
    error::{ResponseCode, TpmError},
    esys::Esys,
    progress::Progress,
    tcti::Tcti,
};

/// Connects to the TPM that `tcti` names.
///
/// Where no resource manager stands between, the TPM is started if nobody did, and loaded sessions
/// and transient objects, which a context that died left behind, are flushed: there are few places for them.
pub(super) fn open(tcti: &Tcti, progress: Progress) -> Result<Esys, TpmError> {
    if let Some(path) = tcti.device() {
        // libtss2 would say only "input or output error".
        access(path, AccessFlags::R_OK | AccessFlags::W_OK)
            .map_err(|errno| TpmError::Device { path: path.to_owned(), errno })?;
    }
    let mut esys = Esys::open(tcti.as_c_str(), progress)
        .map_err(|code| TpmError::Connection { tcti: tcti.to_string(), code })?;
    if !tcti.has_resource_manager() {
        start_if_needed(&mut esys)?;
        for first in [tss::TPM2_TRANSIENT_FIRST, tss::TPM2_LOADED_SESSION_FIRST] {
            flush_leftovers(&mut esys, first)?;
        }
    }
    Ok(esys)
}

fn start_if_needed(esys: &mut Esys) -> Result<(), TpmError> {
    match esys.handles(tss::TPM2_TRANSIENT_FIRST) {
        Ok(_) => Ok(()),
        Err(ResponseCode(tss::TPM2_RC_INITIALIZE)) => {
            esys.startup().map_err(|code| TpmError::Command { command: "Startup", code })
        }
        Err(code) => Err(TpmError::Command { command: "GetCapability", code }),
    }
}

fn flush_leftovers(esys: &mut Esys, first: u32) -> Result<(), TpmError> {
    let handles = esys.handles(first).map_err(|code| TpmError::Command { command: "GetCapability", code })?;
    for handle in handles {
        tracing::debug!(handle = format_args!("{handle:#010x}"), "flushing a leftover handle");
        esys.flush_handle(handle).map_err(|code| TpmError::Command { command: "FlushContext", code })?;
    }
    Ok(())
}
