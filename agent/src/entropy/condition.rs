//! How the sources are, whether that is enough, and the condition that comes of it.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Class, Cost, Fact, Remarks};

/// Which classes must have a working source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Require {
    /// At least one of tpm, tee, hsm, cpu: the default, since a TPM as a precondition has broken many a deployment.
    AnyHardware,
    /// Each of these. None listed: nothing is required.
    Each(Vec<Class>),
}

impl Require {
    /// The classes that are still to be met, where `met` are; empty if it is enough.
    ///
    /// For [`Require::AnyHardware`], any one of them would do.
    pub(crate) fn missing(&self, met: &[Class]) -> Vec<Class> {
        match self {
            Require::AnyHardware if HARDWARE.iter().any(|class| met.contains(class)) => Vec::new(),
            Require::AnyHardware => HARDWARE.to_vec(),
            Require::Each(classes) => classes.iter().filter(|class| !met.contains(class)).copied().collect(),
        }
    }
}

/// What counts as hardware for the default of `require`. Source: architecture, Entropy, Policy.
const HARDWARE: [Class; 4] = [Class::Tpm, Class::Tee, Class::Hsm, Class::Cpu];

/// How a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It has not passed its start-up test yet.
    Waiting,
    /// Its last draw succeeded, and passed its health tests.
    Healthy,
    /// Its last draw failed, or its health tests did, or it takes too long: why.
    Failed(String),
}

/// A source, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceStatus {
    /// Its name.
    pub(crate) name: String,
    /// Its class.
    pub(crate) class: Class,
    /// How it is.
    pub(crate) health: Health,
    /// What it says that it is, as it said last.
    pub(crate) facts: Vec<Fact>,
    /// What its last draw took, where it says so.
    pub(crate) cost: Option<Cost>,
}

impl SourceStatus {
    /// A source that has been asked, and has not answered.
    pub(crate) fn waiting(name: String, class: Class) -> Self {
        Self { name, class, health: Health::Waiting, facts: Vec::new(), cost: None }
    }

    /// Whether its last draw succeeded, and passed.
    pub(crate) fn healthy(&self) -> bool {
        self.health == Health::Healthy
    }
}

/// The agent's condition, as evidence and the bus have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// `require` is met, and all sources work.
    Steady,
    /// `require` is met, none has failed, and one has not passed its start-up test yet; or too little was seen of the host to
    /// judge what it does.
    Warming,
    /// `require` is unmet, a source that is configured does not work, or the last head can't be kept. Proofs go on and
    /// say so.
    Degraded,
}

impl Condition {
    /// The condition as it is written on the bus.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Condition::Steady => "steady",
            Condition::Warming => "warming",
            Condition::Degraded => "degraded",
        }
    }

    /// The condition in a moment's evidence.
    pub(crate) const fn in_evidence(self) -> selfsame::Condition {
        match self {
            Condition::Steady => selfsame::Condition::Steady,
            Condition::Warming => selfsame::Condition::Warming,
            Condition::Degraded => selfsame::Condition::Degraded,
        }
    }
}

/// The sources as they stand: shared by the thread that draws and those that tell.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    sources: Arc<Mutex<Vec<SourceStatus>>>,
    require: Arc<Require>,
    /// Whether the last head could not be written to the state directory.
    is_head_unkept: Arc<AtomicBool>,
    /// Whether the agent runs by its last settings, as the present ones are refused.
    by_last_settings: Arc<AtomicBool>,
    /// Whether too little was seen of the host to judge what it does.
    is_warming: Arc<AtomicBool>,
    /// What degrades the lineage beside its sources, until it ends.
    marks: Arc<Mutex<BTreeSet<String>>>,
}

impl Status {
    pub(super) fn new(sources: Vec<SourceStatus>, require: Require) -> Self {
        Self {
            sources: Arc::new(Mutex::new(sources)),
            require: Arc::new(require),
            is_head_unkept: Arc::default(),
            by_last_settings: Arc::default(),
            is_warming: Arc::default(),
            marks: Arc::default(),
        }
    }

    /// All sources.
    pub(crate) fn sources(&self) -> Vec<SourceStatus> {
        self.lock().clone()
    }

    /// Whether the last head is kept, as far as was tried.
    pub(crate) fn is_head_kept(&self) -> bool {
        !self.is_head_unkept.load(Ordering::Relaxed)
    }

    /// Notes whether the last head is kept.
    pub(crate) fn set_head_kept(&self, is_kept: bool) {
        self.is_head_unkept.store(!is_kept, Ordering::Relaxed);
    }

