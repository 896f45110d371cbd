//! What the look-up adds to a call, printed.

use std::time::{Duration, Instant};

use selfsame_dbus::{AGENT_BUS_NAME, AGENT_PATH, CallError, Error, Identity1Proxy};
use zbus::Connection;

use crate::scene::{Scene, user};

/// `End` by one who may not is refused as soon as it is known who asks; `Ping` is answered without a look.
#[tokio::test]
async fn what_a_look_up_costs() {
    let scene = Scene::start().await;
    let (mut first, mut first_ping, mut later, mut later_ping) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let (_caller, connection) = scene.connected(&user!(5)).await;
        first_ping.push(ping(&connection).await);
        first.push(refused(&connection).await);
        for _ in 0..4 {
            later_ping.push(ping(&connection).await);
            later.push(refused(&connection).await);
        }
    }
    let [first, first_ping, later, later_ping] = [first, first_ping, later, later_ping].map(median);
    println!(
        "who asks, median over {ROUNDS} connections (pinned: {}): first call {first:?}, a ping before it {first_ping:?}; \
         later calls {later:?}, pings between them {later_ping:?}; so it adds {:?} and {:?}",
        scene.pins().await,
        first.saturating_sub(first_ping),
        later.saturating_sub(later_ping)
    );
}

async fn ping(connection: &Connection) -> Duration {
    let begun = Instant::now();
    let answer = connection
        .call_method(Some(AGENT_BUS_NAME), AGENT_PATH, Some("org.freedesktop.DBus.Peer"), "Ping", &())
        .await;
    answer.unwrap();
    begun.elapsed()
}

async fn refused(connection: &Connection) -> Duration {
    let identity = Identity1Proxy::uncached(connection).await.unwrap();
    let begun = Instant::now();
    let answer = identity.end("ended").await;
    let elapsed = begun.elapsed();
    assert!(matches!(answer, Err(CallError::Refused(Error::NotAuthorized(_), _))), "{answer:?}");
    elapsed
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

const ROUNDS: usize = 100;
