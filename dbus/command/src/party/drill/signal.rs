//! The agent's signal of a fork, waited for.

use std::time::Duration;

use futures_util::StreamExt;
use selfsame_dbus::{Bus, ForkFoundStream, Verifier1Proxy};
use tokio::time::timeout;

use crate::bus::Line;
use crate::failure::Failure;

/// Who listens for it, from before it is due.
pub(super) struct Signal {
    // in this order they are dropped: the stream's messages come over the line
    stream: ForkFoundStream,
    line: Line,
}

impl Signal {
    /// Listens on this bus, as any desktop or monitor would.
    pub(super) fn of(bus: &Bus) -> Result<Self, Failure> {
        let line = Line::to(bus)?;
        let stream = line
            .ask(async |connection| Ok(Verifier1Proxy::to(connection).await?.receive_fork_found().await?));
        Ok(Self { stream: stream.map_err(|error| Failure::of_call(&error, bus))?, line })
    }

    /// Whether it comes for this peer, with a fork in it.
    pub(super) fn wait(mut self, peer: &str, patience: Duration) -> Result<bool, Failure> {
        let stream = &mut self.stream;
        let came = self.line.ask(async |_| {
            let mine = async {
                while let Some(signal) = stream.next().await {
                    if signal.args().is_ok_and(|args| args.peer == peer && !args.fork.is_empty()) {
                        return true;
                    }
                }
                false
            };
            Ok(timeout(patience, mine).await.unwrap_or(false))
        });
        came.map_err(|error| Failure::unexpected(&error.to_string()))
    }
}