    /// Whether the present settings are those that the agent runs by.
    pub(crate) fn is_by_present_settings(&self) -> bool {
        !self.by_last_settings.load(Ordering::Relaxed)
    }

    /// Notes that the agent runs by its last settings, as the present ones are refused.
    pub(crate) fn set_by_last_settings(&self) {
        self.by_last_settings.store(true, Ordering::Relaxed);
    }

    /// Notes that nothing was seen of the host yet.
    pub(crate) fn begin_warming(&self) {
        self.is_warming.store(true, Ordering::Relaxed);
    }

    /// Notes that enough was seen of the host to judge what it does. True where that is new.
    pub(crate) fn end_warming(&self) -> bool {
        self.is_warming.swap(false, Ordering::Relaxed)
    }

    /// The agent's condition, as the sources, the marks, its files and what was seen of the host make it.
    pub(crate) fn condition(&self) -> Condition {
        let (mut any_failed, mut any_waits) = (false, false);
        for source in self.lock().iter() {
            any_failed |= matches!(source.health, Health::Failed(_));
            any_waits |= source.health == Health::Waiting;
        }
        let is_sound = self.is_head_kept() && self.is_by_present_settings() && self.marks().is_empty();
        if any_failed || !is_sound || !self.missing().is_empty() {
            Condition::Degraded
        } else if any_waits || self.is_warming.load(Ordering::Relaxed) {
            Condition::Warming
        } else {
            Condition::Steady
        }
    }

    /// What `require` asks for and no source gives; none if it is met.
    pub(crate) fn unmet(&self) -> Option<Unmet> {
        let missing = self.missing();
        if missing.is_empty() {
            return None;
        }
        let any_one = *self.require == Require::AnyHardware;
        let failed = self.sources().into_iter().filter(|source| missing.contains(&source.class)).collect();
        Some(Unmet { missing, any_one, failed })
    }

    /// Something makes the lineage doubtful: it is degraded until it ends.
    pub(crate) fn mark(&self, why: String) {
        self.lock_marks().insert(why);
    }

    /// The lineage has ended: what was doubtful about it is none of the next one's.
    pub(crate) fn unmark(&self) {
        self.lock_marks().clear();
    }

    /// What makes the lineage doubtful.
    pub(crate) fn marks(&self) -> Vec<String> {
        self.lock_marks().iter().cloned().collect()
    }

    pub(super) fn missing(&self) -> Vec<Class> {
        let met: Vec<Class> =
            self.lock().iter().filter(|source| source.healthy()).map(|source| source.class).collect();
        self.require.missing(&met)
    }

    /// Keeps what a source remarks: a cost and facts stand until there are new ones.
    pub(super) fn remark(&self, source: usize, remarks: Remarks) {
        if let Some(source) = self.lock().get_mut(source) {
            source.cost = remarks.cost.or(source.cost);
            if !remarks.facts.is_empty() {
                source.facts = remarks.facts;
            }
        }
    }

    /// Sets the health of a source, and says what it was before.
    pub(super) fn set(&self, source: usize, health: Health) -> Option<Health> {
        let mut sources = self.lock();
        sources.get_mut(source).map(|source| std::mem::replace(&mut source.health, health))
    }

    fn lock_marks(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.marks.lock().expect("no thread panics while it holds the marks")
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SourceStatus>> {
        self.sources.lock().expect("no thread panics while it holds the list")
    }
}

/// `require` is not met: says what is missing, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unmet {
    missing: Vec<Class>,
    any_one: bool,
    failed: Vec<SourceStatus>,
}

impl std::error::Error for Unmet {}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.missing.iter().map(|class| class.as_str()).collect();
        let wanted = if self.any_one { "a source of one class of" } else { "a source of each class of" };
        write!(f, "`require` is not met: it asks for {wanted} {}", names.join(", "))?;
        let mut found = 0;
        for source in &self.failed {
            let why = match &source.health {
                Health::Waiting => "does not answer",
                Health::Healthy => continue,
                Health::Failed(why) => why,
            };
            write!(f, "; {} of class {}: {why}", source.name, source.class)?;
            found += 1;
        }
        if found == 0 {
            f.write_str("; none of them is configured on this machine")?;
        }
        if self.missing.contains(&Class::Tpm) {
            f.write_str(TPM_REMEDY)?;
        }
        match self.any_one {
            true => f.write_str("; or set `require` to what this machine has"),
            false => write!(f, "; or take \"{}\" out of `require`", names.join("\", \"")),
        }
    }
}

/// Source: architecture, What the platform really allows, TPM.
const TPM_REMEDY: &str = "; check that the TPM's device is there (ls -l /dev/tpmrm0), that package tpm-udev \
is installed so that its group is tss, and that the agent's user is in group tss";

