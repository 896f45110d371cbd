//! libtss2's ESYS and TCTI loader, behind a safe interface: the calls that the agent needs, no others.
//!
//! Raw, since tss-esapi 7.7 opens a TCTI only through its own parser, which silently drops
//! `path=`, and frees drawn bytes without erasing them.
#![allow(unsafe_code)] // Calls into libtss2; this is the one module that does.

use std::{
    ffi::CStr,
    ptr::{self, null_mut},
};

use tss_esapi::{constants::tss, tss2_esys as c};
use zeroize::Zeroize;

use super::{error::ResponseCode, progress::Progress};
use crate::entropy::ClockReading;

/// A connection to a TPM. Calls block, for ever where the TPM does; `progress` is told of each that has come back.
pub(super) struct Esys {
    context: *mut c::ESYS_CONTEXT,
    tcti: *mut c::TSS2_TCTI_CONTEXT,
    progress: Progress,
}

/// An object that is loaded in the TPM.
#[derive(Clone, Copy)]
pub(super) struct Object(c::ESYS_TR);

/// An HMAC session that is open in the TPM.
#[derive(Clone, Copy)]
pub(super) struct HmacSession(c::ESYS_TR);

impl Esys {
    /// Connects to the TPM that `tcti` names, taken whole by `Tss2_TctiLdr_Initialize`.
    pub(super) fn open(tcti: &CStr, progress: Progress) -> Result<Self, ResponseCode> {
        let mut esys = Self { context: null_mut(), tcti: null_mut(), progress };
        // SAFETY: `tcti` is a C string that outlives the call, and `esys.tcti` takes a new context,
        // which `drop` finalizes once.
        check(unsafe { c::Tss2_TctiLdr_Initialize(tcti.as_ptr(), &mut esys.tcti) })?;
        // SAFETY: `esys.tcti` was initialized above and outlives the ESYS context, see `drop`. A null ABI
        // version means the current one.
        check(unsafe { c::Esys_Initialize(&mut esys.context, esys.tcti, null_mut()) })?;
        Ok(esys)
    }

    /// TPM2_Startup(CLEAR).
    pub(super) fn startup(&mut self) -> Result<(), ResponseCode> {
        // SAFETY: the context is live, and `&mut self` makes this the only call in it.
        self.back(unsafe { c::Esys_Startup(self.context, tss::TPM2_SU_CLEAR) })
    }

    /// TPM2_GetCapability(HANDLES): the handles in use, from `first` on, of the same kind.
    pub(super) fn handles(&mut self, first: u32) -> Result<Vec<u32>, ResponseCode> {
        self.capability(tss::TPM2_CAP_HANDLES, first, HANDLES_MOST, |data| {
            // SAFETY: for TPM2_CAP_HANDLES, `handles` is the member of the union that was written.
            let list = unsafe { data.handles };
            list.handle.into_iter().take(list.count as usize).collect()
        })
    }

    /// TPM2_GetCapability(TPM_PROPERTIES): those from `first` on, `most` at most, as property and value.
    pub(super) fn properties(&mut self, first: u32, most: u32) -> Result<Vec<(u32, u32)>, ResponseCode> {
        self.capability(tss::TPM2_CAP_TPM_PROPERTIES, first, most, |data| {
            // SAFETY: for TPM2_CAP_TPM_PROPERTIES, `tpmProperties` is the member of the union that was written.
            let list = unsafe { data.tpmProperties };
            let properties = list.tpmProperty.into_iter().take(list.count as usize);
            properties.map(|found| (found.property, found.value)).collect()
        })
    }

    /// TPM2_GetCapability: `read` gets what is of the kind that was asked for; nothing where the answer is not.
    fn capability<T>(
        &mut self,
        kind: u32,
        first: u32,
        most: u32,
        read: impl FnOnce(&c::TPMU_CAPABILITIES) -> Vec<T>,
    ) -> Result<Vec<T>, ResponseCode> {
        let mut more = 0;
        let mut data: *mut c::TPMS_CAPABILITY_DATA = null_mut();
        // SAFETY: the context is live and ours alone; both results are written to locals.
        self.back(unsafe {
            c::Esys_GetCapability(
                self.context,
                c::ESYS_TR_NONE,
                c::ESYS_TR_NONE,
                c::ESYS_TR_NONE,
                kind,
                first,
                most,
                &mut more,
                &mut data,
            )
        })?;
        // SAFETY: after success `data` is null or points to a capability that ESYS allocated.
        let found = unsafe { data.as_ref() }.filter(|found| found.capability == kind);
        let list = found.map_or_else(Vec::new, |found| read(&found.data));
        free(data);
        Ok(list)
    }

