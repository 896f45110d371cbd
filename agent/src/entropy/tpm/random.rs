//! The source `tpm`: TPM2_GetRandom, always in the encrypted session, never bare.

use super::{TpmError, open, session::Session, tcti::Tcti};
use crate::entropy::{Class, DrawError, EntropySource};

/// A TPM. It is opened at the first draw, and anew at the draw after one that failed.
pub(crate) struct TpmSource {
    tcti: Tcti,
    session: Option<Session>,
}

impl TpmSource {
    /// The TPM that `tcti` names. Nothing is opened yet.
    pub(crate) fn new(tcti: Tcti) -> Self {
        Self { tcti, session: None }
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), TpmError> {
        // Taken out: only a draw that succeeds puts the session back.
        let mut session = match self.session.take() {
            Some(session) => session,
            None => Session::start(open::open(&self.tcti)?)?,
        };
        session.random(out)?;
        self.session = Some(session);
        Ok(())
    }
}

impl EntropySource for TpmSource {
    fn name(&self) -> &str {
        "tpm"
    }

    fn class(&self) -> Class {
        Class::Tpm
    }

    /// Blocks for as long as the TPM does, which may be for ever.
    fn draw(&mut self, out: &mut [u8]) -> Result<(), DrawError> {
        self.fill(out).map_err(DrawError::Tpm)
    }
}
