//! Prove's latency over a phase.

use std::{
    fmt,
    time::{Duration, Instant},
};

use selfsame::{Boot, LineageId, Now, Peer, Policy};
use selfsame_tests::Host;

/// A relying party that keeps its peer in memory, and how long each of the host's answers took.
pub struct Caller {
    peer: Peer,
    began: Instant,
    count: u64,
}

/// How long Prove took in a phase.
pub struct Phase {
    /// Of each answer, in ascending order.
    took: Vec<Duration>,
}

impl Caller {
    /// A caller that knows `lineage` by its name alone: another one's answers it does not take.
    pub fn new(lineage: LineageId) -> Self {
        Self { peer: Peer::expecting(lineage), began: Instant::now(), count: 0 }
    }

    /// Proves until there are [`AT_LEAST`] answers, and `over` has said that the phase is. Each is verified.
    pub async fn phase(&mut self, host: &Host, mut over: impl AsyncFnMut() -> bool) -> Phase {
        let (mut took, mut is_over) = (Vec::new(), false);
        loop {
            took.push(self.prove(host).await);
            // not at each: a look costs as much as an answer; and from the first ones on: what it looks for may pass
            if took.len().is_multiple_of(20) {
                is_over |= over().await;
                if is_over && took.len() >= AT_LEAST {
                    took.sort_unstable();
                    return Phase { took };
                }
            }
        }
    }

    async fn prove(&mut self, host: &Host) -> Duration {
        self.count += 1;
        let mut nonce = [0x5a; 32];
        nonce[..8].copy_from_slice(&self.count.to_le_bytes());
        let now = self.now();
        let challenge = self.peer.challenge("door", &nonce, &now).unwrap();
        let begun = Instant::now();
        let proof = host.prove("door", &challenge, b"").await.unwrap();
        let took = begun.elapsed();
        let now = self.now();
        self.peer.take(&proof, &now, &Policy::default()).unwrap();
        took
    }

    fn now(&self) -> Now {
        let ticks = (self.began.elapsed().as_nanos() * 4096 / 1_000_000_000) as u64;
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Now { boot: Boot([3; 16]), ticks, wall_ms: wall.as_millis() as u64 }
    }
}

impl Phase {
    pub fn most(&self) -> Duration {
        self.took[self.took.len() - 1]
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let median = self.took[self.took.len() / 2];
        write!(f, "{} Proves, median {:.1} ms, most {:.1} ms", self.took.len(), ms(median), ms(self.most()))
    }
}

/// Proves in a phase, at least. Source: the issue.
const AT_LEAST: usize = 200;
