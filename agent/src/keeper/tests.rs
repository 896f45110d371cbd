use std::sync::atomic::{AtomicU64, Ordering};

use selfsame::{
    Birth, Boot, Condition, EvidenceFields, Now, Ordinary, Origin, Peer, Policy, Reason, Salt, Subject,
};
use tokio::runtime;

use super::*;
use crate::{
    behaviour::{Observer, Seen},
    breaks::{Generation, tests::Page},
    clock::manual::Manual,
    config::{Config, OnChange},
    entropy::{Gathering, Pace, Require},
};

/// Births in ordinary memory, each from another entropy.
struct Nursery {
    clock: Clock,
    births: Arc<AtomicU64>,
    /// How many memories were erased.
    erased: Arc<AtomicU64>,
}

impl Births<Ordinary> for Nursery {
    fn quick(&mut self) -> Vec<Contribution> {
        let bytes = Zeroizing::new(vec![7; 32]);
        vec![Contribution { name: "quick".into(), bytes, clock: None }]
    }

    fn end(&mut self, _: &mut Ordinary) {
        self.erased.fetch_add(1, Ordering::SeqCst);
    }

    fn born(&mut self, origin: Origin, _: Option<u64>) -> Result<Newborn<Ordinary>, String> {
        let number = self.births.fetch_add(1, Ordering::SeqCst);
        assert_eq!(self.erased.load(Ordering::SeqCst), number + 1, "erased before anything is born");
        let (lineage, born) = born(&self.clock, number, origin);
        Ok(Newborn { lineage, born, memory: "ordinary" })
    }
}

fn born(clock: &Clock, number: u64, origin: Origin) -> (Lineage<Ordinary>, AgeTime) {
    let condition = Some(Condition::Steady);
    let birth = Birth {
        contributions: &[("test", &number.to_le_bytes())],
        randomness: &[1; 32],
        salt: Salt::new([2; 32]),
        wall_ms: clock.wall_ms(),
        evidence: Evidence::new(EvidenceFields { condition, ..EvidenceFields::default() }).unwrap(),
        origin,
    };
    let born = clock.age();
    (Lineage::born(Ordinary::default(), birth).unwrap(), born)
}

fn kept(clock: &Clock) -> Kept<Ordinary> {
    kept_with(clock, Page::default(), &Config::default())
}

/// A lineage on a machine whose hypervisor has this page.
fn kept_with(clock: &Clock, page: Page, config: &Config) -> Kept<Ordinary> {
    let pace = Pace::new(Duration::from_secs(1), None);
    let sources = Gathering::begin(Vec::new(), Require::Each(Vec::new()), pace).unwrap().status();
    let (births, erased) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let births = Nursery { clock: clock.clone(), births, erased };
    let (lineage, born) = born(clock, u64::MAX, Origin::new(Reason::Install, None));
    let breaks = Breaks::of(Some(Box::new(page)), Arc::default(), config);
    let (clock, births) = (clock.clone(), Box::new(births));
    let seen = Arc::new(Seen::new(600));
    Kept { lineage, born, clock, sources, seen, memory: "ordinary", breaks, births }
}

/// Makes a moment by a beat, and waits until the face has `moments`.
fn beat_until(keeper: &Keeper, moments: u64) {
    assert!(keeper.beat(Observer::new().observe()));
    while keeper.published().face().moments != moments {
        thread::yield_now();
    }
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
    let (keeper, _told, thread) = start(kept(&clock)).unwrap();
    let now = Now { boot: Boot([0; 16]), ticks: 0, wall_ms: clock.wall_ms() };
    let mut peer = Peer::expecting(keeper.published().lineage());
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
    assert_eq!(keeper.published().face().moments, 2, "the genesis and one more");
    let heads: BTreeSet<_> =
        proofs.iter().map(|proof| proof.as_ref().unwrap().as_ref().unwrap().head().unwrap().head()).collect();
    assert_eq!(heads.len(), 1);
    assert_eq!(heads.first(), Some(&keeper.published().face().head));
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
    let (keeper, _told, thread) = start(kept(&clock)).unwrap();
    for beat in 1..=100u64 {
        host.pass(nanos_of_ticks(beat % 3 + 1));
        assert!(keeper.beat(Observer::new().observe()));
        while keeper.published().face().moments < beat + 1 {
            thread::yield_now();
        }
        let ticks = crate::clock::ticks(host.raw.load(Ordering::SeqCst) - 5_000_000_000);
        assert_eq!(keeper.published().face().head.index, ticks);
    }
    keeper.stop();
    thread.join().unwrap().unwrap();
}

