//! Waiting for a name to be owned on a bus.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;
use zbus::{
    Connection, fdo,
    names::{BusName, OwnedUniqueName, UniqueName, WellKnownName},
};

/// Why a name was not waited for to the end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nobody, or nobody with the process id asked for, took the name in time.
    #[error("{name} was not taken within {limit:?}")]
    NotTaken {
        /// The name.
        name: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The bus went, or does not know the name for one.
    #[error("bus gone or name unusable")]
    Bus(#[from] zbus::Error),
}

/// Waits, for `limit` at most, until `name` is owned, by the process `pid` if one is given, and says by whom.
///
/// It waits for the bus's own signal. An owner of another process id is waited out: it may be a process that has
/// ended just now.
///
/// # Errors
///
/// [`NameError`].
pub async fn wait_for_name(
    connection: &Connection,
    name: &str,
    pid: Option<u32>,
    limit: Duration,
) -> Result<OwnedUniqueName, NameError> {
    match timeout(limit, taken(connection, name, pid)).await {
        Ok(owner) => Ok(owner?),
        Err(_) => Err(NameError::NotTaken { name: name.to_owned(), limit }),
    }
}

async fn taken(connection: &Connection, name: &str, pid: Option<u32>) -> zbus::Result<OwnedUniqueName> {
    let name = WellKnownName::try_from(name)?;
    let bus = fdo::DBusProxy::new(connection).await?;
    // Before the first look, so that no change comes between the two.
    let mut changes = bus.receive_name_owner_changed_with_args(&[(0, name.as_str())]).await?;
    if let Ok(owner) = bus.get_name_owner(BusName::from(&name)).await
        && is_of(&bus, &owner, pid).await
    {
        return Ok(owner);
    }
    while let Some(change) = changes.next().await {
        if let Some(owner) = change.args()?.new_owner().as_ref()
            && is_of(&bus, owner, pid).await
        {
            return Ok(owner.to_owned().into());
        }
    }
    Err(fdo::Error::Disconnected("no more signals".into()).into())
}

/// Whether the connection `owner` is of the process `pid`, where one is given.
async fn is_of(bus: &fdo::DBusProxy<'_>, owner: &UniqueName<'_>, pid: Option<u32>) -> bool {
    match pid {
        // No answer: it is gone already.
        Some(pid) => bus.get_connection_unix_process_id(owner.into()).await.is_ok_and(|of| of == pid),
        None => true,
    }
}
