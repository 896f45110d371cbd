//! The source `tpm`: TPM2_GetRandom, always in the encrypted session, never bare.

use std::path::{Path, PathBuf};

use super::{TpmError, facts::facts, open, progress::Progress, session::Session, tcti::Tcti};
use crate::entropy::{Class, DrawError, EntropySource, Fact, Remarks};

/// A TPM. It is opened at the first draw, and anew at the draw after one that failed.
pub(crate) struct TpmSource {
    tcti: Tcti,
    sysfs: PathBuf,
    progress: Progress,
    session: Option<Session>,
    remarks: Remarks,
}

impl TpmSource {
    /// The TPM that `tcti` names, where the kernel shows its TPMs in `sysfs` ([`SYSFS`]). Nothing is opened yet.
    /// `progress` is told of each command that has come back.
    pub(crate) fn new(tcti: Tcti, sysfs: &Path, progress: Progress) -> Self {
        Self { tcti, sysfs: sysfs.to_owned(), progress, session: None, remarks: Remarks::default() }
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), TpmError> {
        // Taken out: only a draw that succeeds puts the session back.
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.start()?,
        };
        self.remarks.cost = Some(session.random(out)?);
        match session.clock() {
            Ok(clock) => self.remarks.clock = Some(clock),
            // the bytes are good without it; a context that is dead is found out by the next draw
            Err(error) => tracing::debug!(%error, "the TPM's clock could not be read"),
        }
        self.session = Some(session);
        Ok(())
    }

    fn start(&mut self) -> Result<Session, TpmError> {
        let mut esys = open::open(&self.tcti, self.progress.clone())?;
        let mut facts = facts(&mut esys)?;
        let (session, compared) = Session::start(esys, &self.tcti, &self.sysfs)?;
        facts.push(Fact::new("null primary", compared.to_string()));
        self.remarks.facts = facts;
        Ok(session)
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

    fn remarks(&mut self) -> Remarks {
        std::mem::take(&mut self.remarks)
    }
}

/// Where the kernel shows its TPMs. Source: Linux, Documentation/ABI/stable/sysfs-class-tpm.
pub(crate) const SYSFS: &str = "/sys/class/tpm";
