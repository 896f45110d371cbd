//! How much one user may have under way. The verifier's thread is held meanwhile, so nothing here depends on time.

use futures_util::future::join_all;
use selfsame_dbus::{Bytes, CallError, Error, Identity1Proxy, Options, Verifier1Proxy};

use crate::{
    held::Held,
    host::DOOR,
    scene::{Door, cause, refused},
};

/// Sends calls by `call` until one is refused as busy, and says how many wait; then lets them go on.
async fn waiting<F>(door: &Door, call: impl Fn(Verifier1Proxy<'static>) -> F) -> usize
where
    F: Future<Output = Result<(), CallError>> + Send + 'static,
{
    let held = Held::thread(door.agent().pid(), "verifier");
    let identity = Identity1Proxy::uncached(&door.connection).await.unwrap();
    let mut calls = Vec::new();
    while !calls.iter().any(tokio::task::JoinHandle::is_finished) {
        calls.push(tokio::spawn(call(door.verifier.clone())));
        tokio::task::yield_now().await;
        // what is read by the same connection after it says that the agent has taken it in
        for _ in 0..3 {
            identity.index().await.unwrap();
        }
    }
    drop(held);
    let outcomes: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    let is_busy = |outcome: &&Result<(), CallError>| matches!(outcome, Err(CallError::Refused(Error::Busy(text), _)) if text.contains("that is the limit"));
    outcomes.len() - outcomes.iter().filter(is_busy).count()
}

#[tokio::test]
async fn four_proofs_of_a_user_at_once_and_no_more() {
    let door = Door::start().await;
    // the agent knows who calls
    assert!(door.names().await.is_empty());
    let verify = |verifier: Verifier1Proxy<'static>| async move {
        let done = verifier.verify("web", Bytes::new(b"no proof"), &Options::new()).await;
        assert!(
            matches!(&done, Err(CallError::Refused(Error::Malformed(_) | Error::Busy(_), _))),
            "{done:?}"
        );
        done.map(drop)
    };
    assert_eq!(waiting(&door, verify).await, 4);
    let enrol = |verifier: Verifier1Proxy<'static>| async move {
        verifier.enrol("web", Bytes::new(b"no proof"), &Options::new()).await.map(drop)
    };
    assert_eq!(waiting(&door, enrol).await, 4);
    let report =
        |verifier: Verifier1Proxy<'static>| async move { verifier.report_fork(Bytes::new(b"no fork")).await };
    assert_eq!(waiting(&door, report).await, 4);
    let confront = |verifier: Verifier1Proxy<'static>| async move {
        verifier.confront("web", Bytes::new(b"no hop"), &[]).await.map(drop)
    };
    assert_eq!(waiting(&door, confront).await, 4);
    // all is as it was
    assert_eq!(cause(door.verify("web", b"").await).0, "Malformed");
}

/// An empty hop takes four bytes in a message, and sixteen in memory.
#[tokio::test]
async fn a_way_of_more_hops_than_a_proof_has_room_for_is_refused_before_it_takes_memory() {
    let door = Door::start().await;
    let (hop, hops) = (Bytes::new(b""), |count| vec![Bytes::new(b""); count]);
    let most = selfsame_dbus::limits::PROOF_MAX_BYTES / selfsame_dbus::limits::OPENING_BYTES;
    let looked_at = door.verifier.confront("web", hop, &hops(most)).await;
    assert!(matches!(looked_at, Err(CallError::Refused(Error::Malformed(_), _))), "{looked_at:?}");
    let refused = door.verifier.confront("web", hop, &hops(1_000_000)).await.unwrap_err();
    let CallError::Unexpected(error) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains(&format!("at most {most} hops")), "{error}");
}

#[tokio::test]
async fn two_hundred_and_fifty_six_other_calls_of_a_user_and_no_more() {
    let door = Door::start().await;
    assert!(door.names().await.is_empty());
    let peers = |verifier: Verifier1Proxy<'static>| async move { verifier.peers().await.map(drop) };
    assert_eq!(waiting(&door, peers).await, 256);
    refused(door.verifier.challenge(DOOR, "web", &Options::new()).await).unwrap();
}

#[tokio::test]
async fn a_queue_of_proofs_holds_up_no_challenge_that_comes_after_two_of_them() {
    let door = Door::start().await;
    assert!(door.names().await.is_empty());
    let held = Held::thread(door.agent().pid(), "verifier");
    let proof = vec![0; selfsame_dbus::limits::PROOF_MAX_BYTES];
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let (verifier, proof) = (door.verifier.clone(), proof.clone());
            tokio::spawn(async move { verifier.verify("web", Bytes::new(&proof), &Options::new()).await })
        })
        .collect();
    let challenge = {
        let verifier = door.verifier.clone();
        tokio::spawn(async move { verifier.challenge(DOOR, "web", &Options::new()).await })
    };
    // the agent's own thread goes on: the identity answers while its verifier stands still
    let identity = Identity1Proxy::uncached(&door.connection).await.unwrap();
    identity.introduce().await.unwrap();
    assert!(!challenge.is_finished() && !calls.iter().any(tokio::task::JoinHandle::is_finished));
    drop(held);
    challenge.await.unwrap().unwrap();
    for call in calls {
        assert!(matches!(call.await.unwrap(), Err(CallError::Refused(Error::Malformed(_), _))));
    }
}

#[tokio::test]
async fn forks_that_are_more_than_a_message_may_have_are_not_sent() {
    use selfsame_tests::play::crafted::{Made, genesis};
    let door = Door::start().await;
    // each has a way of so many hops from its genesis: 3 MiB and some
    let fork = |seed: &str| -> (Made, Vec<u8>) {
        let genesis = genesis(seed);
        let mut way = vec![genesis.clone()];
        for index in 1..=1400 {
            way.push(way[way.len() - 1].then("host", index));
        }
        (genesis, crate::crafting::fork(&way))
    };
    let mut reported = 0;
    while reported < 6 {
        let (genesis, fork) = fork(&format!("host {reported}"));
        assert!((3 << 20..4 << 20).contains(&fork.len()), "{}", fork.len());
        let peer = format!("peer {reported}");
        door.meet(&peer, &genesis.introduction().encode(), false).await.unwrap();
        refused(door.verifier.report_fork(Bytes::new(&fork)).await).unwrap();
        assert_eq!(door.verifier.forks(&peer).await.unwrap(), [&fork[..]]);
        reported += 1;
    }
    let all = refused(door.verifier.forks("").await);
    assert_eq!(cause(all.clone()).0, "Busy");
    assert!(crate::scene::text(all).contains("ask of one peer"));
}
