use std::sync::atomic::Ordering;

use selfsame::{
    Birth, Boot, Condition, EvidenceFields, Now, Ordinary, Origin, Peer, Policy, Reason, Salt, Subject,
};
use tokio::runtime;

use super::*;
use crate::{
    behaviour::Sampler,
    clock::manual::Manual,
    entropy::{Gathering, Pace, Require},
};

fn kept(clock: &Clock) -> Kept<Ordinary> {
    let pace = Pace::new(Duration::from_secs(1), None);
    let sources = Gathering::begin(Vec::new(), Require::Each(Vec::new()), pace).unwrap().status();
    let condition = Some(Condition::Steady);
    let birth = Birth {
        contributions: &[("test", b"entropy")],
        randomness: &[1; 32],
        salt: Salt::new([2; 32]),
        wall_ms: clock.wall_ms(),
        evidence: Evidence::new(EvidenceFields { condition, ..EvidenceFields::default() }).unwrap(),
        origin: Origin::new(Reason::Install, None),
    };
    let born = clock.age();
    let lineage = Lineage::born(Ordinary::default(), birth).unwrap();
    Kept { lineage, born, clock: clock.clone(), sources, memory: "ordinary" }
}

fn request(peer: &mut Peer, nonce: u8, now: &Now) -> Request {
    Request {
        audience: "door".into(),
        challenge: peer.challenge("door", &[nonce; 32], now).unwrap(),
        subject: Subject { uid: Some(7), ..Subject::default() },
        payload: None,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn all_that_waits_becomes_one_moment() {
    let host = Manual::default();
    host.pass(1_000_000_000);
    let clock = host.clock();
    let (keeper, thread) = start(kept(&clock)).unwrap();
    let now = Now { boot: Boot([0; 16]), ticks: 0, wall_ms: clock.wall_ms() };
    let mut peer = Peer::expecting(*keeper.published().lineage());
    let requests: Vec<_> = (0..50).map(|nonce| request(&mut peer, nonce, &now)).collect();

    // the clock stands still: the keeper waits for the first tick, and all requests with it
    let proofs = block_on(async {
        let asked = requests.into_iter().map(|request| keeper.prove(request));
        let answers = futures_util::future::join_all(asked);
        let tick = async { host.pass(nanos_of_ticks(1)) };
        futures_util::join!(answers, tick).0
    });
    keeper.stop();
    thread.join().unwrap().unwrap();
    assert_eq!(keeper.published().moments(), 2, "the genesis and one more");
    let heads: BTreeSet<_> =
        proofs.iter().map(|proof| proof.as_ref().unwrap().as_ref().unwrap().head().unwrap().head()).collect();
    assert_eq!(heads.len(), 1);
    assert_eq!(heads.first(), Some(&keeper.published().head()));
    // a first meeting's challenges die with the first answer: the others stand against the same anchor
    let first = proofs[0].as_ref().unwrap().as_ref().unwrap();
    let verdict = peer.take(&first.encode(), &now, &Policy::default()).unwrap();
    assert_eq!(verdict.statement.subject().uid, Some(7));
}

#[test]
fn an_index_is_never_ahead_of_the_clock_and_always_above_the_one_before() {
    let host = Manual::default();
    host.pass(5_000_000_000);
    let clock = host.clock();
    let (keeper, thread) = start(kept(&clock)).unwrap();
    for beat in 1..=100u64 {
        host.pass(nanos_of_ticks(beat % 3 + 1));
        assert!(keeper.beat(Sampler::new().sample()));
        while keeper.published().moments() < beat + 1 {
            thread::yield_now();
        }
        let ticks = crate::clock::ticks(host.raw.load(Ordering::SeqCst) - 5_000_000_000);
        assert_eq!(keeper.published().head().index, ticks);
    }
    keeper.stop();
    thread.join().unwrap().unwrap();
}

#[test]
fn a_clock_that_goes_backwards_ends_it() {
    let host = Manual::default();
    host.pass(10_000_000_000);
    let clock = host.clock();
    let (keeper, thread) = start(kept(&clock)).unwrap();
    host.pass(5_000_000_000);
    assert!(keeper.beat(Sampler::new().sample()));
    while keeper.published().moments() < 2 {
        thread::yield_now();
    }
    host.raw.fetch_sub(3_000_000_000, Ordering::SeqCst);
    assert!(keeper.beat(Sampler::new().sample()));
    block_on(keeper.ended());
    assert!(matches!(thread.join().unwrap(), Err(Ended::ClockBackwards { head: 20_480, .. })));
    assert_eq!(block_on(keeper.introduce()), Err(KeeperError::Ended));
}

#[test]
fn the_tpms_clock_that_was_read_last_stays_when_a_moment_has_told_it() {
    let host = Manual::default();
    host.pass(1_000_000_000);
    let clock = host.clock();
    let (keeper, thread) = start(kept(&clock)).unwrap();
    assert_eq!(keeper.published().tpm_clock(), None);
    let reading = ClockReading { clock_ms: 5, reset_count: 6, restart_count: 7, safe: true };
    for clock in [Some(reading), None] {
        let bytes = Zeroizing::new(vec![1; 32]);
        assert!(keeper.stir(Contribution { name: "tpm".into(), bytes, clock }));
        host.pass(1_000_000_000);
        let moments = keeper.published().moments();
        assert!(keeper.beat(Sampler::new().sample()));
        while keeper.published().moments() == moments {
            thread::yield_now();
        }
        assert_eq!(keeper.published().tpm_clock(), Some(reading));
    }
    keeper.stop();
    thread.join().unwrap().unwrap();
}

#[test]
fn foreign_anchors_are_counted() {
    let host = Manual::default();
    host.pass(1_000_000_000);
    let clock = host.clock();
    let (keeper, thread) = start(kept(&clock)).unwrap();
    let now = Now { boot: Boot([0; 16]), ticks: 0, wall_ms: clock.wall_ms() };
    // a copy of the same secrets that goes its own way
    let mut copy = kept(&clock).lineage;
    assert_eq!(copy.id(), keeper.published().lineage());
    let evidence = Evidence::new(EvidenceFields::default()).unwrap();
    let step = Step { index: 1, wall_ms: 0, randomness: &[9; 32], evidence };
    copy.moment(step).unwrap();
    let mut peer = Peer::introduced(&copy.introduce(), &now);
    host.pass(1_000_000_000);
    let answer = block_on(keeper.prove(request(&mut peer, 1, &now))).unwrap();
    assert!(matches!(answer, Err(ProveRefusal::ForeignAnchor { .. })), "{answer:?}");
    keeper.stop();
    thread.join().unwrap().unwrap();
    assert_eq!(*keeper.published().foreign_anchors().borrow(), 1);
    assert_eq!(keeper.published().moments(), 1, "a refusal makes no moment");
}
