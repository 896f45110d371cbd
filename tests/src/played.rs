//! A host that is played, for a demonstration of what no agent does: its memory is copied while it runs.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use nix::unistd::{getgid, getpid, getuid};
use selfsame::{
    Birth, Challenge, Condition, Evidence, EvidenceFields, HopError, Lineage, Ordinary, Origin, ProveRefusal,
    Reason, Request, Salt, Step, Subject, hazmat,
};
use selfsame_dbus::{ByteBuf, Bytes, Error};
use tokio::sync::Mutex;
use zbus::{OwnedVariant, interface};

/// Serves `org.selfsame.Identity1`, as far as proofs need it, with a real lineage in ordinary memory.
///
/// It is no agent: it takes randomness from the kernel alone, every caller is its own process, and its memory can be
/// copied.
#[derive(Clone, Debug)]
pub struct Played {
    lineage: Arc<Mutex<Lineage<Ordinary>>>,
    /// The age clock at birth, in nanoseconds.
    born: u64,
}

impl Played {
    /// A host, born now.
    pub fn born() -> Self {
        let birth = Birth {
            contributions: &[("kernel", &random())],
            randomness: &random(),
            salt: Salt::new(random()),
            wall_ms: wall_ms(),
            evidence: evidence(),
            origin: Origin::new(Reason::Install, None),
        };
        let lineage = Lineage::born(Ordinary::default(), birth).unwrap();
        Self { lineage: Arc::new(Mutex::new(lineage)), born: age_clock() }
    }

    /// A second host with a copy of this one's memory as it is now: from here on each goes its own way.
    pub async fn copied(&self) -> Self {
        let Ok(copy) = hazmat::copy(&*self.lineage.lock().await, Ordinary::default());
        Self { lineage: Arc::new(Mutex::new(copy)), born: self.born }
    }

    /// Makes a moment every second, for ever.
    pub async fn beat(self) {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut lineage = self.lineage.lock().await;
            let index = self.next_tick(&lineage).await;
            lineage.moment(step(index, &random())).unwrap();
        }
    }

    /// The lineage's age in ticks, once that is after its head.
    async fn next_tick(&self, lineage: &Lineage<Ordinary>) -> u64 {
        loop {
            let index = u64::try_from(u128::from(age_clock() - self.born) * 4096 / 1_000_000_000).unwrap();
            if index > lineage.head().index {
                return index;
            }
            tokio::time::sleep(Duration::from_micros(250)).await;
        }
    }
}

/// The copied host, or the copy: nothing of this is an agent.
#[interface(name = "org.selfsame.Identity1")]
impl Played {
    #[zbus(out_args("proof"))]
    async fn prove(
        &self,
        audience: &str,
        challenge: &Bytes,
        payload: &Bytes,
        options: HashMap<&str, OwnedVariant>,
    ) -> Result<ByteBuf, Error> {
        if !options.is_empty() {
            return Err(Error::InvalidArgument("no options".into()));
        }
        let challenge = Challenge::parse(challenge).map_err(|error| Error::Malformed(error.to_string()))?;
        let subject = Subject {
            uid: Some(getuid().as_raw()),
            gid: Some(getgid().as_raw()),
            pid: u32::try_from(getpid().as_raw()).ok(),
            ..Subject::default()
        };
        let payload = (!payload.is_empty()).then(|| payload.to_vec());
        let request = Request { audience: audience.to_owned(), challenge, subject, payload };
        let mut lineage = self.lineage.lock().await;
        let index = self.next_tick(&lineage).await;
        let answers = lineage.prove(step(index, &random()), vec![request]).unwrap();
        let answer = answers.into_iter().next().unwrap();
        answer.map(|proof| ByteBuf::from(proof.encode())).map_err(|refusal| {
            let text = refusal.to_string();
            match refusal {
                ProveRefusal::WrongAudience { .. } => Error::WrongAudience(text),
                ProveRefusal::OtherLineage { .. } => Error::OtherLineage(text),
                ProveRefusal::ForeignAnchor { .. } => Error::ForeignAnchor(text),
                ProveRefusal::TooOld { .. } | ProveRefusal::NotKept { .. } => Error::TooOld(text),
                _ => Error::InvalidArgument(text),
            }
        })
    }

    #[zbus(out_args("introduction"))]
    async fn introduce(&self) -> Result<ByteBuf, Error> {
        Ok(ByteBuf::from(self.lineage.lock().await.introduce().encode()))
    }

    #[zbus(out_args("hop", "way"))]
    async fn hop(&self, index: u64, tier: u8, way: bool) -> Result<(ByteBuf, Vec<ByteBuf>), Error> {
        let answer = self.lineage.lock().await.hop(index, tier, way).map_err(|refusal| match refusal {
            HopError::Range { .. } => Error::InvalidArgument(refusal.to_string()),
            _ => Error::NotKept(refusal.to_string()),
        })?;
        let way = answer.way.iter().map(|hop| ByteBuf::from(hop.encode())).collect();
        Ok((ByteBuf::from(answer.hop.encode()), way))
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn lineage(&self) -> String {
        self.lineage.lock().await.id().to_string()
    }
}

fn step(index: u64, randomness: &[u8; 32]) -> Step<'_> {
    Step { index, wall_ms: wall_ms(), randomness, evidence: evidence() }
}

fn evidence() -> Evidence {
    let (sources, condition) = (Some(vec!["kernel".to_owned()]), Some(Condition::Degraded));
    Evidence::new(EvidenceFields { sources, condition, ..EvidenceFields::default() }).unwrap()
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes
}

fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// The age clock (protocol section 1), in nanoseconds: read in the order that puts a pause between behind.
fn age_clock() -> u64 {
    let [raw, boottime, monotonic] =
        [ClockId::CLOCK_MONOTONIC_RAW, ClockId::CLOCK_BOOTTIME, ClockId::CLOCK_MONOTONIC].map(|clock| {
            let time = clock_gettime(clock).unwrap();
            i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec())
        });
    u64::try_from(raw + boottime - monotonic).unwrap()
}
