//! What systemd says of a process that `/proc` hides from the agent.

use std::time::Duration;

use tokio::time::timeout;
use zbus::{
    Connection,
    proxy::{Builder, CacheProperties, MethodFlags},
    wire::{Fd, OwnedObjectPath},
};

use super::super::process::{Pinned, Unit};

/// The unit of a pinned process; `None`: systemd did not say in time, and may be asked again.
///
/// `GetUnitByPIDFD` is in systemd 254 and later: whatever has a bus that pins processes has it. `GetUnitByPID` is not
/// asked. Source: org.freedesktop.systemd1(5).
pub(super) async fn unit(pinned: &Pinned, bus: &Connection) -> Option<Option<Unit>> {
    let asking = async {
        let proxy: zbus::Proxy<'_> = Builder::new(bus)
            .destination("org.freedesktop.systemd1")
            .path("/org/freedesktop/systemd1")
            .interface("org.freedesktop.systemd1.Manager")
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        let descriptor = Fd::from(pinned.descriptor());
        let flags = MethodFlags::NO_AUTO_START;
        proxy.call_with_flags("GetUnitByPIDFD", flags, &(descriptor)).await
    };
    let answer: zbus::Result<Option<(OwnedObjectPath, String, Vec<u8>)>> =
        timeout(MOST, asking).await.ok()?;
    match answer {
        Ok(told) => Some(told.and_then(|(_, name, invocation)| Unit::named(name, &invocation))),
        Err(error) => {
            tracing::debug!(%error, "systemd does not say which unit a hidden caller is in");
            Some(None)
        }
    }
}

/// How long an answer may take: it is one of a millisecond, and no other caller waits for it.
const MOST: Duration = Duration::from_secs(1);
