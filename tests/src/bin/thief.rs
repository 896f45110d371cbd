//! `selfsame-thief PID BUS`: steals the memory of the agent PID, whose page is locked and not secret, and runs a second real
//! agent from the copy, on the bus at D-Bus address BUS, until SIGTERM. Needs root.
//!
//! It is for demonstrations and tests of what a relying party sees. It has nothing that root on a host does not have.
#![forbid(unsafe_code)]

use std::{env, error::Error, time::Duration};

use selfsame_dbus::AGENT_BUS_NAME;
use selfsame_tests::{AgentOptions, Manager, Stolen, wait_for_name};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(pid), Some(bus)) = (arguments.next(), arguments.next()) else {
        return Err("usage: selfsame-thief PID BUS: an agent's process id, and a D-Bus address".into());
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let stolen = Stolen::from(pid.parse()?)?;
    println!("stolen: the secret page and the public history of process {pid}");
    let manager = Manager::start();
    let process = stolen.run(&manager, &AgentOptions::new(&bus));
    let connection = zbus::connection::Builder::address(bus.as_str()).build().await?;
    wait_for_name(&connection, AGENT_BUS_NAME, Some(process.pid()), Duration::from_secs(60)).await?;
    println!("a second agent runs from it");
    terminate.recv().await;
    Ok(())
}