#[test]
fn a_clock_that_goes_backwards_ends_it() {
    let host = Manual::default();
    host.pass(10_000_000_000);
    let clock = host.clock();
    let (keeper, mut told, thread) = start(kept(&clock)).unwrap();
    host.pass(5_000_000_000);
    assert!(keeper.beat(Observer::new().observe()));
    while keeper.published().face().moments < 2 {
        thread::yield_now();
    }
    let before = keeper.published().face();
    assert_eq!(before.head.index, 20_480);
    host.raw.fetch_sub(3_000_000_000, Ordering::SeqCst);
    assert!(keeper.beat(Observer::new().observe()));
    while keeper.published().lineage() == before.lineage {
        thread::yield_now();
    }
    let origin = keeper.published().face().genesis.origin().clone();
    let predecessor = selfsame::Predecessor { lineage: before.lineage, head: before.head };
    assert_eq!(origin, Origin::new(Reason::Rollback, Some(predecessor)));
    // the beat is the next one's: it waits for the first tick after its birth
    host.pass(1_000_000_000);
    while keeper.published().face().moments < 2 {
        thread::yield_now();
    }
    keeper.stop();
    thread.join().unwrap().unwrap();
    assert!(matches!(told.try_recv(), Ok(Told::Ended { reason: Reason::Rollback, .. })));
}

