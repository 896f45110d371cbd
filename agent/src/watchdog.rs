//! The service manager's watchdog: it hears from the agent as long as the runtime turns and the keeper answers. Where either
//! hangs it hears nothing, ends the process, and starts the next, which goes on with the same lineage.

use std::future::pending;

use tokio::time::sleep;

use crate::{keeper::Keeper, notify};

/// Tells the service manager that the agent lives, as often as that wants to hear it; for ever, where it does not.
pub(crate) async fn watch(keeper: &Keeper) {
    let Some(limit) = notify::watchdog() else { return pending().await };
    loop {
        // a keeper that has ended ends the agent, and is nothing to tell of
        if keeper.is_alive().await {
            notify::alive();
        }
        sleep(limit / PINGS).await;
    }
}

/// So often in its time: sd_watchdog_enabled(3) asks for two, and one may be late.
const PINGS: u32 = 4;
