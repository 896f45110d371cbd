//! `selfsame-stand-in --bus-address ADDRESS [--proof-bytes N] [--exit CODE] [--own-bus]`: takes the agent's name and serves
//! made-up answers until SIGTERM. It takes the agent's other options too, and does nothing with them. `--exit`:
//! ends at once, as an agent does that can't start. `--own-bus`: starts a bus instead, says where, and goes on until
//! it is killed.
#![forbid(unsafe_code)]

use std::{env, error::Error, process::ExitCode};

use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH};
use selfsame_tests::{PrivateBus, StandIn};
use tokio::signal::unix::{SignalKind, signal};
use zbus::connection;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    if let Some(code) = option("--exit") {
        eprintln!("told to end with {code}");
        return Ok(ExitCode::from(code.parse::<u8>()?));
    }
    if env::args().any(|argument| argument == "--own-bus") {
        let bus = PrivateBus::start();
        println!("{}", bus.address());
        std::future::pending::<()>().await;
    }
    let address = option("--bus-address").ok_or("no --bus-address")?;
    let proof_bytes = option("--proof-bytes").map_or(Ok(0), |bytes| bytes.parse())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let _connection = connection::Builder::address(address.as_str())
        .serve_at(AGENT_PATH, StandIn::new(proof_bytes))
        .name(AGENT_BUS_NAME)
        // zbus lets others take the name, and takes it from others, where it is not told.
        .allow_name_replacements(false)
        .replace_existing_names(false)
        .build()
        .await?;
    eprintln!("serving");
    terminate.recv().await;
    eprintln!("ended");
    Ok(ExitCode::SUCCESS)
}

/// What follows `name` on the command line.
fn option(name: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != name).nth(1)
}
