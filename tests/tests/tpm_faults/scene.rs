//! What each fault is played on, and what has to be the same after as before.

use std::time::Duration;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use selfsame_tests::{
    Tapped, processes,
    tapped::{handles, kind},
};

use crate::phases::{Caller, Phase};

/// A host that is well, and its caller.
pub struct Scene {
    pub tapped: Tapped,
    caller: Caller,
    lineage: selfsame::LineageId,
    before: Resources,
    first: Phase,
}

/// What an agent and its helper hold on to.
#[derive(Debug, PartialEq, Eq)]
struct Resources {
    agent_files: usize,
    agent_threads: Vec<String>,
    helpers: usize,
    helper_files: usize,
    /// Sessions and transient objects in the TPM.
    tpm_handles: [usize; 2],
}

impl Scene {
    /// Plays the phase before the fault.
    pub async fn start() -> Self {
        let tapped = Tapped::start().await;
        let lineage = tapped.host.lineage().await;
        let mut caller = Caller::new(lineage);
        let first = caller.phase(&tapped.host, async || true).await;
        let before = Resources::of(&tapped).await;
        Self { tapped, caller, lineage, before, first }
    }

    /// Plays the phase in which a fault lasts, until the agent has seen it.
    pub async fn until_degraded(&mut self) -> Phase {
        let tapped = &self.tapped;
        self.caller.phase(&tapped.host, async || !tapped.works().await).await
    }

    /// Plays the phase after the fault, once the agent has recovered by itself; and checks that no answer waited for the
    /// TPM, that the lineage is the same, and that nothing was left behind.
    pub async fn recovers(mut self, fault: &str, during: Phase) {
        self.tapped.wait_until_it_works(true).await;
        let after = self.caller.phase(&self.tapped.host, async || true).await;
        println!("| {fault} | {} | {during} | {after} |", self.first);
        for phase in [&self.first, &during, &after] {
            assert!(phase.most() < WAITED, "an answer took {:?}: it waited for the TPM", phase.most());
        }
        assert_eq!(self.tapped.host.lineage().await, self.lineage, "the same lineage throughout");
        assert_eq!(Resources::of(&self.tapped).await, self.before, "after as before");
    }
}

impl Resources {
    /// Counts. The helper is killed for it, since swtpm takes one connection at a time: what is in the TPM then is what
    /// the helper had there. The agent gets over that as over any such end, and is waited for.
    async fn of(tapped: &Tapped) -> Self {
        tapped.wait_until_it_works(true).await;
        let agent = tapped.host.agent.pid();
        let helper = tapped.helper();
        let mut threads = processes::threads(agent);
        threads.sort_unstable();
        // the least of many looks: a file that is just being written is no leak
        let (mut agent_files, mut helper_files) = (usize::MAX, usize::MAX);
        for _ in 0..20 {
            agent_files = agent_files.min(processes::open_files(agent).len());
            // its connection to the TPM is there only while a command is under way
            helper_files = helper_files.min(processes::open_files(helper).len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        kill(Pid::from_raw(helper.cast_signed()), Signal::SIGKILL).unwrap();
        let tpm = &tapped.host.tpm;
        let tpm_handles = [kind::LOADED_SESSION, kind::TRANSIENT].map(|first| handles(tpm, first).len());
        tapped.wait_until_it_works(false).await;
        tapped.wait_until_it_works(true).await;
        let helpers = tapped.helpers().len();
        Self { agent_files, agent_threads: threads, helpers, helper_files, tpm_handles }
    }
}

/// Half of how long the agent waits for a TPM that is silent, and of a draw where each command takes a second: an answer
/// that waited for either would take longer, and none else comes near it.
const WAITED: Duration = Duration::from_millis(1000);
