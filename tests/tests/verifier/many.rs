//! One verifier, thousands of peers, 64 callers, and kills in the middle: what a caller was told is in the store.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use selfsame_dbus::{Bytes, CallError, Error, Options, VerdictReply, Verifier1Proxy};
use selfsame_tests::play::count::cases;
use tokio::sync::{Notify, Semaphore};

use crate::{
    host::{DOOR, Member},
    scene::{Door, Refused, cause, refused},
};

const CALLERS: u32 = 64;

/// How often the agent is killed.
const KILLS: u32 = 5;

/// What the callers know.
#[derive(Default)]
struct Ledger {
    /// The last that each was told of its peers: lineage and index.
    told: Mutex<BTreeMap<String, (String, u64)>>,
    peers: AtomicU32,
    verdicts: AtomicU64,
    busy: AtomicU64,
    broken: AtomicU64,
    progress: Notify,
    proofs: Proofs,
}

/// So many proofs are sent at once: two more than one user may have under way.
struct Proofs(Semaphore);

impl Default for Proofs {
    fn default() -> Self {
        Self(Semaphore::new(6))
    }
}

/// A call's answer, however often it has to be made: where the agent has no room, or has just been killed. `None`: the agent was
/// killed while it was under way, so nobody knows what came of it.
async fn answered<T, F: Future<Output = Result<T, CallError>>>(
    ledger: &Ledger,
    mut call: impl FnMut() -> F,
) -> Option<Result<T, Refused>> {
    loop {
        match call().await {
            Err(CallError::Refused(Error::Busy(_), _)) => {
                ledger.busy.fetch_add(1, Relaxed);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(CallError::Unreachable(_)) => {
                ledger.broken.fetch_add(1, Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
                return None;
            }
            other => return Some(refused(other)),
        }
    }
}

/// Notes what a verdict says: nothing that is told may be lost from here on.
fn note(ledger: &Ledger, peer: &str, verdict: &VerdictReply) {
    let told = (verdict.lineage.clone(), verdict.index);
    ledger.told.lock().unwrap().insert(peer.to_owned(), told);
    ledger.verdicts.fetch_add(1, Relaxed);
}

/// Meets one peer, and asks it once more.
async fn meet(ledger: &Ledger, verifier: &Verifier1Proxy<'static>, number: u32) {
    let (peer, none) = (format!("peer{number:05}"), Options::new());
    let mut host = Member::born(u64::from(number));
    let lineage = host.id().to_string();
    let ask = async || loop {
        if let Some(challenge) = answered(ledger, || verifier.challenge(DOOR, &peer, &none)).await {
            return selfsame::Challenge::parse(&challenge.unwrap()).unwrap();
        }
    };
    loop {
        let proof = host.prove(&ask().await);
        let _turn = ledger.proofs.0.acquire().await.unwrap();
        match answered(ledger, || verifier.enrol(&peer, Bytes::new(&proof), &none)).await {
            Some(verdict) => {
                note(ledger, &peer, &verdict.unwrap());
                break;
            }
            // it may be enrolled, or not
            None => {
                let whose = loop {
                    if let Some(whose) = answered(ledger, || verifier.whose(&lineage)).await {
                        break whose.unwrap();
                    }
                };
                if whose == peer {
                    break;
                }
                assert_eq!(whose, "");
            }
        }
    }
    loop {
        let proof = host.prove(&ask().await);
        let _turn = ledger.proofs.0.acquire().await.unwrap();
        if let Some(verdict) = answered(ledger, || verifier.verify(&peer, Bytes::new(&proof), &none)).await {
            let verdict = verdict.unwrap();
            assert!(verdict.moved);
            note(ledger, &peer, &verdict);
            break;
        }
    }
    ledger.peers.fetch_add(1, Relaxed);
    ledger.progress.notify_one();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_peers_sixty_four_callers_and_kills_lose_nothing() {
    let (peers, began) = (cases(10_000), Instant::now());
    let mut door = Door::start().await;
    let ledger = Arc::<Ledger>::default();
    let mut callers = Vec::new();
    for caller in 0..CALLERS {
        let verifier = Verifier1Proxy::to(&door.bus.connect().await).await.unwrap();
        let ledger = Arc::clone(&ledger);
        callers.push(tokio::spawn(async move {
            for number in (caller..peers).step_by(CALLERS as usize) {
                meet(&ledger, &verifier, number).await;
            }
        }));
    }
    for kill in 1..=KILLS {
        while ledger.peers.load(Relaxed) < peers * kill / (KILLS + 1) {
            ledger.progress.notified().await;
        }
        // in the middle of what all of them do
        door.kill_and_restart().await;
    }
    for caller in callers {
        caller.await.unwrap();
    }
    door.kill_and_restart().await;
    let known: BTreeMap<_, _> =
        door.verifier.peers().await.unwrap().into_iter().map(|peer| (peer.name.clone(), peer)).collect();
    assert_eq!(known.len(), peers as usize);
    let told = std::mem::take(&mut *ledger.told.lock().unwrap());
    assert_eq!(told.len(), peers as usize);
    for (peer, (lineage, index)) in &told {
        assert_eq!((&known[peer].lineage, known[peer].index), (lineage, *index), "{peer}");
    }
    door.store().check().unwrap();
    let (verdicts, busy) = (ledger.verdicts.load(Relaxed), ledger.busy.load(Relaxed));
    let broken = ledger.broken.load(Relaxed);
    println!(
        "{peers} peers of 10000, {CALLERS} callers, {KILLS} kills: {verdicts} verdicts, {busy} times busy, {broken} calls \
         broken off, {:.1?}",
        began.elapsed()
    );
    assert!(broken > 0, "the kills came in the middle");
    // what was used stays used
    let mut host = Member::born(u64::from(peers));
    door.enrolled("last", &mut host).await;
    let proof = host.prove(&door.challenge("last").await);
    door.verify("last", &proof).await.unwrap();
    door.kill_and_restart().await;
    assert_eq!(cause(door.verify("last", &proof).await).0, "UnknownChallenge");
}