    /// TPM2_ReadClock. No session can protect its answer (TPM 2.0 Part 3, 29.1).
    pub(super) fn read_clock(&mut self) -> Result<ClockReading, ResponseCode> {
        let mut time: *mut c::TPMS_TIME_INFO = null_mut();
        // SAFETY: the context is live and ours alone; the result is written to a local.
        self.back(unsafe {
            c::Esys_ReadClock(self.context, c::ESYS_TR_NONE, c::ESYS_TR_NONE, c::ESYS_TR_NONE, &mut time)
        })?;
        // SAFETY: after success `time` is null or points to a time that ESYS allocated.
        let clock = unsafe { time.as_ref() }.map(|time| time.clockInfo).unwrap_or_default();
        free(time);
        Ok(ClockReading {
            clock_ms: clock.clock,
            reset_count: clock.resetCount,
            restart_count: clock.restartCount,
            safe: clock.safe != 0,
        })
    }

    /// The Name of a loaded object, as ESYS made it from the object's public area. No command goes out.
    pub(super) fn name(&mut self, object: Object) -> Result<Vec<u8>, ResponseCode> {
        let mut name: *mut c::TPM2B_NAME = null_mut();
        // SAFETY: the context is live and ours alone; ESYS looks the handle up; the result is written to a local.
        check(unsafe { c::Esys_TR_GetName(self.context, object.0, &mut name) })?;
        // SAFETY: after success `name` is null or points to a name that ESYS allocated.
        let bytes = unsafe { name.as_ref() }
            .map_or_else(Vec::new, |name| name.name.iter().take(usize::from(name.size)).copied().collect());
        free(name);
        Ok(bytes)
    }

    /// FlushContext of a handle that another context left behind. Objects cost a ReadPublic.
    pub(super) fn flush_handle(&mut self, handle: u32) -> Result<(), ResponseCode> {
        let mut object = c::ESYS_TR_NONE;
        // SAFETY: the context is live and ours alone; the result is written to a local.
        self.back(unsafe {
            c::Esys_TR_FromTPMPublic(
                self.context,
                handle,
                c::ESYS_TR_NONE,
                c::ESYS_TR_NONE,
                c::ESYS_TR_NONE,
                &mut object,
            )
        })?;
        self.flush(object)
    }

    /// TPM2_CreatePrimary by `template` in the null hierarchy, with no authorization value.
    pub(super) fn create_null_primary(&mut self, template: &c::TPM2B_PUBLIC) -> Result<Object, ResponseCode> {
        let mut object = c::ESYS_TR_NONE;
        let (mut public, mut creation, mut hash, mut ticket) =
            (null_mut(), null_mut(), null_mut(), null_mut());
        // SAFETY: the context is live and ours alone, the inputs live through the call, and the results are
        // written to locals.
        self.back(unsafe {
            c::Esys_CreatePrimary(
                self.context,
                c::ESYS_TR_RH_NULL,
                c::ESYS_TR_PASSWORD,
                c::ESYS_TR_NONE,
                c::ESYS_TR_NONE,
                &c::TPM2B_SENSITIVE_CREATE::default(),
                template,
                &c::TPM2B_DATA::default(),
                &c::TPML_PCR_SELECTION::default(),
                &mut object,
                &mut public,
                &mut creation,
                &mut hash,
                &mut ticket,
            )
        })?;
        free(public);
        free(creation);
        free(hash);
        free(ticket);
        Ok(Object(object))
    }

