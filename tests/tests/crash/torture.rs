//! Killed a thousand times at random moments, under load from several callers.
//!
//! Each caller asks for four relying parties: one that is always there, and three that come back after 1 s, 1 min and 10 min,
//! so that their anchors are as old. (A tenth of the kills takes seconds: there the last two come back once, at the end.)
//! Every proof is accepted, none is answered with `ForeignAnchor`, and every head that was handed out lately is known; what the
//! parties keep of hops shows no pledge that was opened over two bodies; and the lineage is the same to the end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use selfsame::{Boot, Challenge, LineageId, Now, Peer, Policy};
use selfsame_dbus::Identity1Proxy;
use selfsame_tests::manager::HISTORY;

use crate::unit::{PLAIN, Unit, prove};

/// A relying party that takes an answer only every so often: what it keeps is that old when it does.
struct Party {
    peer: Peer,
    every: Duration,
    last: Instant,
    taken: u64,
    /// A challenge that is out, and got no answer: it is used again while it lives.
    out: Option<(Challenge, Instant)>,
}

impl Party {
    fn new(lineage: LineageId, every: Duration) -> Self {
        Self { peer: Peer::expecting(lineage), every, last: Instant::now(), taken: 0, out: None }
    }

    fn is_due(&self) -> bool {
        self.taken == 0 || self.last.elapsed() >= self.every
    }
}

struct Tally {
    proofs: AtomicU64,
    lost: AtomicU64,
    over: AtomicBool,
    began: Instant,
}

impl Tally {
    fn now(&self) -> Now {
        let ticks = (self.began.elapsed().as_nanos() * 4096 / 1_000_000_000) as u64;
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Now { boot: Boot([9; 16]), ticks, wall_ms: wall.as_millis() as u64 }
    }
}

/// A caller that never stops asking: for a party in turn that is due, until the end.
async fn caller(address: String, number: u64, lineage: LineageId, tally: Arc<Tally>) {
    let connection = zbus::connection::Builder::address(address.as_str()).build().await.unwrap();
    let identity = Identity1Proxy::uncached(&connection).await.unwrap();
    let mut parties = [0, 1, 60, 600].map(|seconds| Party::new(lineage, Duration::from_secs(seconds)));
    let mut count = 0_u64;
    while !tally.over.load(Ordering::SeqCst) {
        for party in parties.iter_mut().filter(|party| party.is_due()) {
            count += 1;
            ask(&identity, party, number << 32 | count, &tally).await;
        }
    }
    // whoever was away comes back once
    for party in &mut parties {
        count += 1;
        while !ask(&identity, party, number << 32 | count, &tally).await {
            count += 1;
        }
        assert!(party.taken >= 2);
    }
}

/// Asks for one proof and takes it. False: the agent went before it had answered.
async fn ask(identity: &Identity1Proxy<'_>, party: &mut Party, number: u64, tally: &Tally) -> bool {
    let out = party.out.take().filter(|(_, made)| made.elapsed() < Duration::from_secs(50));
    let (challenge, made) = match out {
        Some(out) => out,
        None => {
            let mut nonce = [0x77; 32];
            nonce[..8].copy_from_slice(&number.to_le_bytes());
            (party.peer.challenge("door", &nonce, &tally.now()).unwrap(), Instant::now())
        }
    };
    match prove(identity, &challenge).await {
        Some(proof) => {
            let verdict = party.peer.take(&proof, &tally.now(), &Policy::default());
            let verdict = verdict.unwrap_or_else(|refusal| panic!("a proof is refused: {refusal:?}"));
            // under this load the 16,384 heads that it remembers are those of half a minute at the least
            let is_recent = party.every <= Duration::from_secs(1);
            assert!(
                verdict.statement.known() != Some(false) || !is_recent,
                "a head is not known that was handed out"
            );
            party.taken += 1;
            party.last = Instant::now();
            tally.proofs.fetch_add(1, Ordering::SeqCst);
            // leaves the processor to the others for a while, as ten minutes of this are long
            tokio::time::sleep(Duration::from_millis(2)).await;
            true
        }
        None => {
            tally.lost.fetch_add(1, Ordering::SeqCst);
            party.out = Some((challenge, made));
            // until it is back: a call to a name that nobody has comes back at once
            tokio::time::sleep(Duration::from_millis(1)).await;
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_a_thousand_times_under_load() {
    let full = std::env::var_os("SELFSAME_FULL").is_some_and(|value| value == "1");
    // all of them take more than ten minutes
    let (kills, alive_at_most_micros) = if full { (1000, 1_150_000) } else { (100, 60_000) };
    let mut unit = Unit::start(PLAIN).await;
    let lineage = unit.lineage().await;
    let tally = Arc::new(Tally {
        proofs: AtomicU64::new(0),
        lost: AtomicU64::new(0),
        over: AtomicBool::new(false),
        began: Instant::now(),
    });
    let callers: Vec<_> = (0..3)
        .map(|number| tokio::spawn(caller(unit.bus.address().to_owned(), number, lineage, tally.clone())))
        .collect();
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut recoveries = Vec::new();
    for _ in 0..kills {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // from the middle of its start to some hundred proofs later
        tokio::time::sleep(Duration::from_micros((chance >> 33) % alive_at_most_micros)).await;
        unit.process.end();
        let (begun, before) = (Instant::now(), tally.proofs.load(Ordering::SeqCst));
        unit.process = unit.manager.spawn(&unit.options);
        if (chance >> 20).is_multiple_of(4) {
            // killed again while it starts
            continue;
        }
        unit.named().await;
        while tally.proofs.load(Ordering::SeqCst) == before {
            assert!(callers.iter().all(|caller| !caller.is_finished()), "a caller has failed");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        recoveries.push(begun.elapsed());
    }
    unit.named().await;
    tally.over.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(unit.lineage().await, lineage, "{}", unit.manager.stderr());
    // what is kept is 3.5 MB and a head's 64 bytes 16,384 times, at most; until it is written anew twice that, and 4 MiB;
    // and while it is, both
    let history = rustix::fs::fstat(unit.manager.kept(HISTORY).unwrap()).unwrap();
    assert!(history.st_blocks * 512 < 32 << 20, "the history takes {} bytes", history.st_blocks * 512);
    recoveries.sort_unstable();
    println!(
        "{kills} kills: {} proofs, all accepted; {} calls without an answer; from a kill to the next proof: median \
         {:.0?}, most {:.0?}",
        tally.proofs.load(Ordering::SeqCst),
        tally.lost.load(Ordering::SeqCst),
        recoveries[recoveries.len() / 2],
        recoveries[recoveries.len() - 1],
    );
}
