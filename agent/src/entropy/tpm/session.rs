//! The encrypted session: whoever sits on the bus to the TPM neither reads nor chooses the bytes.

use std::{mem, path::Path, time::Instant};

use tss_esapi::{constants::tss, tss2_esys as c};

use super::{
    error::{ResponseCode, TpmError},
    esys::{Esys, HmacSession, Object},
    null_name::{self, Compared},
    tcti::Tcti,
};
use crate::entropy::{ClockReading, Cost};

/// An HMAC session, salted to a null-hierarchy primary, that encrypts answers with AES-128-CFB.
///
/// After any error it is dead, and to be dropped. A live one is flushed when dropped.
pub(super) struct Session {
    esys: Esys,
    handle: HmacSession,
    alive: bool,
}

impl Session {
    /// Starts a session, salted to a primary whose Name is the kernel's own where that can be told. The primary is
    /// flushed as soon as it has been used.
    pub(super) fn start(mut esys: Esys, tcti: &Tcti, sysfs: &Path) -> Result<(Self, Compared), TpmError> {
        let primary =
            esys.create_null_primary(&null_primary()).map_err(|code| failed("CreatePrimary", code))?;
        let name = esys.name(primary).map_err(|code| failed("CreatePrimary", code))?;
        let compared = null_name::compare(&name, tcti, sysfs).inspect_err(|_| {
            // a primary that stays is flushed at the next open
            let _ = esys.flush_object(primary);
        })?;
        let handle = start_salted(&mut esys, primary)?;
        Ok((Self { esys, handle, alive: true }, compared))
    }

    /// Fills `out` with random bytes of the TPM, and says what that took.
    pub(super) fn random(&mut self, out: &mut [u8]) -> Result<Cost, TpmError> {
        let filled = self.fill(out);
        self.alive &= filled.is_ok();
        filled
    }

    /// The TPM's clock.
    pub(super) fn clock(&mut self) -> Result<ClockReading, TpmError> {
        self.esys.read_clock().map_err(|code| failed("ReadClock", code))
    }

    fn fill(&mut self, mut out: &mut [u8]) -> Result<Cost, TpmError> {
        let mut cost = Cost::default();
        // A TPM may give less than it was asked for: at most its longest digest (TPM 2.0 Part 3, 16.1).
        while !out.is_empty() {
            let begun = Instant::now();
            let have = self.esys.random(self.handle, out).map_err(|code| failed("GetRandom", code))?;
            cost.add(have, begun.elapsed());
            if have == 0 {
                return Err(TpmError::NoBytes { need: out.len() });
            }
            out = mem::take(&mut out).split_at_mut_checked(have).map_or(&mut [], |(_, rest)| rest);
        }
        Ok(cost)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // In a dead context every call fails, or blocks; what it leaves is flushed at the next open.
        if self.alive
            && let Err(code) = self.esys.flush_session(self.handle)
        {
            tracing::debug!(%code, "a session was not flushed");
        }
    }
}

fn start_salted(esys: &mut Esys, primary: Object) -> Result<HmacSession, TpmError> {
    let session = esys
        .start_salted_session(primary, &aes_128_cfb())
        .map_err(|code| failed("StartAuthSession", code))?;
    esys.flush_object(primary).map_err(|code| failed("FlushContext", code))?;
    esys.encrypt_answers(session).map_err(|code| failed("StartAuthSession", code))?;
    Ok(session)
}

fn failed(command: &'static str, code: ResponseCode) -> TpmError {
    TpmError::Command { command, code }
}

/// The template of the kernel's own null primary, field by field, so that the two have one name.
///
/// Source: Linux, drivers/char/tpm/tpm2-sessions.c, `tpm2_create_primary`: the TCG's template H
/// for a storage key on P-256, with empty unique points.
fn null_primary() -> c::TPM2B_PUBLIC {
    let mut template = c::TPM2B_PUBLIC::default();
    let area = &mut template.publicArea;
    area.type_ = tss::TPM2_ALG_ECC;
    area.nameAlg = tss::TPM2_ALG_SHA256;
    area.objectAttributes = tss::TPMA_OBJECT_NODA
        | tss::TPMA_OBJECT_FIXEDTPM
        | tss::TPMA_OBJECT_FIXEDPARENT
        | tss::TPMA_OBJECT_SENSITIVEDATAORIGIN
        | tss::TPMA_OBJECT_USERWITHAUTH
        | tss::TPMA_OBJECT_DECRYPT
        | tss::TPMA_OBJECT_RESTRICTED;
    let mut parameters = c::TPMS_ECC_PARMS::default();
    parameters.symmetric.algorithm = tss::TPM2_ALG_AES;
    parameters.symmetric.keyBits.aes = AES_KEY_BITS;
    parameters.symmetric.mode.aes = tss::TPM2_ALG_CFB;
    parameters.scheme.scheme = tss::TPM2_ALG_NULL;
    parameters.curveID = tss::TPM2_ECC_NIST_P256;
    parameters.kdf.scheme = tss::TPM2_ALG_NULL;
    area.parameters.eccDetail = parameters;
    area.unique.ecc = c::TPMS_ECC_POINT::default();
    template
}

/// What answers are encrypted with.
fn aes_128_cfb() -> c::TPMT_SYM_DEF {
    let mut symmetric = c::TPMT_SYM_DEF { algorithm: tss::TPM2_ALG_AES, ..Default::default() };
    symmetric.keyBits.aes = AES_KEY_BITS;
    symmetric.mode.aes = tss::TPM2_ALG_CFB;
    symmetric
}

/// Source: architecture, Entropy: AES-128-CFB; also `AES_KEY_BITS` of the kernel's template.
const AES_KEY_BITS: u16 = 128;
