//! The agent on the bus.

use std::fmt;
use std::time::Duration;

use selfsame_dbus::{CallError, Identity1Proxy};
use tokio::runtime::Builder;
use tokio::time::timeout;
use zbus::connection;

use crate::failure::Failure;

/// Which bus the agent is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bus {
    /// The system bus.
    System,
    /// The session bus.
    Session,
    /// The bus at this D-Bus address.
    Address(String),
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("the system bus"),
            Self::Session => f.write_str("the session bus"),
            Self::Address(address) => write!(f, "the bus at {address}"),
        }
    }
}

impl Bus {
    /// Asks the agent on this bus.
    ///
    /// # Errors
    ///
    /// Where there is none, or it refuses.
    pub(crate) fn ask<T>(
        &self,
        question: impl AsyncFnOnce(Identity1Proxy<'static>) -> Result<T, CallError>,
    ) -> Result<T, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::system("no runtime for the bus", &error))?;
        runtime.block_on(async {
            let Ok(proxy) = timeout(PATIENCE, self.proxy()).await else {
                return Err(Failure::unreachable("agent not reachable: the bus does not answer", self));
            };
            let answer = async { question(proxy?).await };
            answer.await.map_err(|error| Failure::of_call(&error, self))
        })
    }

    async fn proxy(&self) -> Result<Identity1Proxy<'static>, CallError> {
        let builder = match self {
            Self::System => connection::Builder::system(),
            Self::Session => connection::Builder::session(),
            Self::Address(address) => connection::Builder::address(address.as_str()),
        };
        Identity1Proxy::uncached(&builder.method_timeout(PATIENCE).build().await?).await
    }
}

/// How long the bus, or the agent, may take to answer: what libdbus gives them, and some more for the agent's start.
const PATIENCE: Duration = Duration::from_secs(30);
