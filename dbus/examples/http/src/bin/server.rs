//! A relying party as an HTTP service: an example. `selfsame_example_http` says how it works.
#![forbid(unsafe_code)]

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use clap::Parser;
use selfsame_example_http::{Door, Sessions};
use selfsame_store::Store;
use tokio::net::TcpListener;

/// A relying party over HTTP: hosts show who they are at /hosts/NAME
#[derive(Debug, Parser)]
struct Arguments {
    /// Where its peers are kept; `selfsame --store FILE` looks at the same file
    #[arg(long, value_name = "FILE")]
    store: PathBuf,

    /// Where it listens; plain HTTP belongs on loopback, behind whatever speaks TLS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// The origin by which clients know it [default: http://ADDRESS]
    #[arg(long)]
    origin: Option<String>,

    /// Take whoever comes first under a new name; else `selfsame --store FILE meet NAME INTRODUCTION` first
    #[arg(long)]
    trust_on_first_use: bool,

    /// How long a session lasts, in seconds
    #[arg(long, value_name = "S", default_value_t = 60)]
    session_s: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(error) = serve(Arguments::parse()).await else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(arguments.listen).await?;
    let origin = match arguments.origin {
        Some(origin) => origin,
        None => format!("http://{}", listener.local_addr()?),
    };
    println!("{origin}");
    let door = Door {
        origin,
        store: Mutex::new(Store::open(&arguments.store)?),
        sessions: Mutex::new(Sessions::lasting(Duration::from_secs(arguments.session_s))),
        trusts_on_first_use: arguments.trust_on_first_use,
    };
    Ok(axum::serve(listener, door.routes()).await?)
}
