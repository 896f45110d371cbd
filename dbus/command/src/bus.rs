//! The agent on the bus.

use std::time::Duration;

use selfsame_dbus::{Bus, CallError, Identity1Proxy};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::failure::Failure;

/// Asks the agent on this bus.
///
/// # Errors
///
/// Where there is none, or it refuses.
pub(crate) fn ask<T>(
    bus: &Bus,
    question: impl AsyncFnOnce(Identity1Proxy<'static>) -> Result<T, CallError>,
) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system("no runtime for the bus", &error))?;
    runtime.block_on(async {
        let Ok(proxy) = timeout(PATIENCE, proxy(bus)).await else {
            return Err(Failure::unreachable("agent not reachable: the bus does not answer", bus));
        };
        let answer = async { question(proxy?).await };
        answer.await.map_err(|error| Failure::of_call(&error, bus))
    })
}

async fn proxy(bus: &Bus) -> Result<Identity1Proxy<'static>, CallError> {
    Identity1Proxy::uncached(&bus.builder().method_timeout(PATIENCE).build().await?).await
}

/// How long the bus, or the agent, may take to answer: what libdbus gives them, and some more for the agent's start.
const PATIENCE: Duration = Duration::from_secs(30);
