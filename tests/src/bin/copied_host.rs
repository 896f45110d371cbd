//! `selfsame-copied-host HOST COPY`: plays a host on the bus at D-Bus address HOST. At SIGUSR1 its memory is copied, and the
//! copy is played on the bus at COPY, until SIGTERM. What it did, it says on standard output.
//!
//! It is for demonstrations and tests of what a relying party sees; no agent makes a copy of its memory.
#![forbid(unsafe_code)]

use std::{env, error::Error};

use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH};
use selfsame_tests::Played;
use tokio::signal::unix::{SignalKind, signal};
use zbus::{Connection, connection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut addresses = env::args().skip(1);
    let (Some(host_bus), Some(copy_bus)) = (addresses.next(), addresses.next()) else {
        return Err("usage: selfsame-copied-host HOST COPY: two D-Bus addresses".into());
    };
    let (mut copy, mut terminate) = (signal(SignalKind::user_defined1())?, signal(SignalKind::terminate())?);
    let host = Played::born();
    let _on_host_bus = serve(&host_bus, &host).await?;
    println!("the host serves");
    tokio::select! {
        _ = copy.recv() => {}
        _ = terminate.recv() => return Ok(()),
    }
    let stolen = host.copied().await;
    let _on_copy_bus = serve(&copy_bus, &stolen).await?;
    println!("the copy serves");
    terminate.recv().await;
    Ok(())
}

async fn serve(address: &str, played: &Played) -> zbus::Result<Connection> {
    let connection = connection::Builder::address(address)
        .serve_at(AGENT_PATH, played.clone())
        .name(AGENT_BUS_NAME)
        .allow_name_replacements(false)
        .replace_existing_names(false)
        .build()
        .await?;
    tokio::spawn(played.clone().beat());
    Ok(connection)
}