#[test]
fn the_tpms_clock_that_was_read_last_stays_when_a_moment_has_told_it() {
    let host = Manual::default();
    host.pass(1_000_000_000);
    let clock = host.clock();
    let (keeper, _told, thread) = start(kept(&clock)).unwrap();
    assert_eq!(keeper.published().tpm_clock(), None);
    let reading = ClockReading { clock_ms: 5, reset_count: 6, restart_count: 7, safe: true };
    for clock in [Some(reading), None] {
        let bytes = Zeroizing::new(vec![1; 32]);
        assert!(keeper.stir(Contribution { name: "tpm".into(), bytes, clock }));
        host.pass(1_000_000_000);
        let moments = keeper.published().face().moments;
        assert!(keeper.beat(Observer::new().observe()));
        while keeper.published().face().moments == moments {
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
    let (keeper, _told, thread) = start(kept(&clock)).unwrap();
    let now = Now { boot: Boot([0; 16]), ticks: 0, wall_ms: clock.wall_ms() };
    // a copy of the same secrets that goes its own way
    let mut copy = kept(&clock).lineage;
    assert_eq!(*copy.id(), keeper.published().lineage());
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
    assert_eq!(keeper.published().face().moments, 1, "a refusal makes no moment");
}

#[test]
fn a_clone_never_answers_for_the_lineage_that_it_was_copied_from() {
    let host = Manual::default();
    host.pass(1_000_000_000);
    let (clock, page) = (host.clock(), Page::default());
    let says = |counter| *page.0.lock().unwrap() = Some(Generation { counter: Some(counter), disruption: 0 });
    says(1);
    let (keeper, mut told, thread) = start(kept_with(&clock, page.clone(), &Config::default())).unwrap();
    let first = keeper.published().face();
    let now = Now { boot: Boot([0; 16]), ticks: 0, wall_ms: clock.wall_ms() };
    let mut peer = Peer::expecting(first.lineage);
    let (one, two) = (request(&mut peer, 1, &now), request(&mut peer, 2, &now));
    host.pass(1_000_000_000);
    assert!(block_on(keeper.prove(one)).unwrap().is_ok());
    let before = keeper.published().face();

    says(2);
    host.pass(1_000_000_000);
    let clocks = host.clone();
    let ticking = thread::spawn(move || {
        // the next lineage's first tick
        while told.try_recv().is_err() {
            thread::yield_now();
        }
        clocks.pass(1_000_000_000);
        told
    });
    let answer = block_on(keeper.prove(two)).unwrap();
    let mut told = ticking.join().unwrap();
    let own = keeper.published().face();
    assert_ne!(own.lineage, first.lineage);
    let expected = ProveRefusal::OtherLineage {
        asked: first.lineage,
        own: own.lineage,
        predecessor: Some(first.lineage),
    };
    assert_eq!(answer, Err(expected));
    let predecessor = selfsame::Predecessor { lineage: first.lineage, head: before.head };
    assert_eq!(*own.genesis.origin(), Origin::new(Reason::Clone, Some(predecessor)));
    beat_until(&keeper, 2);
    assert!(told.try_recv().is_err(), "it ended once");
    keeper.stop();
    thread.join().unwrap().unwrap();
}

#[test]
fn what_waits_is_answered_before_a_person_ends_the_lineage() {
    let host = Manual::default();
    host.pass(1_000_000_000);
    let clock = host.clock();
    let (keeper, _told, thread) = start(kept(&clock)).unwrap();
    let first = keeper.published().lineage();
    let now = Now { boot: Boot([0; 16]), ticks: 0, wall_ms: clock.wall_ms() };
    let mut peer = Peer::expecting(first);
    let requests: Vec<_> = (0..20).map(|nonce| request(&mut peer, nonce, &now)).collect();
    // the clock stands still until all of it waits
    let (answers, ended, ()) = block_on(async {
        let asked = requests.into_iter().map(|request| keeper.prove(request));
        let tick = async { host.pass(nanos_of_ticks(1)) };
        futures_util::join!(futures_util::future::join_all(asked), keeper.end(Reason::Ended), tick)
    });
    ended.unwrap();
    for answer in answers {
        assert_eq!(*answer.unwrap().unwrap().lineage(), first);
    }
    let origin = keeper.published().face().genesis.origin().clone();
    assert_eq!((origin.reason(), origin.predecessor().unwrap().lineage), (Reason::Ended, first));
    keeper.stop();
    thread.join().unwrap().unwrap();
}

#[test]
fn before_a_hibernation_nothing_is_born_until_the_machine_has_slept() {
    for how in ["slept", "woken", "awake for long"] {
        let host = Manual::default();
        host.pass(1_000_000_000);
        let (keeper, mut told, thread) = start(kept(&host.clock())).unwrap();
        let first = keeper.published().lineage();
        block_on(keeper.end(Reason::Hibernate)).unwrap();
        assert_eq!(block_on(keeper.introduce()), Err(KeeperError::Ended), "there is no lineage");
        assert!(block_on(keeper.is_alive()), "{how}: it waits, and does not hang");
        assert!(keeper.beat(Observer::new().observe()));
        block_on(keeper.end(Reason::Ended)).unwrap();
        assert_eq!(keeper.published().lineage(), first, "{how}");
        assert!(told.try_recv().is_err(), "{how}: nothing is told before there is a successor");
        match how {
            "slept" => drop(host.boottime.fetch_add(1_000_000_000, Ordering::SeqCst)),
            "woken" => block_on(keeper.after_sleep()).unwrap(),
            _ => host.pass(120_000_000_000),
        }
        let Some(Told::Ended { reason: Reason::Hibernate, successor, .. }) = told.blocking_recv() else {
            panic!("{how}")
        };
        assert_eq!(successor, keeper.published().lineage().to_string());
        keeper.stop();
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn a_keeper_that_stands_still_does_not_say_that_it_lives_until_it_goes_on() {
    let host = Manual::default();
    let (keeper, _told, thread) = start(kept(&host.clock())).unwrap();
    assert!(block_on(keeper.is_alive()));
    // the clock stands still: the keeper waits for a tick, and whoever asks after it, for the keeper
    assert!(keeper.beat(Observer::new().observe()));
    let mut asked = Box::pin(keeper.is_alive());
    assert!(block_on(async { futures_util::poll!(&mut asked) }).is_pending());
    host.pass(nanos_of_ticks(1));
    assert!(block_on(asked));
    keeper.stop();
    thread.join().unwrap().unwrap();
    assert!(!block_on(keeper.is_alive()), "it has ended");
}

#[test]
fn told_to_end_while_the_machine_goes_to_sleep_it_ends() {
    let host = Manual::default();
    let (keeper, _told, thread) = start(kept(&host.clock())).unwrap();
    block_on(keeper.end(Reason::Hibernate)).unwrap();
    keeper.stop();
    thread.join().unwrap().unwrap();
}

#[test]
fn a_reset_of_the_tpm_ends_the_lineage_or_degrades_it() {
    for on_tpm_reset in OnChange::ALL {
        let host = Manual::default();
        host.pass(1_000_000_000);
        let config = Config { on_tpm_reset, ..Config::default() };
        let kept = kept_with(&host.clock(), Page::default(), &config);
        let sources = kept.sources.clone();
        let (keeper, mut told, thread) = start(kept).unwrap();
        let first = keeper.published().lineage();
        for reset_count in [1, 2] {
            let clock = Some(ClockReading { clock_ms: 1, reset_count, restart_count: 0, safe: true });
            let bytes = Zeroizing::new(vec![7; 32]);
            assert!(keeper.stir(Contribution { name: "tpm".into(), bytes, clock }));
        }
        let told = told.blocking_recv().unwrap();
        if on_tpm_reset == OnChange::End {
            assert!(matches!(told, Told::Ended { reason: Reason::Reset, .. }), "{told:?}");
            assert_ne!(keeper.published().lineage(), first);
            assert_eq!(sources.marks(), [""; 0]);
        } else {
            assert_eq!(told, Told::Marked);
            assert_eq!(keeper.published().lineage(), first);
            assert!(sources.marks()[0].contains("resetCount was 1 and is 2"));
            // it is degraded until it ends
            block_on(keeper.end(Reason::Ended)).unwrap();
            assert_eq!(sources.marks(), [""; 0]);
        }
        keeper.stop();
        host.pass(1_000_000_000);
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn a_sleep_has_a_moment_before_and_a_stirred_one_after() {
    let host = Manual::default();
    host.pass(1_000_000_000);
    let (keeper, _told, thread) = start(kept(&host.clock())).unwrap();
    host.pass(1_000_000_000);
    block_on(keeper.before_sleep()).unwrap();
    assert_eq!(keeper.published().face().moments, 2);
    host.boottime.fetch_add(60_000_000_000, Ordering::SeqCst);
    block_on(keeper.after_sleep()).unwrap();
    assert_eq!(keeper.published().face().moments, 3);
    assert_eq!(keeper.published().face().head.index, 61 * 4096);
    let introduction = block_on(keeper.introduce()).unwrap();
    let sources = introduction.moment().unwrap().evidence().fields().sources.clone().unwrap();
    assert_eq!(sources, ["kernel", "quick"]);
    keeper.stop();
    thread.join().unwrap().unwrap();
}

/// What the newest moment says of the host's behaviour.
fn told(keeper: &Keeper) -> Behaviour {
    let introduction = block_on(keeper.introduce()).unwrap();
    introduction.moment().unwrap().evidence().fields().behaviour.unwrap()
}

#[test]
fn the_moment_of_a_beat_commits_to_its_sample_and_those_between_do_not() {
    let host = Manual::default();
    host.pass(1_000_000_000);
    let kept = kept(&host.clock());
    let seen = kept.seen.clone();
    let (keeper, _told, thread) = start(kept).unwrap();
    let mut observer = Observer::new();
    for beat in 1..=3u64 {
        host.pass(1_000_000_000);
        let mut observed = observer.observe();
        observed.behaviour.drift = Some(beat);
        let (behaviour, sample) = (observed.behaviour, observed.sample.bytes().to_vec());
        assert!(keeper.beat(observed));
        while keeper.published().face().moments < 2 * beat {
            thread::yield_now();
        }
        assert_eq!(told(&keeper), behaviour);
        let head = keeper.published().face().head;
        let audited = seen.audit.find(head.index).unwrap();
        assert_eq!(*selfsame::Moment::parse(&audited.body).unwrap().digest(), head.digest);
        assert_eq!(audited.sample, sample);
        assert_eq!(Some(Behaviour::commitment_to(&audited.blind, &audited.sample)), behaviour.commitment);

        host.pass(1_000_000_000);
        block_on(keeper.before_sleep()).unwrap();
        assert_eq!(told(&keeper), Behaviour { commitment: None, ..behaviour }, "of no sample of its own");
        assert_eq!(seen.audit.find(keeper.published().face().head.index), None);
    }
    // what a lineage committed to goes with it
    let index = keeper.published().face().head.index - 4096;
    assert!(seen.audit.find(index).is_some());
    block_on(keeper.end(Reason::Ended)).unwrap();
    assert_eq!(seen.audit.find(index), None);
    keeper.stop();
    thread.join().unwrap().unwrap();
}
