//! How this host's lineages are born and ended: each in a secret page of its own, which the service manager keeps, where there
//! is one.

use std::io;

use selfsame::{
    Birth, BirthError as LineageError, Evidence, EvidenceError, EvidenceFields, Lineage, Memory, Origin, Salt,
};

use crate::{
    clock::Clock,
    entropy::{Afresh, Contribution, Status},
    handover,
    keeper::{Births, Newborn, random},
    lineage::Living,
    page::{AdoptError, MemoryKind, SecretPage, wipe_stack},
    run::chain,
};

/// What a birth needs beside what the sources give.
pub(crate) struct Nursery {
    /// The host's clocks.
    pub(crate) clock: Clock,
    /// How the sources are.
    pub(crate) sources: Status,
    /// The boot that this is.
    pub(crate) boot_id: String,
    /// Where the secrets are to live.
    pub(crate) memory: MemoryKind,
    /// The settings that the agent runs by, as the configuration file has them.
    pub(crate) settings: String,
}

/// Why no lineage could be made of what was gathered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum NotBorn {
    /// There is no memory for secrets as it is asked for.
    #[error("no memory for secrets")]
    Memory(#[source] AdoptError),
    /// The evidence of the genesis would be too long.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The kernel gives no randomness.
    #[error("the kernel gives no random bytes: {0}")]
    Kernel(getrandom::Error),
    /// The protocol refuses what was gathered, or the memory does.
    #[error("no lineage can be born")]
    Lineage(#[source] LineageError<<SecretPage as Memory>::Error>),
    /// The history can't be written.
    #[error("the birth can't be recorded")]
    Record(#[source] io::Error),
}

impl Nursery {
    /// A lineage from what the sources gave. From here on the service manager keeps it. `generation` is VMClock's counter,
    /// read before that.
    ///
    /// (A call of its own: what it computes lies below the frame that the stack is locked and wiped from.)
    ///
    /// # Errors
    /// Why there is none.
    #[inline(never)]
    pub(crate) fn born(
        &self,
        contributions: &[Contribution],
        origin: Origin,
        generation: Option<u64>,
    ) -> Result<Living, NotBorn> {
        let named: Vec<(&str, &[u8])> =
            contributions.iter().map(|given| (given.name.as_str(), given.bytes.as_slice())).collect();
        let evidence = Evidence::new(EvidenceFields {
            sources: Some(named.iter().map(|(name, _)| (*name).to_owned()).collect()),
            behaviour: None,
            tpm_clock: contributions.iter().find_map(|given| given.clock).map(Into::into),
            condition: Some(self.sources.condition().in_evidence()),
        })?;
        let page = SecretPage::create(self.memory).map_err(NotBorn::Memory)?;
        let randomness = random().map_err(NotBorn::Kernel)?;
        let salt = random().map_err(NotBorn::Kernel)?;
        let born = self.clock.age();
        let birth = Birth {
            contributions: &named,
            randomness: &randomness,
            salt: Salt::new(*salt),
            wall_ms: self.clock.wall_ms(),
            evidence,
            origin,
        };
        let lineage = Lineage::born(page, birth).map_err(NotBorn::Lineage)?;
        let mut living = Living { lineage, born };
        living.record_birth(&self.boot_id, generation).map_err(NotBorn::Record)?;
        living.keep_settings(&self.settings);
        wipe_stack();
        keep(&mut living);
        Ok(living)
    }
}

/// Births and ends in a living agent.
pub(crate) struct Succession {
    /// What births need.
    pub(crate) nursery: Nursery,
    /// What the sources give anew.
    pub(crate) afresh: Afresh,
}

impl Births<SecretPage> for Succession {
    fn quick(&mut self) -> Vec<Contribution> {
        self.afresh.quick()
    }

    fn end(&mut self, memory: &mut SecretPage) {
        memory.end();
        if let Err(error) = handover::forget() {
            // it is erased; the next one's takes its place
            tracing::warn!(%error, "the service manager can't be told to let go of the lineage that ended");
        }
    }

    fn born(&mut self, origin: Origin, generation: Option<u64>) -> Result<Newborn<SecretPage>, String> {
        let contributions = self.afresh.all();
        if let Some(unmet) = self.nursery.sources.unmet() {
            // a lineage that ended is succeeded all the same, and says so
            tracing::warn!("{unmet}");
        }
        let living = self.nursery.born(&contributions, origin, generation);
        // its own frame, too
        wipe_stack();
        let Living { lineage, born } = living.map_err(|why| chain(&why))?;
        let memory = lineage.memory().kind().as_str();
        Ok(Newborn { lineage, born, memory })
    }
}

/// Has the service manager keep the lineage over this process's end, where there is one.
fn keep(living: &mut Living) {
    match handover::keep(living.lineage.memory().descriptors()) {
        Ok(true) => living.lineage.memory_mut().set_kept(),
        Ok(false) => tracing::info!("no service manager: the lineage ends with this process"),
        Err(error) => {
            tracing::error!(%error, "the service manager can't keep the lineage: it ends with this process")
        }
    }
}
