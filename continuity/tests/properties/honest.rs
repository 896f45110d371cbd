//! Section 7 as a whole: an honest host is never refused, however it, the network and the verifier behave.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use selfsame::{Now, Ordinary, Peer, Policy, Refusal, Timing};

use super::clocks::{Clocks, lives};
use super::count::check;
use super::host::{AUDIENCE, Host};

/// What happens in the world of one host and one verifier.
#[derive(Clone, Debug)]
enum Act {
    /// The verifier issues a challenge, which is so many ticks on its way; its answer so many, or for ever.
    Ask { there: u64, back: Option<u64> },
    /// The verifier's process is started anew, from what it has stored.
    Restart,
    /// The verifier's machine is started anew, with its wall clock wrong by so much.
    Reboot(i64),
    /// The verifier's wall clock is set, wrong by so much.
    SetWall(i64),
    /// The host stands still: its clocks too.
    Pause(u64),
    /// The host makes a beat, at its time.
    Beat,
    /// A challenge arrives at the host.
    AtHost { number: usize, back: Option<u64> },
    /// The host makes one moment for all challenges that wait.
    Commit,
    /// An answer arrives at the verifier.
    AtVerifier { number: usize, proof: Vec<u8> },
}

/// How a world begins.
#[derive(Clone, Copy, Debug)]
struct Begin {
    seed: u64,
    beat: u64,
    /// The host's clock is fast by so many millionths.
    fast: i64,
    /// Challenges wait so long for others, which one moment answers with them.
    gathers: u64,
    /// How the verifier comes to know the host.
    meeting: u8,
}

const SECOND: u64 = 4096;

fn ticks(bits: core::ops::Range<u32>) -> impl Strategy<Value = u64> {
    (bits, any::<u64>()).prop_map(|(bits, r)| r % (1 << bits) + 1)
}

fn script(pauses: bool) -> impl Strategy<Value = Vec<(u64, Act)>> {
    // less than ten minutes apart, all of them
    let wrong = || -240_000i64..240_000;
    let back = prop_oneof![8 => (0..30 * SECOND).prop_map(Some), 1 => Just(None)];
    let act = prop_oneof![
        12 => (0..32 * SECOND, back).prop_map(|(there, back)| Act::Ask { there, back }),
        2 => Just(Act::Restart),
        1 => wrong().prop_map(Act::Reboot),
        1 => wrong().prop_map(Act::SetWall),
        u32::from(pauses) * 5 => (0..9 * SECOND).prop_map(Act::Pause),
    ];
    vec((prop_oneof![3 => ticks(0..18), 1 => ticks(0..31)], act), 1..30)
}

fn begin() -> impl Strategy<Value = Begin> {
    let beat =
        (0u32..13, any::<u64>()).prop_map(|(bits, r)| (r % (SECOND << bits)).clamp(SECOND, 3600 * SECOND));
    let gathers = prop_oneof![Just(0), 0..4 * SECOND];
    (any::<u64>(), beat, -900i64..=900, gathers, 0u8..4)
        .prop_map(|(seed, beat, fast, gathers, meeting)| Begin { seed, beat, fast, gathers, meeting })
}

/// A challenge that was issued.
struct Out {
    challenge: selfsame::Challenge,
    at: Now,
    is_fragile: bool,
    is_dead: bool,
}

struct World {
    t: u64,
    begin: Begin,
    host: Host<Ordinary>,
    paused: u64,
    resumes_at: u64,
    clocks: Clocks,
    peer: Peer,
    issued: Vec<Out>,
    /// Challenges that wait at the host, and how long each answer is on its way.
    waiting: Vec<(usize, Option<u64>)>,
    /// What will happen, by time and order.
    coming: BTreeMap<(u64, u64), Act>,
    order: u64,
    beats_left: u32,
    accepted: u32,
    most_lag: u64,
}

impl World {
    fn new(begin: Begin, script: Vec<(u64, Act)>) -> Self {
        let mut host = Host::born(begin.seed);
        let clocks = Clocks::new();
        let now = clocks.now(0);
        let peer = match begin.meeting {
            0 => Peer::unknown(),
            1 => Peer::expecting(*host.lineage.id()),
            2 => Peer::introduced(&host.lineage.introduce(), &now),
            _ => {
                host.moment(1);
                Peer::introduced(&host.lineage.introduce(), &now)
            }
        };
        let mut world = Self {
            t: 1,
            begin,
            host,
            paused: 0,
            resumes_at: 0,
            clocks,
            peer,
            issued: Vec::new(),
            waiting: Vec::new(),
            coming: BTreeMap::new(),
            order: 0,
            beats_left: 30,
            accepted: 0,
            most_lag: 0,
        };
        let mut t = 1;
        for (after, act) in script {
            t += after;
            world.later(t, act);
        }
        world.later(1 + begin.beat, Act::Beat);
        world
    }

    fn later(&mut self, t: u64, act: Act) {
        self.order += 1;
        self.coming.insert((t, self.order), act);
    }

    fn now(&self) -> Now {
        self.clocks.now(self.t)
    }

    /// The host's age in whole ticks of its own clock.
    fn age(&self) -> u64 {
        let lived = i128::from(self.t - self.paused);
        u64::try_from(lived + lived * i128::from(self.begin.fast) / 1_000_000).expect("time goes on")
    }

