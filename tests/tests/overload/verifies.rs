//! Proofs as large as they may be, of as many callers as may send them at once, for an agent whose verifier stands still.

use std::fs;

use futures_util::future::join_all;
use selfsame_dbus::{Bytes, CallError, Error, Identity1Proxy, Options, Verifier1Proxy, limits};
use tokio::task::JoinHandle;

use crate::{
    callers::{NOBODY, USERS, connect},
    held::Held,
    scene::Scene,
};

/// Users beside those of the other tests, so that there are sixteen: four calls of each are let in.
const MORE: [u32; 5] = [4, 33, 34, 38, 39];

/// What a call came to.
type Answer = Result<(), CallError>;

fn is_busy(answer: &Answer) -> bool {
    matches!(answer, Err(CallError::Refused(Error::Busy(_), _)))
}

/// `MemoryMax=` of the unit.
fn memory_max_kib() -> u64 {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/systemd/selfsame-agent.service");
    let unit = fs::read_to_string(unit).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("MemoryMax=")).unwrap();
    line.strip_suffix('M').unwrap().parse::<u64>().unwrap() * 1024
}

/// A user's connection, known to the agent.
async fn known(scene: &Scene, uid: u32) -> Verifier1Proxy<'static> {
    let connection = connect(scene.bus.address(), uid).await;
    let verifier = Verifier1Proxy::to(&connection).await.unwrap();
    assert!(verifier.peers().await.unwrap().is_empty());
    verifier
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_callers_with_the_largest_proofs_fit_the_units_memory() {
    let scene = Scene::start().await;
    let mut verifiers = Vec::new();
    for uid in USERS.into_iter().chain(MORE).chain([NOBODY]) {
        verifiers.push(known(&scene, uid).await);
    }
    assert_eq!(verifiers.len() * limits::VERIFY_OF_A_USER as usize, 64);
    let late = known(&scene, 0).await;
    let before = scene.taken();
    let proof: &'static [u8] = vec![0; limits::PROOF_MAX_BYTES].leak();
    let send = |verifier: &Verifier1Proxy<'static>| {
        let verifier = verifier.clone();
        tokio::spawn(
            async move { verifier.verify("web", Bytes::new(proof), &Options::new()).await.map(drop) },
        )
    };
    let held = Held::thread(scene.agent.pid(), "verifier");
    let calls: Vec<JoinHandle<Answer>> =
        verifiers.iter().flat_map(|verifier| (0..limits::VERIFY_OF_A_USER).map(|_| send(verifier))).collect();
    for verifier in &verifiers {
        all_are_in(verifier).await;
    }
    // one more of each is refused, and so is another user's: that much is held, and no more
    for verifier in verifiers.iter().chain([&late]) {
        assert!(is_busy(&send(verifier).await.unwrap()));
    }
    assert!(!calls.iter().any(JoinHandle::is_finished), "they wait for their turn");
    let held_kib = scene.taken().resident_kib;
    drop(held);
    for answer in join_all(calls).await {
        let answer = answer.unwrap();
        assert!(matches!(answer, Err(CallError::Refused(Error::Malformed(_), _))), "{answer:?}");
    }
    let after = scene.taken();
    println!(
        "64 proofs of 4 MiB: {} KiB before, {held_kib} held, {} at most, {} after; MemoryMax={} KiB",
        before.resident_kib,
        after.resident_most_kib,
        after.resident_kib,
        memory_max_kib()
    );
    assert!(held_kib > 64 * 4096, "they were all there");
    assert!(after.resident_most_kib < memory_max_kib(), "{after:?}");
    // whoever comes then is let in
    assert!(!is_busy(&send(&late).await.unwrap()));
}

/// What is answered by the same connection after them says that the agent has taken them in.
async fn all_are_in(verifier: &Verifier1Proxy<'static>) {
    let identity = Identity1Proxy::uncached(verifier.inner().connection()).await.unwrap();
    for _ in 0..3 {
        identity.index().await.unwrap();
    }
}