#[cfg(test)]
mod tests {
    use super::*;

    fn status(require: Require, sources: &[(&str, Class, Health)]) -> Status {
        let sources = sources
            .iter()
            .map(|(name, class, health)| {
                let waiting = SourceStatus::waiting((*name).into(), *class);
                SourceStatus { health: health.clone(), ..waiting }
            })
            .collect();
        Status::new(sources, require)
    }

    #[test]
    fn by_default_one_hardware_class_is_enough() {
        let require = Require::AnyHardware;
        for class in [Class::Tpm, Class::Tee, Class::Hsm, Class::Cpu] {
            assert!(require.missing(&[class]).is_empty(), "{class}");
        }
        for not_enough in [&[][..], &[Class::Kernel], &[Class::Platform], &[Class::Kernel, Class::Platform]] {
            assert_eq!(require.missing(not_enough).len(), 4, "{not_enough:?}");
        }
    }

    #[test]
    fn of_a_list_each_class_is_needed() {
        let require = Require::Each(vec![Class::Tpm, Class::Cpu]);
        assert_eq!(require.missing(&[Class::Cpu, Class::Tee]), [Class::Tpm]);
        assert!(require.missing(&[Class::Cpu, Class::Tpm]).is_empty());
        assert!(Require::Each(vec![]).missing(&[]).is_empty(), "an empty list asks for nothing");
    }

    #[test]
    fn a_source_that_does_not_work_degrades_and_one_at_its_start_warms() {
        let failed = Health::Failed("gone".into());
        for (tpm, expected) in [
            (Health::Healthy, Condition::Steady),
            (Health::Waiting, Condition::Warming),
            (failed.clone(), Condition::Degraded),
        ] {
            let cpu = ("rdseed", Class::Cpu, Health::Healthy);
            let status = status(Require::AnyHardware, &[cpu, ("tpm", Class::Tpm, tpm.clone())]);
            assert_eq!(status.condition(), expected, "{tpm:?}");
            assert_eq!(status.unmet(), None);
        }
        let waiting = status(Require::AnyHardware, &[("tpm", Class::Tpm, Health::Waiting)]);
        assert_eq!(waiting.condition(), Condition::Degraded, "nothing meets `require` yet");
    }

    #[test]
    fn a_head_that_is_not_kept_degrades_until_it_is() {
        let status = status(Require::AnyHardware, &[("tpm", Class::Tpm, Health::Healthy)]);
        let elsewhere = status.clone();
        elsewhere.set_head_kept(false);
        assert_eq!((status.condition(), status.unmet()), (Condition::Degraded, None));
        elsewhere.set_head_kept(true);
        assert_eq!(status.condition(), Condition::Steady);
    }

    #[test]
    fn until_enough_was_seen_it_warms_unless_it_is_degraded() {
        let status = status(Require::AnyHardware, &[("rdseed", Class::Cpu, Health::Healthy)]);
        status.begin_warming();
        assert_eq!(status.condition(), Condition::Warming);
        status.mark("the TPM was reset".into());
        assert_eq!(status.condition(), Condition::Degraded);
        status.unmark();
        assert_eq!((status.end_warming(), status.end_warming()), (true, false), "it is new once");
        assert_eq!(status.condition(), Condition::Steady);
    }

    #[test]
    fn a_mark_degrades_until_the_lineage_ends() {
        let status = status(Require::AnyHardware, &[("rdseed", Class::Cpu, Health::Healthy)]);
        status.mark("the TPM was reset".into());
        status.mark("the TPM was reset".into());
        assert_eq!((status.condition(), status.marks().len()), (Condition::Degraded, 1));
        status.unmark();
        assert_eq!(status.condition(), Condition::Steady);
    }

    #[test]
    fn unmet_says_what_is_missing_why_and_what_to_do() {
        let failed = Health::Failed("/dev/tpmrm0: Permission denied".into());
        let sources = [("kernel", Class::Kernel, Health::Healthy), ("tpm", Class::Tpm, failed)];
        let text = status(Require::Each(vec![Class::Tpm]), &sources).unmet().unwrap().to_string();
        for part in [
            "each class of tpm",
            "Permission denied",
            "group tss",
            "tpm-udev",
            "take \"tpm\" out of `require`",
        ] {
            assert!(text.contains(part), "{part} not in {text}");
        }

        let text = status(Require::AnyHardware, &sources[..1]).unmet().unwrap().to_string();
        for part in ["one class of tpm, tee, hsm, cpu", "none of them is configured"] {
            assert!(text.contains(part), "{part} not in {text}");
        }
    }
}
