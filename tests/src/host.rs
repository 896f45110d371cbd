//! A host: a TPM, a bus and an agent, all real, all its own.

use std::time::Duration;

use selfsame_dbus::{Bytes, CallError, Error, Identity1Proxy, Options};
use selfsame_tpm_sim::Simulator;
use tempfile::TempDir;
use zbus::Connection;

use crate::{Agent, AgentOptions, PrivateBus};

/// A TPM, a bus and an agent.
pub struct Host {
    // in this order they are dropped: first who uses the others
    /// The agent.
    pub agent: Agent,
    /// A caller's connection to the bus.
    pub connection: Connection,
    /// The bus.
    pub bus: PrivateBus,
    /// The TPM.
    pub tpm: Simulator,
    /// Of agents that are started in place of the first.
    state: TempDir,
}

impl Host {
    /// A host with a beat of a fifth of a second.
    pub async fn start() -> Self {
        let tpm = Simulator::start().unwrap();
        let bus = PrivateBus::start();
        let agent = Agent::start(Self::options(&bus, &tpm)).await.unwrap();
        Self::of(agent, bus, tpm).await
    }

    /// A host that is put together already.
    pub async fn of(agent: Agent, bus: PrivateBus, tpm: Simulator) -> Self {
        let connection = bus.connect().await;
        Self { agent, connection, bus, tpm, state: tempfile::tempdir().unwrap() }
    }

    /// How its agent is started: with this TPM, which a birth waits for, and a beat of a fifth of a second.
    pub fn options(bus: &PrivateBus, tpm: &Simulator) -> AgentOptions {
        AgentOptions {
            tcti: Some(tpm.tcti().to_owned()),
            beat: Duration::from_millis(200),
            config: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/agent.toml").into()),
            ..AgentOptions::new(bus.address())
        }
    }

    /// Ends the agent, and starts another in its place: after a restart the lineage is another.
    pub async fn restart(&mut self) {
        let state_dir = Some(self.state.path().to_owned());
        let options = AgentOptions { state_dir, ..Self::options(&self.bus, &self.tpm) };
        self.agent.signal(nix::sys::signal::Signal::SIGTERM);
        // the name is free as soon as the old one has given it up
        loop {
            match Agent::start(options.clone()).await {
                Ok(agent) => {
                    self.agent = agent;
                    break;
                }
                Err(error) => assert!(error.to_string().contains("taken"), "{error}"),
            }
        }
    }

    /// The agent's interface, for a caller who keeps no property.
    pub async fn identity(&self) -> Identity1Proxy<'static> {
        Identity1Proxy::uncached(&self.connection).await.unwrap()
    }

    /// Its lineage.
    pub async fn lineage(&self) -> selfsame::LineageId {
        self.identity().await.lineage().await.unwrap().parse().unwrap()
    }

    /// The host's answer, as a caller on it gets it.
    ///
    /// # Errors
    /// The agent's refusal.
    pub async fn prove(
        &self,
        audience: &str,
        challenge: &selfsame::Challenge,
        payload: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.prove_raw(audience, challenge.as_bytes(), payload, &Options::new()).await
    }

    /// The host's answer to a challenge of whatever bytes.
    ///
    /// # Errors
    /// The agent's refusal.
    pub async fn prove_raw(
        &self,
        audience: &str,
        challenge: &[u8],
        payload: &[u8],
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Error> {
        let identity = self.identity().await;
        let answer = identity.prove(audience, Bytes::new(challenge), Bytes::new(payload), options).await;
        match answer {
            Ok(proof) => Ok(proof.into_vec()),
            Err(CallError::Refused(error, _)) => Err(error),
            Err(other) => panic!("{other:?}; the agent said: {}", self.agent.stderr()),
        }
    }

    /// Waits until the agent's condition is steady: it has seen enough of the host to judge it, and all else is well.
    pub async fn wait_until_steady(&self) {
        let identity = self.identity().await;
        while identity.condition().await.unwrap() != "steady" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the agent has made so many moments more, by its own beat.
    pub async fn wait_for_moments(&self, more: u64) {
        let identity = self.identity().await;
        let from = identity.moments().await.unwrap();
        while identity.moments().await.unwrap() < from + more {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
