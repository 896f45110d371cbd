//! The agent on the bus.

use std::time::Duration;

use selfsame_dbus::{Bus, CallError, Identity1Proxy};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use zbus::Connection;

use crate::failure::Failure;

/// A connection to the bus on which the agent is.
#[derive(Debug)]
pub(crate) struct Line {
    // in this order they are dropped: the connection's tasks are the runtime's
    connection: Connection,
    runtime: Runtime,
}

impl Line {
    /// Connects to this bus.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub(crate) fn to(bus: &Bus) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::system("no runtime for the bus", &error))?;
        let connected = async { timeout(PATIENCE, bus.builder().method_timeout(PATIENCE).build()).await };
        match runtime.block_on(connected) {
            Ok(Ok(connection)) => Ok(Self { connection, runtime }),
            Ok(Err(error)) => Err(Failure::of_call(&error.into(), bus)),
            Err(_) => Err(Failure::unreachable("agent not reachable: the bus does not answer", bus)),
        }
    }

    /// Asks over it.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub(crate) fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Connection) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        self.runtime.block_on(question(&self.connection))
    }
}

/// Asks the agent on this bus for what is this host's.
///
/// # Errors
///
/// Where there is none, or it refuses.
pub(crate) fn ask<T>(
    bus: &Bus,
    question: impl AsyncFnOnce(Identity1Proxy<'static>) -> Result<T, CallError>,
) -> Result<T, Failure> {
    let line = Line::to(bus)?;
    let answer = line.ask(async |connection| question(Identity1Proxy::uncached(connection).await?).await);
    answer.map_err(|error| Failure::of_call(&error, bus))
}

/// How long the bus, or the agent, may take to answer: what libdbus gives them, and some more for the agent's start.
const PATIENCE: Duration = Duration::from_secs(30);
