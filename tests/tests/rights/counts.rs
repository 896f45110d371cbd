//! For whom proofs were made, as `Callers` tells it.

use futures_util::future::join_all;
use selfsame::{Boot, Now, Peer};
use selfsame_dbus::{Bytes, CallerCount, Identity1Proxy, Options};
use selfsame_tests::{MEMBERS, connect_as};

use crate::scene::{MEMBER, PROVER, STRANGER, Scene};

/// Asks so often at once; how many proofs came.
async fn prove(identity: &Identity1Proxy<'_>, times: usize) -> usize {
    let lineage = identity.lineage().await.unwrap().parse().unwrap();
    let now = Now { boot: Boot([0; 16]), ticks: 0, wall_ms: 0 };
    let challenge = Peer::expecting(lineage).challenge("door", &[7; 32], &now).unwrap();
    let none = Options::new();
    let ask = || identity.prove("door", Bytes::new(challenge.as_bytes()), Bytes::new(b""), &none);
    join_all((0..times).map(|_| ask())).await.into_iter().filter(Result::is_ok).count()
}

fn counts(rows: &[CallerCount]) -> Vec<(u32, u64)> {
    rows.iter().map(|row| (row.uid, row.proofs)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proofs_are_counted_by_whom_they_are_for_and_by_no_other_calls() {
    let (scene, _polkit) = Scene::with_polkit().await;
    let root = Identity1Proxy::uncached(&scene.bus.connect().await).await.unwrap();
    assert_eq!(root.callers().await.unwrap(), []);

    let prover = scene.identity(PROVER).await;
    let stranger = scene.identity(STRANGER).await;
    let member = connect_as(scene.bus.address(), MEMBER.uid, &[MEMBERS]).await;
    let member = Identity1Proxy::uncached(&member).await.unwrap();
    let (of_prover, of_stranger, of_member) =
        tokio::join!(prove(&prover, 100), prove(&stranger, 10), prove(&member, 300));
    assert_eq!((of_stranger, of_member), (0, 300));
    // no more of one user wait for polkit at once
    assert!((64..=100).contains(&of_prover), "{of_prover}");
    let mut rows = counts(&root.callers().await.unwrap());
    rows.sort_unstable();
    assert_eq!(rows, [(MEMBER.uid, 300), (PROVER.uid, of_prover as u64)]);

    // the most recent first; a refusal is none, nor is another method
    assert_eq!(prove(&prover, 1).await, 1);
    member.introduce().await.unwrap();
    member.prove("", Bytes::new(b""), Bytes::new(b""), &Options::new()).await.unwrap_err();
    let rows = member.callers().await.unwrap();
    assert_eq!(counts(&rows), [(PROVER.uid, of_prover as u64 + 1), (MEMBER.uid, 300)]);
    assert_eq!(prove(&member, 1).await, 1);
    let rows = member.callers().await.unwrap();
    assert_eq!(counts(&rows), [(MEMBER.uid, 301), (PROVER.uid, of_prover as u64 + 1)]);
    // a process of this test's, that is root, asks as the member: what is known of it is not the member's
    assert!(rows.iter().all(|row| row.exe.is_empty()), "{rows:?}");
}