    /// TPM2_StartAuthSession: an unbound HMAC session on SHA-256, salted to `key`.
    pub(super) fn start_salted_session(
        &mut self,
        key: Object,
        symmetric: &c::TPMT_SYM_DEF,
    ) -> Result<HmacSession, ResponseCode> {
        let mut session = c::ESYS_TR_NONE;
        // SAFETY: the context is live and ours alone, `symmetric` lives through the call, and a
        // null nonce lets ESYS draw one.
        self.back(unsafe {
            c::Esys_StartAuthSession(
                self.context,
                key.0,
                c::ESYS_TR_NONE,
                c::ESYS_TR_NONE,
                c::ESYS_TR_NONE,
                c::ESYS_TR_NONE,
                ptr::null(),
                tss::TPM2_SE_HMAC,
                symmetric,
                tss::TPM2_ALG_SHA256,
                &mut session,
            )
        })?;
        Ok(HmacSession(session))
    }

    /// Has `session` encrypt the first parameter of each answer, and live on after each command.
    pub(super) fn encrypt_answers(&mut self, session: HmacSession) -> Result<(), ResponseCode> {
        let attributes = tss::TPMA_SESSION_ENCRYPT | tss::TPMA_SESSION_CONTINUESESSION;
        // SAFETY: the context is live and ours alone. No command goes out.
        check(unsafe { c::Esys_TRSess_SetAttributes(self.context, session.0, attributes, ALL_ATTRIBUTES) })
    }

    /// TPM2_GetRandom in `session`: fills the front of `out`, and says how much of it.
    pub(super) fn random(&mut self, session: HmacSession, out: &mut [u8]) -> Result<usize, ResponseCode> {
        let want = u16::try_from(out.len()).unwrap_or(u16::MAX);
        let mut bytes: *mut c::TPM2B_DIGEST = null_mut();
        // SAFETY: the context is live and ours alone; the result is written to a local.
        self.back(unsafe {
            c::Esys_GetRandom(self.context, session.0, c::ESYS_TR_NONE, c::ESYS_TR_NONE, want, &mut bytes)
        })?;
        let mut have = 0;
        // SAFETY: after success `bytes` is null or points to a digest that ESYS allocated for us alone.
        if let Some(drawn) = unsafe { bytes.as_mut() } {
            let size = usize::from(drawn.size);
            for (to, from) in out.iter_mut().zip(drawn.buffer.iter().take(size)) {
                *to = *from;
                have += 1;
            }
            drawn.buffer.zeroize();
        }
        free(bytes);
        Ok(have)
    }

    /// FlushContext of a key.
    pub(super) fn flush_object(&mut self, object: Object) -> Result<(), ResponseCode> {
        self.flush(object.0)
    }

    /// FlushContext of a session.
    pub(super) fn flush_session(&mut self, session: HmacSession) -> Result<(), ResponseCode> {
        self.flush(session.0)
    }

    /// A command has come back.
    fn back(&mut self, code: c::TSS2_RC) -> Result<(), ResponseCode> {
        self.progress.tell();
        check(code)
    }

    fn flush(&mut self, handle: c::ESYS_TR) -> Result<(), ResponseCode> {
        // SAFETY: the context is live and ours alone; ESYS looks the handle up, and refuses unknown ones.
        self.back(unsafe { c::Esys_FlushContext(self.context, handle) })
    }
}

impl Drop for Esys {
    fn drop(&mut self) {
        // SAFETY: both are null or initialized in `open`, and finalized only here. ESYS uses the
        // TCTI until it is finalized, so it goes first. Both functions take a pointer to null.
        unsafe {
            c::Esys_Finalize(&mut self.context);
            c::Tss2_TctiLdr_Finalize(&mut self.tcti);
        }
    }
}

// SAFETY: neither context is bound to the thread that made it, and every call takes `&mut self`.
unsafe impl Send for Esys {}

fn check(code: c::TSS2_RC) -> Result<(), ResponseCode> {
    if code == 0 { Ok(()) } else { Err(ResponseCode(code)) }
}

fn free<T>(allocated: *mut T) {
    // SAFETY: callers pass null or what ESYS allocated and gave away, once, and use it no more.
    unsafe { c::Esys_Free(allocated.cast()) }
}

/// As many handles as fit in one answer; a TPM has a few dozen at most.
///
/// Source: tss2_tpm2_types.h, TPM2_MAX_CAP_HANDLES.
const HANDLES_MOST: u32 = 254;

const ALL_ATTRIBUTES: c::TPMA_SESSION = 0xff;
