//! A host proves to a relying party that it is still itself: both sides, on one host.
//!
//!     cargo run -p selfsame-dbus --example prove [WHOM]
//!
//! WHOM you mean to talk to; the relying party here is called `door`. `DBUS_SYSTEM_BUS_ADDRESS` names another bus.

use selfsame_dbus::{Bytes, CallError, Error, Identity1Proxy, Options, VerdictReply, Verifier1Proxy};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    match round().await {
        Ok(verdict) => {
            let (user, says) = (verdict.subject.uid, String::from_utf8_lossy(&verdict.payload));
            let (met, user) = (if verdict.first { "met" } else { "still" }, user.map_or(-1, i64::from));
            println!("{met} web1: user {user} says {says}");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("refused: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn round() -> Result<VerdictReply, CallError> {
    let bus = zbus::Connection::system().await?;
    let (identity, verifier) = (Identity1Proxy::new(&bus).await?, Verifier1Proxy::to(&bus).await?);
    let whom = std::env::args().nth(1).unwrap_or_else(|| "door".into());
    let none = Options::new();

    // at the relying party
    let challenge = verifier.challenge("door", "web1", &none).await?;
    // on the host
    let proof = identity.prove(&whom, Bytes::new(&challenge), Bytes::new(b"hello"), &none).await?;
    // at the relying party
    match verifier.verify("web1", Bytes::new(&proof), &none).await {
        // trust on first use: whoever answers is web1 from now on. `meet`, by a channel that you trust, is better
        Err(CallError::Refused(Error::UnknownPeer(_), _)) => {
            verifier.enrol("web1", Bytes::new(&proof), &none).await
        }
        verdict => verdict,
    }
}