    fn run(mut self) -> Self {
        while let Some(((t, _), act)) = self.coming.pop_first() {
            self.t = t;
            self.happen(act);
        }
        self
    }

    fn happen(&mut self, act: Act) {
        match act {
            Act::Beat | Act::Commit if self.t < self.resumes_at => self.later(self.resumes_at, act),
            // if the tick is the same, wait for the next
            Act::Commit if self.age() <= self.host.lineage.head().index => self.later(self.t + 1, act),
            Act::Beat => {
                if self.age() > self.host.lineage.head().index {
                    self.host.moment(self.age());
                }
                // after so many the host sleeps, until something happens
                self.beats_left = self.beats_left.saturating_sub(1);
                if self.beats_left > 0 {
                    self.later(self.t + self.begin.beat, Act::Beat);
                }
            }
            Act::AtHost { number, back } => {
                self.waiting.push((number, back));
                if self.waiting.len() == 1 {
                    self.later(self.t + self.begin.gathers, Act::Commit);
                }
            }
            Act::Commit => self.commit(),
            Act::Ask { there, back } => self.ask(there, back),
            Act::AtVerifier { number, proof } => self.take(number, &proof),
            Act::Restart => self.peer = Peer::restore(&self.peer.record()).expect("what was kept comes back"),
            Act::Reboot(wrong_ms) => {
                self.clocks.reboot(self.t);
                self.clocks.set_wall(wrong_ms);
            }
            Act::SetWall(wrong_ms) => self.clocks.set_wall(wrong_ms),
            Act::Pause(ticks) => {
                let from = self.resumes_at.max(self.t);
                self.paused += ticks;
                self.resumes_at = from + ticks;
            }
        }
    }

    fn commit(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let challenges: Vec<_> =
            waiting.iter().map(|(number, _)| self.issued[*number].challenge.clone()).collect();
        let proofs = self.host.prove(self.age(), &challenges);
        for ((number, back), proof) in waiting.into_iter().zip(proofs) {
            if let Some(back) = back {
                self.later(self.t + back, Act::AtVerifier { number, proof: proof.encode() });
            }
        }
    }

    fn ask(&mut self, there: u64, back: Option<u64>) {
        let (now, number) = (self.now(), self.issued.len());
        let nonce = [number as u8; 32];
        let challenge = self.peer.challenge(AUDIENCE, &nonce, &now).expect("few are out");
        self.issued.iter_mut().for_each(|out| out.is_dead |= !lives(&out.at, &now));
        let is_fragile = self.accepted == 0;
        self.issued.push(Out { challenge, at: now, is_fragile, is_dead: false });
        self.later(self.t + there, Act::AtHost { number, back });
        if self.beats_left == 0 {
            self.later(self.t + self.begin.beat, Act::Beat);
        }
        self.beats_left = 30;
    }

    fn take(&mut self, number: usize, proof: &[u8]) {
        let now = self.now();
        let anchor = self.peer.anchor().map(selfsame::Anchor::index);
        let out = &self.issued[number];
        let result = self.peer.take(proof, &now, &Policy::default());
        if out.is_dead || !lives(&out.at, &now) {
            assert!(matches!(result, Err(Refusal::Expired | Refusal::UnknownChallenge)), "{result:?}");
            return;
        }
        let verdict = result.unwrap_or_else(|refusal| panic!("an honest host is refused: {refusal}"));
        assert_eq!(verdict.known, (!out.challenge.since().is_empty()).then_some(true));
        assert!(verdict.lag <= self.paused.saturating_sub(SECOND), "{} of {}", verdict.lag, self.paused);
        assert_eq!(verdict.moved, anchor.is_none_or(|anchor| verdict.index > anchor));
        assert_eq!(verdict.first_meeting, anchor.is_none());
        assert!(verdict.timing != Timing::First || self.accepted == 0);
        self.most_lag = self.most_lag.max(verdict.lag);
        self.accepted += 1;
        self.issued[number].is_dead = true;
        let record = self.peer.record();
        assert_eq!(Peer::restore(&record).map(|peer| peer.record()), Ok(record));
        if verdict.moved {
            self.issued.iter_mut().for_each(|out| out.is_dead |= out.is_fragile);
        }
    }
}

#[test]
fn an_honest_host_is_never_refused() {
    let accepted = std::cell::Cell::new(0);
    check(600, (begin(), script(false)), |(begin, script)| {
        let world = World::new(begin, script).run();
        assert_eq!(world.most_lag, 0, "nor does it lag");
        accepted.set(accepted.get() + world.accepted);
    });
    println!("{} proofs were accepted", accepted.get());
}

#[test]
fn nor_is_one_that_is_paused_for_less_than_a_minute_in_all() {
    let (accepted, most_lag) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    check(400, (begin(), script(true)), |(begin, mut script)| {
        let mut left = 60 * SECOND;
        script.retain(|(_, act)| match act {
            Act::Pause(ticks) if *ticks > left => false,
            Act::Pause(ticks) => {
                left -= ticks;
                true
            }
            _ => true,
        });
        let world = World::new(begin, script).run();
        accepted.set(accepted.get() + world.accepted);
        most_lag.set(most_lag.get().max(world.most_lag));
    });
    println!("{} proofs were accepted, the largest lag was {} ticks", accepted.get(), most_lag.get());
    assert!(most_lag.get() > SECOND, "some lagged");
}
